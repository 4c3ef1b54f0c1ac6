/**
 * The queue of operations that wait for the same thing, such as a lock, a name or data, first come, first served.
 *
 * It is an intrusive list of the waiting operations, so that adding at the end, removing at the front and removing from
 * the middle (a timeout, a cancellation) take constant time and allocate nothing.
 *
 * An operation is in one queue at most. Code that settles one removes it first, and one that is cancelled removes itself.
 * So a queue holds only operations that still wait, but for the queue of a read buffer: a read that has its outcome stays
 * the first there until it has taken its bytes (`io/stream/read_buffer.ts`).
 */
import { Operation } from "./operation.ts";

/** @internal The links of an entry of a {@linkcode WaitQueue}. */
export interface QueueLinks {
  /** The one behind it; `null` if it is the last. */
  nextWaiter: QueueLinks | null;
  /** The one before it; of the first one, the last. `null` if it is in no queue. */
  prevWaiter: QueueLinks | null;
}

/** @internal An operation that can be in a {@linkcode WaitQueue}. */
export abstract class Waiter<T> extends Operation<T> implements QueueLinks {
  /** @internal The one behind it. */
  declare nextWaiter: Waiter<unknown> | null;
  /** @internal The one before it; of the first one, the last. */
  declare prevWaiter: Waiter<unknown> | null;

  /** @internal */
  constructor() {
    super();
    this.nextWaiter = null;
    this.prevWaiter = null;
  }
}

/** @internal Operations that wait for the same thing, in the order in which they came. */
export class WaitQueue<W extends QueueLinks> {
  /** How many wait. */
  length = 0;
  /** The operation that has waited longest; only this file sets it. */
  // The only reference to the waiters: to store a new object in an old one costs V8 as much as the rest of a push.
  head: W | null = null;

  /** Adds a waiter at the end. */
  push(waiter: W): void {
    const head = this.head;
    if (head === null) {
      this.head = waiter.prevWaiter = waiter;
    } else {
      waiter.prevWaiter = head.prevWaiter;
      head.prevWaiter!.nextWaiter = waiter;
      head.prevWaiter = waiter;
    }
    this.length++;
  }

  /** Removes the operation that has waited longest; `null` if none waits. */
  shift(): W | null {
    const head = this.head;
    if (head === null) return null;
    const next = head.nextWaiter;
    this.head = next as W | null;
    if (next !== null) {
      next.prevWaiter = head.prevWaiter;
      head.nextWaiter = null;
    }
    head.prevWaiter = null;
    this.length--;
    return head;
  }

  /** Removes a waiter that is in this queue. */
  remove(waiter: W): void {
    const { prevWaiter, nextWaiter } = waiter;
    if (waiter === this.head) this.head = nextWaiter as W | null;
    else prevWaiter!.nextWaiter = nextWaiter;
    const behind = nextWaiter ?? this.head;
    if (behind !== null) behind.prevWaiter = prevWaiter;
    waiter.prevWaiter = waiter.nextWaiter = null;
    this.length--;
  }
}

/** @internal Whether a waiter is in a queue. */
export function isQueued(waiter: QueueLinks): boolean {
  return waiter.prevWaiter !== null;
}

/** @internal Adds a waiter at the front. A function, so that a bundle may be without it. */
export function pushFront<W extends QueueLinks>(queue: WaitQueue<W>, waiter: W): void {
  const { head } = queue;
  waiter.prevWaiter = head === null ? waiter : head.prevWaiter;
  if (head !== null) head.prevWaiter = waiter;
  waiter.nextWaiter = head;
  queue.head = waiter;
  queue.length++;
}

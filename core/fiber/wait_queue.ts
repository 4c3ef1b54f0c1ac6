/**
 * The queue in which coroutines wait for a lock, an event, a condition or a permit, first come, first served.
 *
 * It runs through the waiting operations themselves, so that adding at the end, taking from the front and leaving
 * from the middle (a timeout, a cancellation) cost the same at any length and allocate nothing.
 *
 * An operation is in one queue at the most, and a queue holds operations that still wait: whoever settles one takes
 * it out first, and one that is cancelled takes itself out.
 */
import { Operation } from "./operation.ts";

/** @internal The links of what can stand in a {@linkcode WaitQueue}. */
export interface QueueLinks {
  /** The one behind it. */
  nextWaiter: QueueLinks | null;
  /** The one before it. */
  prevWaiter: QueueLinks | null;
}

/** @internal An operation that can stand in a {@linkcode WaitQueue}. */
export abstract class Waiter<T> extends Operation<T> implements QueueLinks {
  /** @internal The one behind it. */
  declare nextWaiter: Waiter<unknown> | null;
  /** @internal The one before it. */
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
  #head: W | null = null;
  #tail: W | null = null;

  /** Who waits longest. */
  get head(): W | null {
    return this.#head;
  }

  /** Adds a waiter at the end. */
  push(waiter: W): void {
    const tail = this.#tail;
    waiter.prevWaiter = tail;
    if (tail === null) this.#head = waiter;
    else tail.nextWaiter = waiter;
    this.#tail = waiter;
    this.length++;
  }

  /** Takes out who waits longest; `null` if nobody waits. */
  shift(): W | null {
    const head = this.#head;
    if (head !== null) this.remove(head);
    return head;
  }

  /** Whether a waiter, which is in no other queue, is in this one. */
  has(waiter: W): boolean {
    return waiter.prevWaiter !== null || waiter === this.#head;
  }

  /** Takes out a waiter that is in this queue. */
  remove(waiter: W): void {
    const { prevWaiter, nextWaiter } = waiter;
    if (prevWaiter === null) this.#head = nextWaiter as W | null;
    else prevWaiter.nextWaiter = nextWaiter;
    if (nextWaiter === null) this.#tail = prevWaiter as W | null;
    else nextWaiter.prevWaiter = prevWaiter;
    waiter.prevWaiter = waiter.nextWaiter = null;
    this.length--;
  }
}

/**
 * The callbacks that are ready, in one queue with the coroutines that are ready.
 *
 * A slot in the kernel for every callback would cost several times what a callback costs. So callbacks that become
 * ready one after the other, with nothing else in between, share an entry of the ready queue: a batch. That keeps the
 * order exactly, as anything else that becomes ready closes the batch.
 */
import { isLast } from "../../kernel/ready_queue.ts";
import { callbackContext } from "../../coroutine/callback_loop.ts";
import { context } from "../../fiber/context.ts";
import { Schedulable } from "../../fiber/schedulable.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { LOOP_LEVEL, type QueuedCallback } from "./loop_services.ts";

// Many enough to share the cost of an entry, few enough that the clock is read often: it is read between batches.
const MAX_BATCH = 64;
const MAX_SPARE = 64;

/** One entry of the ready queue. */
class Batch extends Schedulable {
  // Never truncated: an array whose length is set to zero loses its capacity.
  readonly #callbacks: (QueuedCallback | null)[] = [];
  /** How many callbacks are in it. */
  length = 0;
  readonly #queue: CallbackQueue;

  constructor(queue: CallbackQueue, loop: CoroLoop) {
    super(loop, LOOP_LEVEL);
    this.#queue = queue;
    loop.allocateSlot(this);
  }

  /** Whether nothing has become ready behind it. */
  get isLast(): boolean {
    return isLast(this.loop.queue, LOOP_LEVEL, this.slot);
  }

  add(callback: QueuedCallback): void {
    this.#callbacks[this.length++] = callback;
  }

  /** Calls them, in their order. */
  call(): void {
    const callbacks = this.#callbacks;
    for (let i = 0; i < this.length; i++) callbacks[i]!.run();
    for (let i = 0; i < this.length; i++) callbacks[i] = null;
    this.length = 0;
  }

  override run(): void {
    this.#queue.run(this);
  }
}

/** @internal See the head of this file. */
export class CallbackQueue {
  readonly #loop: CoroLoop;
  readonly #spare: Batch[] = [];
  // The batch that the latest callback was added to, until it runs.
  #open: Batch | null = null;

  constructor(loop: CoroLoop) {
    this.#loop = loop;
  }

  /** Adds a callback behind everything that is ready. */
  push(callback: QueuedCallback): void {
    const open = this.#open;
    if (open !== null && open.isLast && open.length < MAX_BATCH) open.add(callback);
    else this.#openBatch().add(callback);
  }

  #openBatch(): Batch {
    const loop = this.#loop;
    const batch = this.#spare.pop() ?? new Batch(this, loop);
    loop.makeReady(batch);
    this.#open = batch;
    return batch;
  }

  /** Runs a batch whose turn has come. */
  run(batch: Batch): void {
    if (this.#open === batch) this.#open = null;
    this.within(() => batch.call());
    if (this.#spare.length < MAX_SPARE) this.#spare.push(batch);
    else this.#loop.freeSlot(batch);
  }

  /** The loop is closed: frees the slots of the batches, so that another scheduler can use the kernel. */
  dispose(): void {
    for (const batch of this.#spare.splice(0)) this.#loop.freeSlot(batch);
  }

  /** Calls a function as a callback of this run loop, outside any coroutine. */
  within(callback: () => void): void {
    context.fiber = null;
    callbackContext.loop = this.#loop;
    try {
      callback();
    } finally {
      callbackContext.loop = null;
    }
  }
}

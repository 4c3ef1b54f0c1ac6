/**
 * The callbacks that are ready, in one line with the coroutines that are.
 *
 * A slot in the kernel for every callback would cost several times what a callback costs. So callbacks that become
 * ready one after the other, with nothing else in between, share an entry of the ready queue: a batch. That keeps the
 * order exactly, as whatever else becomes ready closes the batch.
 */
import { callbackContext } from "../../coroutine/callback_scheduler.ts";
import { context } from "../../fiber/context.ts";
import { Schedulable } from "../../fiber/schedulable.ts";
import type { Scheduler } from "../../coroutine/scheduler.ts";
import type { Handle } from "./handle.ts";

// Enough to share the price of an entry, few enough that the clock is looked at between batches.
const MAX_BATCH = 64;
const MAX_SPARE = 64;

// Asyncio knows no priorities: callbacks have that of a coroutine without one.
const LEVEL = 4;

/** One entry of the ready queue. */
class Batch extends Schedulable {
  // Never made shorter: an array that is emptied forgets its room.
  readonly #handles: (Handle | null)[] = [];
  /** How many callbacks are in it. */
  length = 0;
  readonly #queue: CallbackQueue;

  constructor(queue: CallbackQueue, scheduler: Scheduler) {
    super(scheduler, LEVEL);
    this.#queue = queue;
    scheduler.allocateSlot(this);
  }

  /** Whether nothing has become ready behind it. */
  get isLast(): boolean {
    return this.loop.queue.isLast(LEVEL, this.slot);
  }

  add(handle: Handle): void {
    this.#handles[this.length++] = handle;
  }

  /** Calls them, in their order. */
  call(): void {
    const handles = this.#handles;
    for (let i = 0; i < this.length; i++) handles[i]!.run();
    for (let i = 0; i < this.length; i++) handles[i] = null;
    this.length = 0;
  }

  override run(): void {
    this.#queue.run(this);
  }
}

/** @internal See the head of this file. */
export class CallbackQueue {
  readonly #scheduler: Scheduler;
  readonly #spare: Batch[] = [];
  // The batch that the latest callback was added to, until it runs.
  #open: Batch | null = null;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Adds a callback behind all that is ready. */
  push(handle: Handle): void {
    const open = this.#open;
    if (open !== null && open.isLast && open.length < MAX_BATCH) open.add(handle);
    else this.#begin().add(handle);
  }

  #begin(): Batch {
    const scheduler = this.#scheduler;
    const batch = this.#spare.pop() ?? new Batch(this, scheduler);
    scheduler.makeReady(batch);
    this.#open = batch;
    return batch;
  }

  /** Runs a batch whose turn has come. */
  run(batch: Batch): void {
    if (this.#open === batch) this.#open = null;
    this.within(() => batch.call());
    if (this.#spare.length < MAX_SPARE) this.#spare.push(batch);
    else this.#scheduler.freeSlot(batch);
  }

  /** The loop is closed: batches give their slots back, so that another scheduler can have the kernel. */
  dispose(): void {
    for (const batch of this.#spare.splice(0)) this.#scheduler.freeSlot(batch);
  }

  /** Calls back as a callback of this scheduler, and of no coroutine. */
  within(callback: () => void): void {
    context.fiber = null;
    callbackContext.scheduler = this.#scheduler;
    try {
      callback();
    } finally {
      callbackContext.scheduler = null;
    }
  }
}

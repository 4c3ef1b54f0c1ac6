import { describe } from "../../base/describe.ts";
import { Fifo } from "../../base/fifo.ts";
import type { Operation } from "../../fiber/operation.ts";
import { WaitQueue } from "../../fiber/wait_queue.ts";
import { QueueEmpty, QueueFull, QueueShutDown } from "../errors.ts";
import { Join } from "./join.ts";
import { Get, Put, type QueueWait, wakeFirst } from "./queue_wait.ts";

/** The state of a {@linkcode Queue} at one moment. */
export interface QueueStatistics {
  /** Items in it. */
  readonly size: number;
  /** Tasks that wait for an item. */
  readonly getters: number;
  /** Tasks that wait for room. */
  readonly putters: number;
  /** Items for which `taskDone()` has not been called. */
  readonly unfinished: number;
}

/** @internal Keeps the items of a queue, in the order in which `get` takes them. */
export interface Store<T> {
  readonly length: number;
  push(item: T): void;
  shift(): T | undefined;
}

/**
 * A queue between tasks, first in, first out. It may have a limit, and `join()` waits until every item that was put has
 * been processed.
 *
 * @example
 * ```ts
 * import { createTask, Queue, run } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = await run(function* () {
 *   const queue = new Queue<number>(2);
 *   let sum = 0;
 *   const worker = createTask(function* () {
 *     for (;;) {
 *       sum += yield* queue.get();
 *       queue.taskDone();
 *     }
 *   });
 *   for (const n of [1, 2, 3, 4]) yield* queue.put(n);
 *   yield* queue.join();
 *   worker.cancel();
 *   return sum;
 * });
 * assertEquals(sum, 10);
 * ```
 */
export class Queue<T = unknown> {
  /** The largest number of items; zero or less means no limit. */
  readonly maxsize: number;
  /** @internal */
  protected readonly store: Store<T>;
  /** @internal The operations that wait for an item. */
  readonly getters: WaitQueue<QueueWait<unknown>> = new WaitQueue<QueueWait<unknown>>();
  /** @internal The operations that wait for room. */
  readonly putters: WaitQueue<QueueWait<unknown>> = new WaitQueue<QueueWait<unknown>>();
  /** @internal The operations that wait until all items are done. */
  readonly joins: WaitQueue<Join> = new WaitQueue<Join>();
  #unfinished = 0;
  #shutDown = false;

  /**
   * Makes an empty queue.
   *
   * @param maxsize The largest number of items; zero or less means no limit.
   * @throws {TypeError} If `maxsize` is not a number.
   */
  constructor(maxsize = 0) {
    if (typeof maxsize !== "number" || Number.isNaN(maxsize)) {
      throw new TypeError(`Cannot create a queue as 'maxsize' must be a number: current value is ${describe(maxsize)}`);
    }
    this.maxsize = maxsize;
    this.store = this.makeStore();
  }

  /** @internal */
  protected makeStore(): Store<T> {
    return new Fifo<T>(this.maxsize > 0 ? this.maxsize : Infinity);
  }

  /** How many items are in it. */
  qsize(): number {
    return this.store.length;
  }

  /** Whether it is empty. */
  empty(): boolean {
    return this.store.length === 0;
  }

  /** Whether it has as many items as it can take. */
  full(): boolean {
    return this.maxsize > 0 && this.store.length >= this.maxsize;
  }

  /**
   * Puts an item into it, and waits for room if it is full.
   *
   * @param item The item.
   * @throws {QueueShutDown} At the yield, if the queue was shut down.
   */
  put(item: T): Operation<void> {
    return new Put(this, item);
  }

  /**
   * Puts an item into it, without waiting.
   *
   * @param item The item.
   * @throws {QueueFull} If there is no room.
   * @throws {QueueShutDown} If the queue was shut down.
   */
  putNowait(item: T): void {
    if (this.#shutDown) throw this.shutDownError();
    if (this.full()) throw new QueueFull(`Cannot put an item into ${this} as it is full`);
    this.add(item);
  }

  /**
   * Takes an item out of it, and waits for one if it is empty.
   *
   * @returns The item.
   * @throws {QueueShutDown} At the yield, if the queue was shut down and is empty.
   */
  get(): Operation<T> {
    return new Get(this);
  }

  /**
   * Takes an item out of it, without waiting.
   *
   * @throws {QueueEmpty} If it is empty.
   * @throws {QueueShutDown} If it is empty and was shut down.
   */
  getNowait(): T {
    if (!this.empty()) return this.remove();
    if (this.#shutDown) throw this.shutDownError();
    throw new QueueEmpty(`Cannot get an item from ${this} as it is empty`);
  }

  /**
   * Marks an item that was taken as processed, for `join()`.
   *
   * @throws {RangeError} If it is called more times than items were put.
   */
  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new RangeError(`Cannot count another item of ${this} as done: taskDone() was called once for each already`);
    }
    if (--this.#unfinished === 0) this.#wakeJoins();
  }

  /** Waits until `taskDone()` was called for every item that was put. */
  join(): Operation<void> {
    return new Join(this);
  }

  /**
   * Shuts it down: from now on `put` throws, and so does `get` when the queue is empty. Operations that wait end with the
   * same error.
   *
   * @param immediate Whether to discard the items in it, which then count as processed.
   */
  shutdown(immediate = false): void {
    this.#shutDown = true;
    if (immediate) this.#discard();
    while (wakeFirst(this.getters));
    while (wakeFirst(this.putters));
  }

  #discard(): void {
    while (!this.empty()) {
      this.store.shift();
      if (this.#unfinished > 0) this.#unfinished--;
    }
    if (this.#unfinished === 0) this.#wakeJoins();
  }

  #wakeJoins(): void {
    for (let join = this.joins.shift(); join !== null; join = this.joins.shift()) join.resolve(undefined);
  }

  /** Its state at this moment: how many items are in it, and how many tasks wait. */
  statistics(): QueueStatistics {
    return Object.freeze({
      size: this.qsize(),
      getters: this.getters.length,
      putters: this.putters.length,
      unfinished: this.#unfinished,
    });
  }

  /** Text for messages. */
  toString(): string {
    return `a queue of ${this.qsize()}${this.maxsize > 0 ? ` of ${this.maxsize}` : ""}`;
  }

  // --- for its waits ------------------------------------------------------------------------------------------

  /** @internal Items for which `taskDone()` has not been called. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** @internal Whether it was shut down. */
  get isShutDown(): boolean {
    return this.#shutDown;
  }

  /** @internal Adds an item. There is room. */
  add(item: T): void {
    this.store.push(item);
    this.#unfinished++;
    wakeFirst(this.getters);
  }

  /** @internal Takes an item out. The queue is not empty. */
  remove(): T {
    const item = this.store.shift() as T;
    wakeFirst(this.putters);
    return item;
  }

  /** @internal */
  shutDownError(): QueueShutDown {
    return new QueueShutDown(`Cannot use ${this} any more as it was shut down`);
  }
}

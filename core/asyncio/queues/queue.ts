import { describe } from "../../base/describe.ts";
import { Fifo } from "../../base/fifo.ts";
import type { Operation } from "../../fiber/operation.ts";
import { Event } from "../../sync/event.ts";
import { WaitQueue } from "../../fiber/wait_queue.ts";
import { QueueEmpty, QueueFull, QueueShutDown } from "../errors.ts";
import { QueueWait } from "./queue_wait.ts";

/** What a {@linkcode Queue} is doing, at one moment. */
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

/** @internal Where a queue keeps its items, in the order in which it gives them. */
export interface Store<T> {
  readonly length: number;
  push(item: T): void;
  shift(): T | undefined;
}

/**
 * A queue between tasks, first in, first out. It may have a limit, and can be waited for until all that was put has
 * been dealt with.
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
  /** How many items it takes; with zero or less there is no limit. */
  readonly maxsize: number;
  /** @internal */
  protected readonly store: Store<T>;
  /** @internal Who waits for an item. */
  readonly getters: WaitQueue<QueueWait> = new WaitQueue<QueueWait>();
  /** @internal Who waits for room. */
  readonly putters: WaitQueue<QueueWait> = new WaitQueue<QueueWait>();
  #unfinished = 0;
  readonly #finished = new Event();
  #shutDown = false;

  /**
   * Makes an empty queue.
   *
   * @param maxsize How many items it takes; with zero or less there is no limit.
   * @throws {TypeError} If `maxsize` is not a number.
   */
  constructor(maxsize = 0) {
    if (typeof maxsize !== "number" || Number.isNaN(maxsize)) {
      throw new TypeError(`Cannot create a queue as 'maxsize' must be a number: current value is ${describe(maxsize)}`);
    }
    this.maxsize = maxsize;
    this.store = this.makeStore();
    this.#finished.set();
  }

  /** @internal */
  protected makeStore(): Store<T> {
    return new Fifo<T>();
  }

  /** How many items are in it. */
  qsize(): number {
    return this.store.length;
  }

  /** Whether it is empty. */
  empty(): boolean {
    return this.store.length === 0;
  }

  /** Whether it has as many items as it takes. */
  full(): boolean {
    return this.maxsize > 0 && this.store.length >= this.maxsize;
  }

  /**
   * Puts an item into it, waiting for room.
   *
   * @param item The item.
   * @throws {QueueShutDown} At the yield, if the queue was shut down.
   */
  put(item: T): Operation<void> {
    return new Put(this as Queue, item) as Operation<unknown> as Operation<void>;
  }

  /**
   * Puts an item into it.
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
   * Takes an item out of it, waiting for one.
   *
   * @returns The item.
   * @throws {QueueShutDown} At the yield, if the queue was shut down and is empty.
   */
  get(): Operation<T> {
    return new Get(this as Queue) as Operation<unknown> as Operation<T>;
  }

  /**
   * Takes an item out of it.
   *
   * @throws {QueueEmpty} If there is none.
   * @throws {QueueShutDown} If there is none and the queue was shut down.
   */
  getNowait(): T {
    if (!this.empty()) return this.remove();
    if (this.#shutDown) throw this.shutDownError();
    throw new QueueEmpty(`Cannot get an item from ${this} as it is empty`);
  }

  /**
   * Says that an item that was taken has been dealt with, for those in `join()`.
   *
   * @throws {RangeError} If it is called more often than items were put.
   */
  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new RangeError(`Cannot count another item of ${this} as done: taskDone() was called once for each already`);
    }
    if (--this.#unfinished === 0) this.#finished.set();
  }

  /** Waits until `taskDone()` was called for every item that was put. */
  join(): Operation<void> {
    return this.#finished.wait() as Operation<unknown> as Operation<void>;
  }

  /**
   * Shuts it down: nothing can be put any more, and when it is empty, nothing can be got. Whoever waits is told.
   *
   * @param immediate Whether the items in it are thrown away, and count as dealt with.
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
    if (this.#unfinished === 0) this.#finished.set();
  }

  /** What it is doing: how many items are in it, and who waits. */
  statistics(): QueueStatistics {
    return Object.freeze({
      size: this.qsize(),
      getters: this.getters.length,
      putters: this.putters.length,
      unfinished: this.#unfinished,
    });
  }

  /** How it reads in messages. */
  toString(): string {
    return `a queue of ${this.qsize()}${this.maxsize > 0 ? ` of ${this.maxsize}` : ""}`;
  }

  // --- for its waits ------------------------------------------------------------------------------------------

  /** @internal Whether it was shut down. */
  get isShutDown(): boolean {
    return this.#shutDown;
  }

  /** @internal There is room. */
  add(item: T): void {
    this.store.push(item);
    if (this.#unfinished++ === 0) this.#finished.clear();
    wakeFirst(this.getters);
  }

  /** @internal It is not empty. */
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

/** Wakes who waits longest; answers whether there was anyone. */
function wakeFirst(line: WaitQueue<QueueWait>): boolean {
  const first = line.shift();
  first?.wake();
  return first !== null;
}

/** Waits for an item. */
class Get extends QueueWait {
  readonly #queue: Queue;

  constructor(queue: Queue) {
    super();
    this.#queue = queue;
  }

  get label(): string {
    return "get";
  }

  override get waitsFor(): string {
    return `an item of ${this.#queue}`;
  }

  protected override get line(): WaitQueue<QueueWait> {
    return this.#queue.getters;
  }

  protected override attempt(): boolean {
    if (!this.#queue.empty()) return this.give(this.#queue.remove());
    return this.#queue.isShutDown && this.fail(this.#queue.shutDownError());
  }

  protected override passOn(): void {
    if (!this.#queue.empty()) wakeFirst(this.line);
  }

  protected override again(): QueueWait {
    return new Get(this.#queue);
  }
}

/** Waits for room. */
class Put extends QueueWait {
  readonly #queue: Queue;
  readonly #item: unknown;

  constructor(queue: Queue, item: unknown) {
    super();
    this.#queue = queue;
    this.#item = item;
  }

  get label(): string {
    return "put";
  }

  override get waitsFor(): string {
    return `room in ${this.#queue}`;
  }

  protected override get line(): WaitQueue<QueueWait> {
    return this.#queue.putters;
  }

  protected override attempt(): boolean {
    if (this.#queue.isShutDown) return this.fail(this.#queue.shutDownError());
    if (this.#queue.full()) return false;
    this.#queue.add(this.#item);
    return this.give(undefined);
  }

  protected override passOn(): void {
    if (!this.#queue.full()) wakeFirst(this.line);
  }

  protected override again(): QueueWait {
    return new Put(this.#queue, this.#item);
  }
}

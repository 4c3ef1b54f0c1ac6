import { QueueFullError, TimeoutError } from "../base/errors.ts";
import { Fifo } from "../base/fifo.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { checkOptionalName, describeNamed } from "../base/name.ts";
import { checkOptions } from "../base/options.ts";
import { checkCapacity, checkOverflow, type Overflow } from "../base/overflow.ts";
import { Items } from "../coroutine/items.ts";
import type { Operation } from "../fiber/operation.ts";
import { WaitQueue } from "../fiber/wait_queue.ts";
import { limited } from "../operations/limited.ts";
import { QueueClosedError } from "./errors.ts";
import { Get, GetNext, NO_TICKET, Put } from "./queue_wait.ts";
import { ReturnedItems } from "./returned_items.ts";

/** Options of a {@linkcode Queue}. */
export interface QueueOptions {
  /** What happens to a new item when the queue is full; `"wait"` by default. */
  readonly overflow?: Overflow;
  /** For `dump()` and errors. */
  readonly name?: string;
}

/** The state of a {@linkcode Queue} at one moment. */
export interface QueueStatistics {
  /** Items in it. */
  readonly size: number;
  /** How many operations wait for room. */
  readonly putting: number;
  /** How many operations wait for an item. */
  readonly getting: number;
  /** Items that were dropped so far. */
  readonly dropped: number;
}

/**
 * A queue between coroutines, first in, first out, with a capacity.
 *
 * A `put` waits while the queue is full and a `get` while it is empty; those that wait longest are served first, and at
 * once: no other overtakes them before they run. Other coroutines get a turn only if it has to wait. With capacity 0 the
 * queue keeps nothing: a `put` ends when its item was taken.
 *
 * Nothing is lost when a wait is cut short. A `put` that waited has not put its item; one that was granted is done. The
 * item of a `get` that was granted and did not run stands at the head of the queue again, even if the queue then holds
 * more than its capacity.
 *
 * @example
 * ```ts
 * import { Coro, Queue, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const jobs = new Queue<number>(2, { name: "jobs" });
 *   new Coro(function* () {
 *     for (const job of [1, 2, 3, 4]) yield* jobs.put(job);
 *     jobs.close();
 *   });
 *   const done: number[] = [];
 *   yield* jobs.items().forEach((job) => done.push(job));
 *   assertEquals(done, [1, 2, 3, 4]);
 * });
 * ```
 */
export class Queue<T> {
  /** How many items it keeps; 0 and `Infinity` are possible. */
  readonly capacity: number;
  /** Its name in `dump()` and in errors, if it was given one. */
  readonly name: string | undefined;
  readonly #overflow: Overflow;
  // Invariants: a get waits only while there is no item and no put that waits; a put waits only while there are as many
  // items as the capacity, or more.
  readonly #items: Fifo<T>;
  // Older than `#items`; created when the first item comes back.
  #returned: ReturnedItems<T> | null = null;
  readonly #getters = new WaitQueue<Get<T>>();
  readonly #putters = new WaitQueue<Put<T>>();
  // The waits without a limit that were made last: they may serve again, see `FrequentOperation`.
  #lastGet: Get<T> | null = null;
  #lastPut: Put<T> | null = null;
  // The ticket of the next item that is granted: tickets are the order of the grants, see `returned_items.ts`.
  #tickets = 0;
  #dropped = 0;
  // Not `null` once it is closed; its error is `undefined` if it was given none.
  #closing: { readonly error: unknown } | null = null;

  /**
   * Makes an empty queue.
   *
   * @param capacity How many items it keeps: a positive integer, `Infinity`, or 0 to hand each item over directly.
   * @param options See {@linkcode QueueOptions}.
   * @throws {RangeError} If `capacity` is none of these.
   * @throws {TypeError} If an option is unknown or of the wrong type.
   */
  constructor(capacity: number, options: QueueOptions = {}) {
    this.capacity = checkCapacity(capacity, 0, "create a queue");
    checkOptions(options, ["overflow", "name"], "create a queue");
    this.#overflow = checkOverflow(options.overflow ?? "wait", "create a queue");
    this.name = checkOptionalName(options.name, "queue");
    this.#items = new Fifo(capacity === Infinity ? 0 : capacity);
  }

  /** How many items are in it. */
  get size(): number {
    return this.#items.length + (this.#returned === null ? 0 : this.#returned.length);
  }

  /** Whether it was closed. Items may still be in it. */
  get closed(): boolean {
    return this.#closing !== null;
  }

  /**
   * Puts an item into it. If it is full, `overflow` decides: the operation waits for room, an item is dropped, or it
   * throws.
   *
   * @param item Any value.
   * @param limit How long to wait at most; zero or less does not wait.
   * @returns `true`, or `false` if this item was dropped.
   * @throws {TimeoutError} At the yield, if there is no room in time.
   * @throws {QueueFullError} At the yield, if it is full and `overflow` is `"throw"`.
   * @throws {QueueClosedError} At the yield, if it is closed, or is closed while this waits.
   * @throws {TypeError} If `limit` is not valid.
   */
  put(item: T, limit?: Limit): Operation<boolean> {
    if (limit === undefined) return this.#newPut(item);
    return limited(new Put(this, item, limitSeconds(limit, "put an item")), limit);
  }

  /**
   * Puts an item into it without waiting, from any code.
   *
   * @param item Any value.
   * @returns Whether it was put. `false` if the queue is full or a `put` waits, or if the item was dropped.
   * @throws {QueueFullError} If it is full and `overflow` is `"throw"`.
   * @throws {QueueClosedError} If it is closed.
   */
  tryPut(item: T): boolean {
    if (this.#closing !== null) throw this.#closedToPuts();
    return this.#accept(item) || (this.#overflow !== "wait" && this.#overflown(item));
  }

  /**
   * Takes the first item out of it, and waits for one if it is empty.
   *
   * @param limit How long to wait at most; zero or less does not wait.
   * @returns The item.
   * @throws {TimeoutError} At the yield, if there is no item in time.
   * @throws {QueueClosedError} At the yield, if it is empty and closed; the error given to `close()`, if there was one.
   * @throws {TypeError} If `limit` is not valid.
   */
  get(limit?: Limit): Operation<T> {
    if (limit === undefined) return this.#newGet();
    return limited(new Get(this, limitSeconds(limit, "get an item")), limit);
  }

  /**
   * Takes the first item out of it without waiting, from any code.
   *
   * @returns The item; `undefined` if there is none, or if the item itself is `undefined`.
   */
  tryGet(): T | undefined {
    return this.#hasItem ? this.#take() : undefined;
  }

  /**
   * The items, taken one after the other until the queue is closed and empty. If `close()` was given an error, they end
   * with that error.
   *
   * @param limit How long to wait for each item at most.
   * @throws {TypeError} If `limit` is not valid.
   */
  items(limit?: Limit): Items<T> {
    const seconds = limitSeconds(limit, "get items");
    // With an error it is the next get that ends the loop.
    const atEnd = () => this.#closing !== null && this.#closing.error === undefined && this.size === 0;
    return new Items<T>({
      get ended() {
        return atEnd();
      },
      next: <E>(end: E) => limited(new GetNext<T, E>(this, seconds, end), limit),
      // Others may read the queue: leaving these items does not close it.
      close() {},
    });
  }

  /**
   * Closes it: nothing can be put into it any more, and what is in it can still be taken. Waiting `put`s fail with
   * `QueueClosedError`. Closing it again has no effect.
   *
   * @param error With what `get` and `items` fail when the queue is empty, in place of a `QueueClosedError` and the end.
   */
  close(error?: unknown): void {
    if (this.#closing !== null) return;
    this.#closing = { error: error ?? undefined };
    for (let put = this.#putters.shift(); put !== null; put = this.#putters.shift()) put.reject(this.#closedToPuts());
    for (let get = this.#getters.shift(); get !== null; get = this.#getters.shift()) {
      if (this.#endsWell(get)) get.grant(get.end!.value as T, NO_TICKET);
      else get.reject(this.#endError());
    }
  }

  /** Its state at this moment. */
  statistics(): QueueStatistics {
    return Object.freeze({
      size: this.size,
      putting: this.#putters.length,
      getting: this.#getters.length,
      dropped: this.#dropped,
    });
  }

  /** How it reads in messages: `queue 'jobs'`. */
  toString(): string {
    return describeNamed("queue", this.name);
  }

  #newPut(item: T): Put<T> {
    const last = this.#lastPut;
    if (last === null || !last.servesAgain()) return this.#lastPut = new Put(this, item, Infinity);
    last.outcome = item;
    return last;
  }

  #newGet(): Get<T> {
    const last = this.#lastGet;
    if (last === null || !last.servesAgain()) return this.#lastGet = new Get(this, Infinity);
    last.limit = Infinity;
    return last;
  }

  // --- for its waits ------------------------------------------------------------------------------------------

  /** @internal */
  beginPut(put: Put<T>): boolean {
    if (this.#closing !== null) return put.fail(this.#closedToPuts());
    if (this.#accept(put.item)) return put.give(true);
    if (this.#overflow === "throw") return put.fail(this.#fullError());
    if (this.#overflow !== "wait") return put.give(this.#overflown(put.item));
    if (put.limit <= 0) return put.fail(this.putTimeout(put.limit));
    this.#putters.push(put);
    return false;
  }

  /** @internal */
  beginGet(get: Get<T>): boolean {
    if (this.#hasItem) return get.grantAtOnce(this.#take(), this.#tickets++);
    if (this.#closing !== null) {
      return this.#endsWell(get) ? get.grantAtOnce(get.end!.value as T, NO_TICKET) : get.fail(this.#endError());
    }
    if (get.limit <= 0) return get.fail(this.getTimeout(get.limit));
    this.#getters.push(get);
    return false;
  }

  /** @internal Called by a get that was granted an item and is cut short, see `queue_wait.ts`. */
  putBack(item: T, ticket: number): void {
    const get = this.#getters.shift();
    if (get === null) (this.#returned ??= new ReturnedItems<T>()).add(item, ticket);
    else get.grant(item, ticket);
  }

  /** @internal */
  removePut(put: Put<T>): void {
    this.#putters.remove(put);
  }

  /** @internal */
  removeGet(get: Get<T>): void {
    this.#getters.remove(get);
  }

  /** @internal */
  putTimeout(seconds: number): TimeoutError {
    return new TimeoutError(`Time is up: ${this} had no room within ${seconds} seconds`);
  }

  /** @internal */
  getTimeout(seconds: number): TimeoutError {
    return new TimeoutError(`Time is up: ${this} had no item within ${seconds} seconds`);
  }

  // --- items --------------------------------------------------------------------------------------------------

  /** Whether a get need not wait. */
  get #hasItem(): boolean {
    return this.size > 0 || this.#putters.length > 0;
  }

  /** Gives an item to the first get that waits, or keeps it if there is room. Returns whether it did. */
  #accept(item: T): boolean {
    const get = this.#getters.shift();
    if (get !== null) {
      get.grant(item, this.#tickets++);
      return true;
    }
    if (this.size >= this.capacity) return false;
    this.#items.push(item);
    return true;
  }

  /** Removes the first item, which may be that of a put that waits, and fills the room. There is an item. */
  #take(): T {
    const { size } = this;
    const putters = this.#putters;
    // Nothing is in it but a put waits: the capacity is 0.
    if (size === 0) return accepted(putters.shift()!);
    const item = this.#removeFirst();
    if (size <= this.capacity && putters.head !== null) this.#items.push(accepted(putters.shift()!));
    return item;
  }

  #removeFirst(): T {
    const returned = this.#returned;
    return returned === null || returned.length === 0 ? this.#items.shift() as T : returned.shift();
  }

  /** Deals with an item for which there is no room, where nothing waits. Returns whether it was put. */
  #overflown(item: T): boolean {
    if (this.#overflow === "throw") throw this.#fullError();
    if (this.#overflow === "drop-newest" || this.capacity === 0) {
      this.#dropped++;
      return false;
    }
    // More than one if items have come back.
    for (; this.size >= this.capacity; this.#dropped++) this.#removeFirst();
    this.#items.push(item);
    return true;
  }

  // --- errors -------------------------------------------------------------------------------------------------

  /**
   * Whether the get is one of `items()` and the queue was closed without an error: then it evaluates to its end value and
   * does not throw. The queue is closed.
   */
  #endsWell(get: Get<T>): boolean {
    return get.end !== undefined && this.#closing!.error === undefined;
  }

  #endError(): unknown {
    return this.#closing!.error ??
      new QueueClosedError(`Cannot get an item from ${this} as it is closed and empty: its items have been taken`);
  }

  #closedToPuts(): QueueClosedError {
    const { error } = this.#closing!;
    return new QueueClosedError(
      `Cannot put an item into ${this} as it is closed: put all items before close()`,
      error === undefined ? undefined : { cause: error },
    );
  }

  #fullError(): QueueFullError {
    return new QueueFullError(
      `Cannot put an item into ${this} as it is full: current value of 'capacity' is ${this.capacity}, get items first`,
    );
  }
}

/** The item of a put that waited, and that now is done. */
function accepted<T>(put: Put<T>): T {
  const { item } = put;
  put.resolve(true);
  return item;
}

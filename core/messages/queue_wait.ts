/**
 * The waits of a queue: for an item, or for room.
 *
 * A wait that is in the queue's list is granted what it waits for at once, before its coroutine runs, so that no other
 * overtakes it. A get that was granted and is cut short before it runs returns its item to the queue; a put that was
 * granted is done.
 */
import { currentId, FrequentOperation } from "../fiber/frequent_operation.ts";
import type { QueueLinks } from "../fiber/wait_queue.ts";

/** A queue, as its gets use it. */
export interface Gettable<T> {
  /** How it reads in messages. */
  toString(): string;
  /** Settles the get, or adds it to those that wait. Returns whether it was settled. */
  beginGet(get: Get<T>): boolean;
  /** Removes a get that waits. */
  removeGet(get: Get<T>): void;
  /** Returns the item of a get that was granted one; `ticket` is its number in the order of the grants. */
  putBack(item: T, ticket: number): void;
  /** The error of a get that waited too long. */
  getTimeout(seconds: number): Error;
}

/** A queue, as its puts use it. */
export interface Puttable<T> {
  /** How it reads in messages. */
  toString(): string;
  /** Settles the put, or adds it to those that wait. Returns whether it was settled. */
  beginPut(put: Put<T>): boolean;
  /** Removes a put that waits. */
  removePut(put: Put<T>): void;
  /** The error of a put that waited too long. */
  putTimeout(seconds: number): Error;
}

/** What gets and puts have in common. The object of one serves only its own coroutine again. */
abstract class QueueOperation<T> extends FrequentOperation<T> implements QueueLinks {
  declare nextWaiter: QueueLinks | null;
  declare prevWaiter: QueueLinks | null;
  // The number of the coroutine that it served last; 0 if there is none.
  declare private servedId: number;

  constructor() {
    super();
    this.nextWaiter = null;
    this.prevWaiter = null;
    this.servedId = 0;
  }

  override servesAgain(): boolean {
    return this.servedId === currentId() && super.servesAgain();
  }

  override take(): unknown {
    const fiber = this.fiber!;
    const outcome = super.take();
    // The queue, which keeps it for another wait, must not keep a coroutine that has ended.
    if (!this.shared) {
      this.servedId = fiber.owner.id;
      this.fiber = null;
    }
    return outcome;
  }
}

/** Stands in place of the ticket of a get that was given no item but the end of the queue. */
export const NO_TICKET = -1;

/** Waits for an item. Once it has one, `limit` holds the ticket of the item, which saves a field. */
export class Get<T> extends QueueOperation<T> {
  declare private readonly queue: Gettable<T>;

  constructor(queue: Gettable<T>, seconds: number) {
    super();
    this.queue = queue;
    this.limit = seconds;
  }

  get label(): string {
    return "get";
  }

  override get waitsFor(): string {
    return `an item in ${this.queue}`;
  }

  /** What it evaluates to when the queue has ended without an error; `undefined` if it fails then. */
  get end(): { readonly value: unknown } | undefined {
    return undefined;
  }

  /** Gives it an item, when it has been removed from those that wait. */
  grant(item: T, ticket: number): void {
    this.limit = ticket;
    this.resolve(item);
  }

  /** Gives it an item when it begins. */
  grantAtOnce(item: T, ticket: number): true {
    this.limit = ticket;
    return this.give(item);
  }

  override begin(): boolean {
    return this.queue.beginGet(this);
  }

  override detach(): void {
    this.queue.removeGet(this);
  }

  override timedOut(): void {
    this.fail(this.queue.getTimeout(this.limit));
  }

  override reclaim(): void {
    if (this.limit !== NO_TICKET) this.queue.putBack(this.outcome as T, this.limit);
  }
}

/** Waits for an item or for the end of the queue, where it evaluates to a value of its own. */
export class GetNext<T, E> extends Get<T | E> {
  readonly #end: E;

  constructor(queue: Gettable<T>, seconds: number, end: E) {
    super(queue as Gettable<T | E>, seconds);
    this.#end = end;
  }

  override get end(): { readonly value: E } {
    return { value: this.#end };
  }
}

/** Waits for room. Until it has an outcome, `outcome` holds its item, which saves a field. */
export class Put<T> extends QueueOperation<boolean> {
  declare private readonly queue: Puttable<T>;

  constructor(queue: Puttable<T>, item: T, seconds: number) {
    super();
    this.queue = queue;
    this.limit = seconds;
    this.outcome = item;
  }

  get label(): string {
    return "put";
  }

  override get waitsFor(): string {
    return `room in ${this.queue}`;
  }

  /** Its item. It has no outcome yet. */
  get item(): T {
    return this.outcome as T;
  }

  override begin(): boolean {
    return this.queue.beginPut(this);
  }

  override detach(): void {
    this.queue.removePut(this);
  }

  override timedOut(): void {
    this.fail(this.queue.putTimeout(this.limit));
  }
}

import type { Operation } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";
import { checkOptionalName, describeNamed } from "../base/name.ts";
import { Waiter, WaitQueue } from "../fiber/wait_queue.ts";

/** The state of an {@linkcode Event} at one moment. */
export interface EventStatistics {
  /** Whether it is set. */
  readonly set: boolean;
  /** How many wait for it. */
  readonly waiters: number;
}

/**
 * A flag that coroutines wait for.
 *
 * Setting it wakes every coroutine that waits for it, even if it is cleared again before they run.
 *
 * @example
 * ```ts
 * import { Coro, Event, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const ready = new Event("ready");
 *   new Coro(function* (coro) {
 *     yield* coro.sleep(0.01);
 *     ready.set();
 *   });
 *   assertEquals(yield* ready.wait(5), true);
 *   ready.clear();
 *   assertEquals(yield* ready.wait(0.01), false);
 * });
 * ```
 */
export class Event {
  /** Its name in `dump()` and in errors, if it was given one. */
  readonly name: string | undefined;
  readonly #waiters = new WaitQueue<EventWait>();
  #set = false;

  /**
   * Makes an event that is not set.
   *
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `name` is not a string.
   */
  constructor(name?: string) {
    this.name = checkOptionalName(name, "event");
  }

  /** Sets it and wakes every coroutine that waits for it. */
  set(): void {
    this.#set = true;
    for (let waiter = this.#waiters.shift(); waiter !== null; waiter = this.#waiters.shift()) waiter.resolve(true);
  }

  /** Clears it: from now on `wait()` waits again. Coroutines that were woken before are not affected. */
  clear(): void {
    this.#set = false;
  }

  /** Whether it is set. */
  isSet(): boolean {
    return this.#set;
  }

  /**
   * Waits until it is set. Others get a turn only if it has to wait.
   *
   * @param limit Seconds to wait at most, a duration or an `AbortSignal`, see {@linkcode Limit}; zero or less does not
   * wait.
   * @returns `true`, or `false` on timeout.
   * @throws {TypeError} If `limit` is not a valid limit.
   */
  wait(limit?: Limit): Operation<boolean> {
    const seconds = limitSeconds(limit, "wait for an event");
    return limited(new EventWait(this, this.#waiters, seconds), limit);
  }

  /** Its state at this moment: whether it is set, and how many wait for it. */
  statistics(): EventStatistics {
    return Object.freeze({ set: this.#set, waiters: this.#waiters.length });
  }

  /** How it reads in messages: `event 'ready'`. */
  toString(): string {
    return describeNamed("event", this.name);
  }
}

/** Waits until an event is set. */
class EventWait extends Waiter<boolean> {
  readonly #event: Event;
  readonly #waiters: WaitQueue<EventWait>;

  constructor(event: Event, waiters: WaitQueue<EventWait>, seconds: number) {
    super();
    this.#event = event;
    this.#waiters = waiters;
    this.limit = seconds;
  }

  get label(): string {
    return "wait";
  }

  override get waitsFor(): string {
    return `${this.#event}`;
  }

  override begin(_fiber: Fiber): boolean {
    if (this.#event.isSet()) return this.give(true);
    if (this.limit <= 0) return this.give(false);
    this.#waiters.push(this);
    return false;
  }

  override detach(): void {
    this.#waiters.remove(this);
  }

  override timedOut(): void {
    this.give(false);
  }
}

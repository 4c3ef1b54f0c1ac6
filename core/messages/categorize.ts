import { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { mustBeCurrent } from "../operations/sleep.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { ReceiveSorted } from "./receive_category.ts";

/** Says which category a message belongs to; `null` or `undefined` leaves it to the next function. */
// deno-lint-ignore no-explicit-any -- a function may name the type of the messages that its coroutine gets
export type Categorize = (message: any) => unknown;

/**
 * Sorts the messages of a coroutine into categories, so that it can receive those of one category before others.
 *
 * Functions are asked for the category of a message, the newest first, when a message is looked at for the first
 * time. What no function claims is in category `null`.
 *
 * No message is lost: what was looked at and not wanted waits in its category, with the coroutine, for whichever
 * object of this class asks for it. When the coroutine is hot-swapped or restarted, it goes back to the mailbox.
 * `coro.receive()` itself sees only messages that were not looked at yet.
 *
 * @example
 * ```ts
 * import { CategorizeMessages, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* (coro) {
 *   for (let i = 1; i <= 4; i++) coro.send(i);
 *   const messages = new CategorizeMessages(coro);
 *   messages.add((message) => (message as number) % 2 === 0 ? "even" : null);
 *   assertEquals(yield* messages.receive("even"), 2);
 *   assertEquals(yield* messages.receive(null), 1);
 *   assertEquals(yield* messages.receive("even"), 4);
 *   assertEquals(yield* messages.receive(), 3);
 * });
 * ```
 */
export class CategorizeMessages {
  readonly #coro: Coro;
  // Newest first. Never changed in place: a function may add or remove some while it is asked.
  #functions: readonly Categorize[] = [];

  /**
   * Sorts nothing yet: functions are added by {@linkcode CategorizeMessages.add}.
   *
   * @param coro The coroutine whose messages are sorted.
   * @throws {TypeError} If `coro` is not a coroutine.
   */
  constructor(coro: Coro) {
    if (!(coro instanceof Coro)) {
      throw new TypeError(
        `Cannot categorize messages as 'coro' must be a coroutine: current value is ${describe(coro)}`,
      );
    }
    this.#coro = coro;
  }

  /**
   * Adds a function, which is asked before those that are there. Messages that were looked at stay in their category.
   *
   * @param fn Gets the message, answers its category, or `null` or `undefined` to have the next function asked. One
   * that throws is reported, and is not asked again for that message.
   * @throws {TypeError} If `fn` is not a function.
   */
  add(fn: Categorize): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot categorize messages as 'fn' must be a function: current value is ${describe(fn)}`);
    }
    this.#functions = [fn, ...this.#functions.filter((other) => other !== fn)];
  }

  /**
   * Takes a function out. Messages that were looked at stay in their category.
   *
   * @param fn The function.
   * @returns Whether it was there.
   */
  remove(fn: Categorize): boolean {
    const left = this.#functions.filter((other) => other !== fn);
    const found = left.length < this.#functions.length;
    this.#functions = left;
    return found;
  }

  /**
   * Takes the earliest message of a category, waiting for one if there is none. Messages of other categories that
   * come meanwhile are sorted and kept.
   *
   * @typeParam T What comes: the compiler takes your word for it.
   * @param category The category; without one, or with `null`, the messages that no function claims.
   * @param timeout Seconds to wait at the most in all, or a duration; zero or less does not wait.
   * @param alarmValue What it evaluates to when time is up; `undefined` by default.
   * @throws {TypeError} If `timeout` is no time.
   * @throws {Error} If it is not called by the coroutine itself.
   */
  receive<T = unknown>(category?: unknown): Operation<T>;
  /** The same with a limit: `undefined` when time is up. */
  receive<T = unknown>(category: unknown, timeout: Timeout): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  receive<T = unknown>(category: unknown, timeout: Timeout, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  receive<T, A>(category: unknown, timeout: Timeout, alarmValue: A): Operation<T | A>;
  receive(category?: unknown, timeout?: Timeout, alarmValue?: unknown): Operation<unknown> {
    const seconds = toSeconds(timeout, "receive");
    mustBeCurrent(this.#coro, "receive");
    const sort = (message: unknown): unknown => this.#categoryOf(message);
    return new ReceiveSorted(this.#coro, category ?? null, sort, seconds, alarmValue);
  }

  /** The same as {@linkcode CategorizeMessages.receive}. */
  recv<T = unknown>(category?: unknown): Operation<T>;
  /** The same with a limit: `undefined` when time is up. */
  recv<T = unknown>(category: unknown, timeout: Timeout): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  recv<T = unknown>(category: unknown, timeout: Timeout, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  recv<T, A>(category: unknown, timeout: Timeout, alarmValue: A): Operation<T | A>;
  recv(category?: unknown, timeout?: Timeout, alarmValue?: unknown): Operation<unknown> {
    return this.receive(category, timeout, alarmValue);
  }

  #categoryOf(message: unknown): unknown {
    for (const fn of this.#functions) {
      try {
        const category = fn(message);
        if (category !== null && category !== undefined) return category;
      } catch (error) {
        this.#coro.scheduler.reportError(error, this.#coro);
      }
    }
    return null;
  }
}

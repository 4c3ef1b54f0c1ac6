import { Coro } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { mustBeCurrent } from "../operations/must_be_self.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";
import { ReceiveCategory } from "./receive_category.ts";

/** Returns the category of a message; `null` or `undefined` leaves it to the next function. */
// deno-lint-ignore no-explicit-any -- a function may name the type of the messages that its coroutine gets
export type Categorize = (message: any) => unknown;

/**
 * Sorts the messages of a coroutine into categories, so that it can receive those of one category before others.
 *
 * When a message is looked at for the first time, the functions are called for its category, the newest first. A message
 * for which no function returns a category is in category `null`.
 *
 * No message is lost: a message that was looked at and not wanted is kept in its category, with the coroutine, for any
 * object of this class. When the coroutine is hot-swapped or restarted, it returns to the mailbox. `coro.receive()`
 * itself sees only messages that were not looked at yet.
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
  // Newest first. Never changed in place: a function may add or remove functions while it is called.
  #functions: readonly Categorize[] = [];

  /**
   * Creates it without functions: add them with {@linkcode CategorizeMessages.add}.
   *
   * @param coro The coroutine whose messages are categorized.
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
   * Adds a function, to be called before those already added. Messages that were looked at stay in their category.
   *
   * @param fn Called with the message; returns its category, or `null` or `undefined` to leave it to the next function. If
   * it throws, the error is reported, and the next function is called.
   * @throws {TypeError} If `fn` is not a function.
   */
  add(fn: Categorize): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot categorize messages as 'fn' must be a function: current value is ${describe(fn)}`);
    }
    this.#functions = [fn, ...this.#functions.filter((other) => other !== fn)];
  }

  /**
   * Removes a function. Messages that were looked at stay in their category.
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
   * arrive meanwhile are categorized and kept.
   *
   * @typeParam T The type of the message, which the compiler does not check.
   * @param category The category; without one, or with `null`, messages for which no function returns a category.
   * @param limit Seconds to wait at most in all, a duration or an `AbortSignal`, see {@linkcode Limit}; zero or less does
   * not wait.
   * @param alarmValue The value of the operation after a timeout; `undefined` by default.
   * @throws {TypeError} If `limit` is not a valid limit.
   * @throws {Error} If it is not called by the coroutine itself.
   */
  receive<T = unknown>(category?: unknown, signal?: AbortSignal): Operation<T>;
  /** The same with a limit: `undefined` after a timeout. */
  receive<T = unknown>(category: unknown, limit: Limit): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  receive<T = unknown>(category: unknown, limit: Limit, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  receive<T, A>(category: unknown, limit: Limit, alarmValue: A): Operation<T | A>;
  receive(category?: unknown, limit?: Limit, alarmValue?: unknown): Operation<unknown> {
    const seconds = limitSeconds(limit, "receive");
    mustBeCurrent(this.#coro, "receive");
    const categoryOf = (message: unknown): unknown => this.#categoryOf(message);
    return limited(new ReceiveCategory(this.#coro, category ?? null, categoryOf, seconds, alarmValue), limit);
  }

  /** The same as {@linkcode CategorizeMessages.receive}. */
  recv<T = unknown>(category?: unknown, signal?: AbortSignal): Operation<T>;
  /** The same with a limit: `undefined` after a timeout. */
  recv<T = unknown>(category: unknown, limit: Limit): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  recv<T = unknown>(category: unknown, limit: Limit, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  recv<T, A>(category: unknown, limit: Limit, alarmValue: A): Operation<T | A>;
  recv(category?: unknown, limit?: Limit, alarmValue?: unknown): Operation<unknown> {
    return this.receive(category, limit, alarmValue);
  }

  #categoryOf(message: unknown): unknown {
    for (const fn of this.#functions) {
      try {
        const category = fn(message);
        if (category !== null && category !== undefined) return category;
      } catch (error) {
        this.#coro.loop.reportError(error, this.#coro);
      }
    }
    return null;
  }
}

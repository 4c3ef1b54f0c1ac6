import { describe } from "../base/describe.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { isGeneratorFunction } from "../base/generator.ts";
import { checkOptions } from "../base/options.ts";
import type { Coro } from "../coroutine/coro.ts";
import { current } from "../coroutine/current.ts";
import type { Operation } from "../fiber/operation.ts";
import { Call, call } from "../operations/call.ts";
import { Sleep } from "../operations/sleep.ts";

/** Options of {@linkcode retry}. */
export interface RetryOptions {
  /** How many attempts there are at most, the first one included: a positive integer or `Infinity`; 3 by default. */
  readonly times?: number;
  /** Seconds, or a duration, to wait before the second attempt; 0.1 by default. */
  readonly delay?: Timeout;
  /** By what the delay is multiplied before each further attempt; 2 by default. */
  readonly factor?: number;
  /** The longest delay in seconds, or a duration, before it is spread; 30 by default. */
  readonly maxDelay?: Timeout;
  /**
   * How wide delays are spread at random, so that those who failed together do not try again together: from 0 (not at
   * all) to 2. With 0.5, the default, a delay is between 75 % and 125 % of what it would be.
   */
  readonly jitter?: number;
  /** Seconds, or a duration, after which no further attempt begins; no limit by default. */
  readonly within?: Timeout;
  /** Called with an error and the number of its attempt. If it returns `false`, there is no further attempt. */
  readonly when?: (error: unknown, attempt: number) => boolean;
}

/** What {@linkcode retry} calls for each attempt: a generator function. */
export type Attempt<T> = (
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  coro: Coro<any>,
  attempt: number,
  // deno-lint-ignore no-explicit-any -- a generator that uses plain `yield` is sent `any`
) => Generator<unknown, T, any>;

/** Options with their defaults and in seconds. */
interface CheckedOptions {
  readonly times: number;
  readonly delay: number;
  readonly factor: number;
  readonly maxDelay: number;
  readonly jitter: number;
  readonly within: number;
  readonly when: (error: unknown, attempt: number) => boolean;
}

const OPTIONS = ["times", "delay", "factor", "maxDelay", "jitter", "within", "when"];

function checkRetryOptions(options: RetryOptions): CheckedOptions {
  checkOptions(options, OPTIONS, "retry");
  const { times = 3, factor = 2, jitter = 0.5, when = () => true } = options;
  if (typeof when !== "function") throw invalid(TypeError, "when", "a function", when);
  if (times !== Infinity && !(Number.isInteger(times) && times > 0)) {
    throw invalid(RangeError, "times", "a positive integer or Infinity", times);
  }
  if (!(typeof factor === "number" && factor >= 0 && factor < Infinity)) {
    throw invalid(RangeError, "factor", "a finite number of 0 or more", factor);
  }
  if (!(typeof jitter === "number" && jitter >= 0 && jitter <= 2)) {
    throw invalid(RangeError, "jitter", "a number from 0 to 2", jitter);
  }
  const { delay = 0.1, maxDelay = 30, within } = options;
  return {
    times,
    delay: seconds("delay", delay),
    factor,
    maxDelay: seconds("maxDelay", maxDelay),
    jitter,
    within: seconds("within", within),
    when,
  };
}

function seconds(option: string, value: Timeout): number {
  const seconds = toSeconds(value, "retry", option);
  if (seconds < 0 || (option === "delay" && seconds === Infinity)) {
    throw invalid(RangeError, option, `0 or more${option === "delay" ? " and finite" : ""}`, seconds);
  }
  return seconds;
}

function invalid(kind: typeof TypeError | typeof RangeError, option: string, wanted: string, value: unknown): Error {
  return new kind(`Cannot retry as '${option}' must be ${wanted}: current value is ${describe(value)}`);
}

/** Makes the attempts, one after the other. */
function* attempts<T>(fn: Attempt<T>, options: CheckedOptions): Generator<unknown, T, unknown> {
  const coro = current();
  const { loop } = coro;
  const end = loop.now() + options.within;
  for (let attempt = 1;; attempt++) {
    let delay: number;
    try {
      return yield* call(fn(coro, attempt));
    } catch (error) {
      if (attempt >= options.times || !options.when(error, attempt)) throw error;
      delay = delayAfter(attempt, options, loop.random());
      if (loop.now() + delay > end) throw error;
    }
    yield* new Sleep(delay, undefined);
  }
}

function delayAfter(attempt: number, { delay, factor, maxDelay, jitter }: CheckedOptions, random: number): number {
  const exact = delay === 0 ? 0 : Math.min(maxDelay, delay * factor ** (attempt - 1));
  return exact * (1 + jitter * (random - 0.5));
}

/**
 * Runs work again when it fails, with growing delays, and returns the first result.
 *
 * Before attempt n + 1 it waits for `delay * factor ** (n - 1)` seconds, at most `maxDelay`, spread by `jitter`. The
 * attempts run in the coroutine itself. A termination is not retried; an error that is thrown into the coroutine is not
 * told apart from a failure of the work: `when` can do that.
 *
 * @param fn A generator function, called with the coroutine and the number of the attempt, from 1 on.
 * @param options See {@linkcode RetryOptions}.
 * @returns What `fn` returns.
 * @throws The error of the last attempt, at the yield: there are no more `times`, or the next attempt would begin after
 * `within`, or `when` has returned `false`.
 * @throws {TypeError} If `fn` is not a generator function, or an option is of the wrong type or not known.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { retry, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const result = await run(function* () {
 *   return yield* retry(function* (_coro, attempt) {
 *     if (attempt < 3) throw new Error("not yet");
 *     return `attempt ${attempt}`;
 *   }, { delay: 0.01 });
 * });
 * assertEquals(result, "attempt 3");
 * ```
 */
export function retry<T>(fn: Attempt<T>, options: RetryOptions = {}): Operation<T> {
  if (!isGeneratorFunction(fn)) throw invalid(TypeError, "fn", "a generator function", fn);
  return new Retry(attempts(fn, checkRetryOptions(options)));
}

class Retry<T> extends Call<T> {
  override get label(): string {
    return "retry";
  }
}

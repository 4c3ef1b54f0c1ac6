import { TimeoutError } from "../errors.ts";
import { Operation } from "../operation.ts";
import { Timer } from "../schedulable.ts";
import { type Body, isGenerator, type Strand } from "../strand.ts";
import { type Timeout, toSeconds } from "../time.ts";
import { attend } from "./attend.ts";
import { Call } from "./call.ts";

/** Seconds that cleanup code of something cancelled may take before its waits are cut short. */
export const GRACE_SECONDS = 5;

/** A subroutine with a deadline. When it passes, the frames above the call are unwound. */
class WithTimeout extends Call {
  #seconds: number;
  #timer: Timer | null = null;
  readonly #work: unknown;
  #late: TimeoutError | null = null;

  constructor(work: unknown, body: Body, seconds: number) {
    super(body);
    this.#work = work;
    this.#seconds = seconds;
  }

  override get label(): string {
    return "withTimeout";
  }

  override begin(strand: Strand): boolean {
    const depth = strand.height;
    if (this.#seconds < Infinity) {
      this.#timer = new Timer(strand.loop, strand.level, this.#seconds, () => {
        this.#late = new TimeoutError(`Time is up: it did not end within ${this.#seconds} seconds`);
        strand.requestUnwind(depth, GRACE_SECONDS, this.#late);
      });
    }
    return super.begin(strand);
  }

  override frameEnded(): void {
    this.#timer?.cancel();
  }

  override get timed(): boolean {
    return this.#seconds < Infinity;
  }

  override errorLost(error: unknown): void {
    // That time was up, and that a promise was rejected, concerns only who waited.
    if (this.#work instanceof Operation) this.#work.errorLost(error);
    else if (isGenerator(this.#work) && error !== this.#late) super.errorLost(error);
  }
}

/**
 * Runs an operation or a generator with a deadline.
 *
 * When the time is up, what it wraps is cancelled: its `finally` blocks run, and may wait for up to five seconds
 * (after that every further wait is cut short), then `TimeoutError` is thrown here. Nothing is lost: a message or a
 * lock that had been granted goes back.
 *
 * @param timeout Seconds, or a duration; no limit with `null`, `undefined` or `Infinity`; with zero or less, `work`
 * gets what it can get without waiting.
 * @param work An operation, a generator object or a promise.
 * @returns What `work` gives.
 * @throws {TimeoutError} At the yield, if time is up first.
 * @throws {TypeError} If `timeout` is no time.
 *
 * @example
 * ```ts
 * import { run, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await run(function* () {
 *   try {
 *     yield* withTimeout(0.01, sleep(10));
 *   } catch (error) {
 *     if (error instanceof TimeoutError) return "too late";
 *     throw error;
 *   }
 * });
 * assertEquals(answer, "too late");
 * ```
 */
export function withTimeout<T>(
  timeout: Timeout,
  work: Operation<T> | Generator<unknown, T, unknown> | PromiseLike<T>,
): Operation<T> {
  const seconds = toSeconds(timeout, "limit the time of work");
  const body = isGenerator(work)
    ? work
    : attend(work, "an operation such as coro.finish(), a generator object or a promise");
  return new WithTimeout(work, body, seconds) as Operation<unknown> as Operation<T>;
}

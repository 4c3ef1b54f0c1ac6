import { TimeoutError } from "../base/errors.ts";
import { type Operation, STEP_BUDGET } from "../fiber/operation.ts";
import { Timer } from "../fiber/schedulable.ts";
import { type Body, type Fiber, isGenerator } from "../fiber/fiber.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { asBody, operationFor } from "./as_body.ts";
import { Call } from "./call.ts";

/** Seconds that cleanup code of something cancelled may take before its waits are cut short. */
export const GRACE_SECONDS = 5;

/** A subroutine with a deadline. When it passes, the frames above the call are unwound. */
class WithTimeout extends Call {
  declare private readonly seconds: number;
  declare private timer: Timer | null;
  declare private late: TimeoutError | null;
  // Turns that it may take to combine what is there.
  declare private budget: number;

  constructor(seconds: number, body: Body, work: Operation<unknown> | null) {
    super(body, work);
    this.seconds = seconds;
    this.timer = null;
    this.late = null;
    this.budget = STEP_BUDGET;
  }

  override get label(): string {
    return "withTimeout";
  }

  override begin(fiber: Fiber): boolean {
    if (this.seconds < Infinity) this.setTimer(fiber, fiber.height);
    return super.begin(fiber);
  }

  private setTimer(fiber: Fiber, depth: number): void {
    this.timer = new Timer(fiber.loop, fiber.level, this.seconds, () => {
      // What is there is taken in any case, and what race and all make of it comes some turns later.
      if (this.seconds <= 0 && fiber.advances() && --this.budget > 0) this.setTimer(fiber, depth);
      else fiber.requestUnwind(depth, GRACE_SECONDS, this.late = this.tooLate());
    });
  }

  override frameEnded(): void {
    super.frameEnded();
    this.timer?.cancel();
  }

  override get timed(): boolean {
    return this.seconds < Infinity;
  }

  override errorLost(error: unknown): Operation<unknown> | null {
    // That time was up concerns only the one that waited.
    return error === this.late ? null : super.errorLost(error);
  }

  private tooLate(): TimeoutError {
    return new TimeoutError(`Time is up: it did not end within ${this.seconds} seconds`);
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
 * gets what it can get without waiting. A promise tells nothing at once, be it settled.
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
  const operation = isGenerator(work)
    ? null
    : operationFor(work, "an operation such as coro.finish(), a generator object or a promise");
  const body = operation === null ? work as Body : asBody(operation);
  return new WithTimeout(seconds, body, operation) as Operation<unknown> as Operation<T>;
}

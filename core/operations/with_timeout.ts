import { TimeoutError } from "../base/errors.ts";
import { type Operation, STEP_BUDGET } from "../fiber/operation.ts";
import { Timer } from "../fiber/timer.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { isGenerator } from "../base/generator.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { asBody, operationFor } from "./as_body.ts";
import { Call } from "./call.ts";

/** Seconds that the cleanup code of cancelled work may take before its waits are cut short. */
export const GRACE_SECONDS = 5;

/** A subroutine with a deadline. When it passes, the frames above the call are unwound. */
class WithTimeout<T> extends Call<T> {
  declare private readonly seconds: number;
  declare private timer: Timer | null;
  declare private late: TimeoutError | null;
  // Turns that `race` and `all` may take to combine outcomes that exist already.
  declare private budget: number;

  constructor(seconds: number, body: Generator<unknown, T, unknown>, work: Operation<unknown> | null) {
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
      // Outcomes that exist already count even with a timeout of zero; `race` and `all` pass them on some turns later.
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
    // A timeout concerns only the coroutine that waited.
    return error === this.late ? null : super.errorLost(error);
  }

  private tooLate(): TimeoutError {
    return new TimeoutError(`Time is up: it did not end within ${this.seconds} seconds`);
  }
}

/**
 * Runs an operation or a generator with a deadline.
 *
 * When the time is up, the work is cancelled: its `finally` blocks run, and may wait for up to five seconds (after that
 * every further wait is cut short), then `TimeoutError` is thrown here. Nothing is lost: a message or a lock that had
 * been granted is given back.
 *
 * @param timeout Seconds, or a duration; no limit with `null`, `undefined` or `Infinity`. With zero or less, `work`
 * succeeds only if it does not have to wait; a promise always has to, even a settled one.
 * @param work An operation, a generator object, a coroutine or a promise. A coroutine or a promise goes on after a
 * timeout, and is no longer waited for.
 * @returns The value of `work`.
 * @throws {TimeoutError} At the yield, if time is up first.
 * @throws {TypeError} If `timeout` is not a valid duration.
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
  work: Operation<T> | Generator<unknown, T, unknown> | { finish(): Operation<T> } | PromiseLike<T>,
): Operation<T> {
  const seconds = toSeconds(timeout, "limit the time of work");
  if (isGenerator(work)) return new WithTimeout<T>(seconds, work as Generator<unknown, T, unknown>, null);
  const operation = operationFor(work);
  return new WithTimeout<T>(seconds, asBody<T>(operation as Operation<T>), operation);
}

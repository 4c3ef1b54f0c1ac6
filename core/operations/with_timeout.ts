import { TimeoutError } from "../base/errors.ts";
import { type Operation, STEP_BUDGET } from "../fiber/operation.ts";
import { Timer } from "../fiber/timer.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { isGenerator } from "../base/generator.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { asBody, operationFor } from "./as_body.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import { Call } from "./call.ts";
import { limited } from "./limited.ts";

/** A subroutine with a deadline. When it passes, the frames above the call are unwound. */
class WithTimeout<T> extends Call<T> {
  declare private readonly seconds: number;
  declare private timer: Timer | null;
  declare private late: TimeoutError | null;
  // How many steps `race` and `all` may take to combine outcomes that exist already.
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
      // Outcomes that exist already count even with a timeout of zero; `race` and `all` pass them on some steps later.
      if (this.seconds <= 0 && fiber.wait?.advances() && --this.budget > 0) this.setTimer(fiber, depth);
      else fiber.requestUnwind(depth, GRACE_SECONDS, this.late = this.tooLate());
    });
  }

  override frameEnded(): void {
    super.frameEnded();
    this.timer?.cancel();
  }

  override get mayBeCutShort(): boolean {
    return this.seconds < Infinity || super.mayBeCutShort;
  }

  override errorLost(error: unknown): Operation<unknown> | null {
    // A timeout concerns only the coroutine that waited.
    return error === this.late ? null : super.errorLost(error);
  }

  private tooLate(): TimeoutError {
    return new TimeoutError(`Time is up: the work did not end within ${this.seconds} seconds`);
  }
}

/**
 * Runs an operation or a generator with a deadline, or until a signal is aborted.
 *
 * When the time is up, or the signal aborted, the work is cancelled: its `finally` blocks run, and may wait for up to
 * five seconds (after that every further wait is cut short), then `TimeoutError` is thrown here, or the reason of the
 * signal. What the wait that is cut short was granted (a message, a lock) goes back; what the work had received or
 * acquired before, it gives back in `finally`.
 *
 * @param limit Seconds, a duration or an `AbortSignal`, see {@linkcode Limit}; none with `null`. With zero or less, `work`
 * succeeds only if it does not have to wait; a promise always has to, even a settled one.
 * @param work An operation, a generator object, a coroutine or a promise. A coroutine or a promise goes on after a
 * timeout, and is no longer waited for.
 * @returns The value of `work`.
 * @throws {TimeoutError} At the yield, if time is up first.
 * @throws {TypeError} If `limit` is not a valid limit.
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
  limit: Limit,
  work: Operation<T> | Generator<unknown, T, unknown> | { finish(): Operation<T> } | PromiseLike<T>,
): Operation<T> {
  const seconds = limitSeconds(limit, "limit the time of work");
  if (isGenerator(work)) {
    return limited(new WithTimeout<T>(seconds, work as Generator<unknown, T, unknown>, null), limit);
  }
  const operation = operationFor(work);
  return limited(new WithTimeout<T>(seconds, asBody(operation), operation), limit);
}

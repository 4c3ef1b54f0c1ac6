/**
 * Suspending a coroutine for some time, and how its timer gets to the kernel.
 *
 * 1. At the yield, `Operation.park` (`fiber/operation.ts`) calls `arm` if there is a limit; otherwise no timer is set.
 *    `arm` computes the deadline from the clock and gives it to the run loop: `arm` in `fiber/kernel_access.ts`. Other waits
 *    with a limit leave that to the next reading of the clock (`fiber/timers.ts`). A sleep reads the clock itself, as the
 *    coroutine may have computed for long since the last reading.
 * 2. `arm` sets the timer of the fiber's slot in the kernel (`assembly/timers.ts`). After the slice the driver sets a host
 *    timer for the earliest deadline (`host/host_driver.ts`).
 * 3. The first turn after the deadline puts the slot into the ready queue of its level (`expire` in `assembly/ready.ts`).
 * 4. When the fiber runs, its wait has no outcome. So the timer has fired, and `expire` gives the sleep its alarm value.
 *
 * `resume()` of the coroutine settles the sleep before that, and `makeReady` in `fiber/run_loop.ts` cancels the timer.
 */
import { Operation, WAITING } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "./limited.ts";

/** Suspends its coroutine until it is resumed or the time is up. */
export class Sleep<T = unknown> extends Operation<T> {
  /** `seconds` may be `Infinity`. */
  constructor(seconds: number, alarmValue: unknown) {
    super();
    this.limit = seconds;
    this.outcome = alarmValue;
  }

  get label(): string {
    return "sleep";
  }

  override begin(_fiber: Fiber): boolean {
    return this.limit <= 0 && this.give(this.outcome);
  }

  override arm(fiber: Fiber): void {
    fiber.loop.arm(fiber, fiber.loop.clock.now() + this.limit);
    // The kernel has the deadline now. A fraction kept here would cost V8 a boxed number for every sleep.
    this.limit = 0;
  }

  override sleeper(): Operation<unknown> | null {
    return this.state === WAITING ? this : null;
  }

  override detach(): void {}

  override timedOut(): void {
    this.give(this.outcome);
  }
}

/**
 * Suspends the coroutine that yields it, like {@linkcode Coro.sleep} of that coroutine.
 *
 * @param limit Seconds, a duration or an `AbortSignal`, see {@linkcode Limit}; zero or less does not suspend, and without
 * a limit it sleeps for ever. When the signal is aborted, its reason is thrown at the yield.
 * @throws {TypeError} If `limit` is not a valid limit.
 *
 * @example
 * ```ts
 * import { run, sleep } from "@asyncoro/asyncoro";
 *
 * await run(function* () {
 *   yield* sleep({ milliseconds: 10 });
 * });
 * ```
 */
export function sleep(limit: Limit): Operation<void> {
  return limited(new Sleep<void>(limitSeconds(limit, "sleep"), undefined), limit);
}

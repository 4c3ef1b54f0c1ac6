import { describe } from "../../base/describe.ts";
import { type Operation, WAITING } from "../../fiber/operation.ts";
import { Sleep } from "../../operations/sleep.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";

/** Sleeps as in asyncio: with zero or less it gives others a turn, and after the sleep the task is last in the queue. */
class LoopSleep<T> extends Sleep<T> {
  override begin(fiber: Fiber): boolean {
    if (this.limit > 0) return false;
    this.give(this.outcome);
    fiber.loop.makeReady(fiber);
    return false;
  }

  override arm(fiber: Fiber): void {
    if (this.state === WAITING) super.arm(fiber);
  }

  override expire(): void {
    this.resolve(this.outcome);
  }
}

/**
 * Sleeps. It always gives others a turn.
 *
 * @param delay Seconds, or a duration; zero or less gives others one turn.
 * @param result The value that it evaluates to.
 * @throws {TypeError} If `delay` is not a valid duration.
 *
 * @example
 * ```ts
 * import { run, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await run(sleep(0.01, "slept")), "slept");
 * ```
 */
export function sleep<T = void>(delay: NonNullable<Timeout>, result?: T): Operation<T> {
  if (delay === null || delay === undefined) {
    throw new TypeError(`Cannot sleep as 'delay' must be a time: current value is ${describe(delay)}`);
  }
  return new LoopSleep<T>(toSeconds(delay, "sleep", "delay"), result);
}

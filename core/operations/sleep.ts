import type { Coro } from "../coroutine/coro.ts";
import { context, type WaitingFiber } from "../fiber/context.ts";
import { Operation, WAITING } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";

/** Suspends its coroutine until it is resumed or the time is up. */
export class Sleep extends Operation<unknown> {
  /** `seconds` may be `Infinity`. */
  constructor(seconds: number, alarm: unknown) {
    super();
    this.limit = seconds;
    this.outcome = alarm;
  }

  get label(): string {
    return "sleep";
  }

  override begin(_strand: Fiber): boolean {
    return this.limit <= 0 && this.give(this.outcome);
  }

  // The clock is read here and not at the next check: a coroutine may have computed for long before it sleeps.
  override arm(fiber: Fiber): void {
    fiber.loop.arm(fiber, fiber.loop.clock.now() + this.limit);
    // The kernel knows the deadline now; a fraction kept here would be a box for every sleeper.
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

/** Only the running coroutine may wait as itself. */
export function mustBeSelf(coro: Coro, fiber: WaitingFiber | null, action: string): void {
  if (fiber !== null && fiber.owner === coro) return;
  const who = fiber === null ? "code outside coroutines" : `${fiber.owner}`;
  throw new Error(
    `Cannot ${action} as another coroutine: ${who} asked ${coro} to ${action}, use the coroutine passed as first argument`,
  );
}

/** The same check where the operation is made, so that misuse fails at its own line. */
export function mustBeCurrent(coro: Coro, action: string): void {
  mustBeSelf(coro, context.fiber, action);
}

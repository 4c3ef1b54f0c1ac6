import { context, type WaitingFiber } from "../fiber/context.ts";
import { Operation, WAITING } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { Owner } from "../fiber/owner.ts";

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

  // Reads the clock here instead of at the next check: the coroutine may have computed for long before this sleep.
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

/** Throws unless `fiber` belongs to `owner`: only the running coroutine may wait as itself. */
export function mustBeSelf(owner: Owner, fiber: WaitingFiber | null, action: string): void {
  if (fiber !== null && fiber.owner === owner) return;
  const caller = fiber === null ? "code outside coroutines" : `${fiber.owner}`;
  throw new Error(
    `Cannot ${action} for another coroutine: ${caller} asked ${owner} to ${action}, use the coroutine passed as first argument`,
  );
}

/** The same check where the operation is made, so that the error points at the misuse. */
export function mustBeCurrent(owner: Owner, action: string): void {
  mustBeSelf(owner, context.fiber, action);
}

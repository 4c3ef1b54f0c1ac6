import type { Coro } from "../coroutine/coro.ts";
import { TimeoutError } from "../base/errors.ts";
import type { CompletionWaiter } from "../fiber/joiner.ts";
import { Operation } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";

/** Waits for the end of a coroutine. */
export class Finish extends Operation<unknown> implements CompletionWaiter {
  declare nextJoiner: CompletionWaiter | null;
  declare prevJoiner: CompletionWaiter | null;
  declare private target: Coro;

  constructor(target: Coro, seconds: number) {
    super();
    this.nextJoiner = null;
    this.prevJoiner = null;
    this.target = target;
    this.limit = seconds;
  }

  get label(): string {
    return "finish";
  }

  override get waitsFor(): string {
    return `the end of ${this.target}`;
  }

  override begin(fiber: Fiber): boolean {
    if (this.target.answer(this)) return true;
    if (this.limit <= 0) return this.fail(late(this.target));
    this.target.join(this);
    if (this.limit === Infinity) fiber.owner.scheduler.suspect(fiber.owner);
    return false;
  }

  override detach(): void {
    this.target.unjoin(this);
  }

  override errorLost(): null {
    this.target.markUnhandled(this);
    return null;
  }

  override timedOut(): void {
    this.fail(late(this.target));
  }

  override isDeadlocked(dead: (coro: Coro) => boolean): boolean {
    return this.limit === Infinity && dead(this.target);
  }
}

/** The error of a `finish()` or `value()` whose time is up. */
export function late(target: Coro): TimeoutError {
  return new TimeoutError(`${target} did not end in time`);
}

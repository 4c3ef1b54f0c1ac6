import { TimeoutError } from "../base/errors.ts";
import type { CompletionWaiter } from "../fiber/completion_waiter.ts";
import { Operation } from "../fiber/operation.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { Owner } from "../fiber/owner.ts";
import type { Joinable } from "./joinable.ts";

/** Waits for the end of a coroutine. */
export class Finish<T> extends Operation<T> implements CompletionWaiter {
  declare nextCompletionWaiter: CompletionWaiter | null;
  declare prevCompletionWaiter: CompletionWaiter | null;
  declare private target: Joinable;

  /** `seconds` may be `Infinity`. */
  constructor(target: Joinable, seconds: number) {
    super();
    this.nextCompletionWaiter = null;
    this.prevCompletionWaiter = null;
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
    if (this.target.giveOutcome(this)) return true;
    if (this.limit <= 0) return this.fail(endTimeout(this.target));
    this.target.addCompletionWaiter(this);
    if (this.limit === Infinity) fiber.owner.loop.noteBlocked(fiber.owner);
    return false;
  }

  override detach(): void {
    this.target.removeCompletionWaiter(this);
  }

  override errorLost(): null {
    this.target.markUnhandled(this);
    return null;
  }

  override timedOut(): void {
    this.fail(endTimeout(this.target));
  }

  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return this.limit === Infinity && dead(this.target.owner);
  }
}

/** The error of a `finish()` or `value()` that timed out. */
export function endTimeout(target: Joinable): TimeoutError {
  return new TimeoutError(`${target} did not end in time`);
}

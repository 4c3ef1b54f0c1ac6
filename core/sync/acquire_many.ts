import { TimeoutError } from "../base/errors.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import { type Acquirable, Acquisition } from "./acquirable.ts";

/** @internal A semaphore, as a wait for several permits uses it. */
export interface Permits extends Acquirable {
  /** Grants permits to those that wait, as long as there are enough for the first. */
  admitWaiting(): void;
  /** Returns permits that were granted and are not used, unless other code has released them since. */
  restore(n: number): void;
}

/** Waits until several permits of a semaphore are acquired, all at once. */
export class AcquireMany extends Acquisition<void> {
  declare private readonly semaphore: Permits;

  constructor(semaphore: Permits, n: number, seconds: number) {
    super();
    this.semaphore = semaphore;
    this.amount = n;
    this.limit = seconds;
  }

  get label(): string {
    return "acquireMany";
  }

  override get waitsFor(): string {
    return this.amount === 1 ? this.semaphore.waitsFor : `${this.amount} permits of ${this.semaphore}`;
  }

  override begin(fiber: WaitingFiber): boolean {
    const { semaphore } = this;
    // As for `acquire`: it is granted at once, and goes on after those that were granted before.
    if (semaphore.mustYieldFirst) fiber.loop.stepBudget = 0;
    if (semaphore.take(this)) return this.give(undefined);
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    semaphore.waiters.push(this);
    return false;
  }

  override granted(): void {
    this.resolve(undefined);
  }

  // There may be enough permits for those behind it.
  override detach(): void {
    this.semaphore.waiters.remove(this);
    this.semaphore.admitWaiting();
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`Time is up: ${this.semaphore} did not have ${this.amount} permits in time`));
  }

  override reclaim(): void {
    this.semaphore.restore(this.amount);
  }
}

/** The promises of `Scheduler.join` that wait. */
export class Joins {
  #waiters: JoinWaiter[] = [];

  /** Whether there are any. */
  get any(): boolean {
    return this.#waiters.length > 0;
  }

  /** Adds one. */
  add(waiter: JoinWaiter): void {
    this.#waiters.push(waiter);
  }

  /** Resolves all. */
  resolve(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** Rejects all. Returns whether there were any. */
  reject(error: Error): boolean {
    const waiters = this.#waiters.splice(0);
    for (const waiter of waiters) waiter.reject(error);
    return waiters.length > 0;
  }
}

interface JoinWaiter {
  resolve(): void;
  reject(error: unknown): void;
}

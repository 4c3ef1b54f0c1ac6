import type { Coro } from "./coro.ts";

// Batch size: a Set holds 2 ** 24 entries at most.
const MAX_BATCH = 2 ** 23;

/** Terminates coroutines and waits until they have ended. */
export class Shutdown {
  // The coroutines of the batch that have not ended.
  #remaining = new Set<Coro>();
  #resolve: (() => void) | null = null;

  /** Terminates coroutines, the last batch first, each with so many seconds for its cleanup. */
  async terminate(coros: Coro[], grace: number): Promise<void> {
    while (coros.length > 0) await this.#terminateBatch(coros.splice(-MAX_BATCH), grace);
  }

  #terminateBatch(coros: Coro[], grace: number): Promise<void> {
    return new Promise((resolve) => {
      this.#remaining = new Set(coros.filter((coro) => coro.isAlive()));
      if (this.#remaining.size === 0) return resolve();
      this.#resolve = resolve;
      for (const coro of this.#remaining) coro.terminate(grace);
      coros[0].loop.driver.update();
    });
  }

  /** A coroutine has ended. */
  coroEnded(coro: Coro): void {
    this.#remaining.delete(coro);
  }

  /** Called at the end of a turn: resolves `terminate()` if all coroutines have ended. */
  endOfTurn(): void {
    if (this.#resolve !== null && this.#remaining.size === 0) this.abandon();
  }

  /** Resolves `terminate()`: the scheduler broke down. */
  abandon(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.();
  }
}

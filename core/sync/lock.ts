import type { LockStatistics } from "./base_lock.ts";
import { Mutex } from "./mutex.ts";

/**
 * A lock: one coroutine at a time holds it, and the others wait in the order in which they came.
 *
 * It is not re-entrant: a coroutine that acquires it twice waits for itself, for ever, and whoever waits for the end of
 * that coroutine gets a `DeadlockError`. Any code may release it. If its owner ends without releasing it, that is reported and the lock passes to the next in the queue.
 *
 * @example
 * ```ts
 * import { Lock, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const lock = new Lock("accounts");
 *   {
 *     using _ = yield* lock.hold();
 *     assertEquals(lock.locked(), true);
 *   }
 *   assertEquals(yield* lock.acquire(true, 1), true);
 *   assertEquals(lock.tryAcquire(), false);
 *   lock.release();
 * });
 * ```
 */
export class Lock extends Mutex {
  /**
   * Makes a lock that is free.
   *
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `name` is not a string.
   */
  constructor(name?: string) {
    super("lock", name);
  }

  /** @internal */
  override get kind(): string {
    return "lock";
  }

  /**
   * Releases it, whichever coroutine holds it. The coroutine that waits longest holds it at once and runs when its turn
   * comes.
   *
   * @throws {Error} If it is not held.
   */
  override release(): void {
    if (this.owner === null) throw new Error(`Cannot release ${this} as it is not held: current owner is nobody`);
    this.free();
  }

  /** Its state at this moment: whether it is held, by which coroutine, and how many wait for it. */
  override statistics(): LockStatistics {
    return Object.freeze({ locked: this.locked(), owner: this.owner, waiters: this.waiters.length });
  }
}

import { coroOf, runningCoro } from "../coroutine/coro_of.ts";
import type { Acquisition } from "./acquirable.ts";
import type { LockStatistics } from "./base_lock.ts";
import { Mutex } from "./mutex.ts";

/** The state of an {@linkcode RLock} at one moment. */
export interface RLockStatistics extends LockStatistics {
  /** How many times its owner has acquired it. */
  readonly depth: number;
}

/**
 * A re-entrant lock: the coroutine that holds it may acquire it again, and others get it when that coroutine has
 * released it as many times.
 *
 * Only its owner may release it. Branches of `race` and `all` are one coroutine, so it does not exclude them from each
 * other. If its owner ends without releasing it, that is reported and the lock passes to the next in the queue.
 *
 * @example
 * ```ts
 * import { RLock, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RLock("tree");
 *
 * function* depthOf(levels: number): Generator<unknown, number, unknown> {
 *   using _ = yield* lock.hold();
 *   return levels === 0 ? lock.statistics().depth : yield* depthOf(levels - 1);
 * }
 *
 * const depth = await run(function* () {
 *   return yield* depthOf(2);
 * });
 * assertEquals(depth, 3);
 * assertEquals(lock.locked(), false);
 * ```
 */
export class RLock extends Mutex {
  /**
   * Makes a re-entrant lock that is free.
   *
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `name` is not a string.
   */
  constructor(name?: string) {
    super("rlock", name);
  }

  /** @internal */
  override get kind(): string {
    return "rlock";
  }

  /** @internal */
  override take(acquisition: Acquisition): boolean {
    if (this.owner !== coroOf(acquisition.fiber!)) return super.take(acquisition);
    this.depth += acquisition.amount;
    return true;
  }

  /** As for a `Lock`, but the coroutine that holds it may acquire it again. */
  override tryAcquire(): boolean {
    const coro = this.ownerToBe();
    if (this.owner !== coro) return super.tryAcquire();
    this.depth++;
    return true;
  }

  /** @internal */
  protected override grantTo(acquisition: Acquisition): void {
    super.grantTo(acquisition);
    // A branch of `race` or `all` was granted: other branches of the same coroutine in the queue may enter too.
    if (acquisition.fiber !== this.owner) this.#grantToSiblings();
  }

  #grantToSiblings(): void {
    let waiter = this.waiters.head;
    while (waiter !== null) {
      const next = waiter.nextWaiter as Acquisition | null;
      if (this.take(waiter)) {
        this.waiters.remove(waiter);
        waiter.granted();
      }
      waiter = next;
    }
  }

  /**
   * Releases it once. When it has been released as many times as it was acquired, the coroutine that waits longest
   * holds it at once and runs when its turn comes.
   *
   * @throws {Error} If the calling coroutine does not hold it.
   */
  override release(): void {
    const coro = runningCoro();
    if (coro === null || this.owner !== coro) throw this.notHeld(coro);
    this.giveBack(coro);
  }

  /** Its state at this moment: whether it is held, by which coroutine, to which depth, and how many wait for it. */
  override statistics(): RLockStatistics {
    const { owner, depth } = this;
    return Object.freeze({ locked: this.locked(), owner, depth, waiters: this.waiters.length });
  }
}

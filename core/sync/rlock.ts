import { coroOf, runningCoro } from "../coroutine/coro_of.ts";
import type { Acquisition } from "./acquirable.ts";
import { type LockStatistics, Mutex } from "./mutex.ts";

/** What an {@linkcode RLock} is doing, at one moment. */
export interface RLockStatistics extends LockStatistics {
  /** How many times its owner has acquired it. */
  readonly depth: number;
}

/**
 * A re-entrant lock: the coroutine that has it may acquire it again, and others get it when that has released it as
 * often.
 *
 * Only its owner may release it. Branches of `race` and `all` are one coroutine, so it does not keep them apart. If
 * its owner ends without releasing it, that is reported and the next in the queue has it.
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
   * Makes a re-entrant lock that nobody has.
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
  override take(entrant: Acquisition): boolean {
    if (this.owner !== coroOf(entrant.fiber!)) return super.take(entrant);
    this.depth += entrant.depth;
    return true;
  }

  /** @internal */
  protected override hand(entrant: Acquisition): void {
    super.hand(entrant);
    // Only branches of one coroutine can queue side by side: none of them waits for what the coroutine has.
    if (entrant.fiber !== this.owner) this.#admitSiblings();
  }

  #admitSiblings(): void {
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
   * Releases it once. When that was as often as it was acquired, the coroutine that waits longest has it at once and
   * runs when its turn comes.
   *
   * @throws {Error} If it is not held by the coroutine that calls.
   */
  override release(): void {
    const coro = runningCoro();
    if (coro === null || this.owner !== coro) throw this.notHeld(coro);
    this.giveBack(coro);
  }

  /** What it is doing: whether somebody has it, who, how often, and how many wait for it. */
  override statistics(): RLockStatistics {
    const { owner, depth } = this;
    return Object.freeze({ locked: this.locked(), owner, depth, waiters: this.waiters.length });
  }
}

import { type Operation, RESOLVED } from "../../fiber/operation.ts";
import type { Acquisition } from "../../sync/acquirable.ts";
import { BaseLock, type LockStatistics } from "../../sync/base_lock.ts";

/**
 * A lock that one task at a time holds, first come, first served.
 *
 * Unlike the package's other `Lock` it has no owner, as in asyncio: any code may release it, including a callback, and
 * a task that ends without releasing it leaves it locked.
 *
 * @example
 * ```ts
 * import { Lock, run, sleep } from "@asyncoro/asyncoro/asyncio";
 *
 * const lock = new Lock();
 * await run(function* () {
 *   using _ = yield* lock.hold();
 *   yield* sleep(0.01);
 * });
 * ```
 */
export class Lock extends BaseLock {
  #locked = false;
  // The latest grant. As in asyncio, the lock is not locked until the task that was granted it has run.
  #granted: Acquisition | null = null;

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
   * Acquires it. Others get a turn only if it has to wait.
   *
   * @returns Always `true`.
   */
  override acquire(): Operation<boolean> {
    return super.acquire();
  }

  /**
   * Releases it. The first task in the queue holds it when its turn comes, and no other can acquire it before.
   *
   * @throws {Error} If it is not locked.
   */
  override release(): void {
    if (!this.locked()) throw this.notHeld();
    this.#grantNext();
  }

  /** Whether it is held. A task that was granted it does not hold it until it runs. */
  override locked(): boolean {
    return this.#locked && this.#granted?.state !== RESOLVED;
  }

  /** Its state at this moment: whether it is held, and how many wait for it. */
  override statistics(): LockStatistics {
    return Object.freeze({ locked: this.locked(), owner: null, waiters: this.waiters.length });
  }

  #grantNext(): void {
    const next = this.waiters.shift();
    this.#granted = next;
    if (next === null) this.#locked = false;
    else next.granted();
  }

  /** @internal */
  override take(): boolean {
    if (this.#locked) return false;
    return this.#locked = true;
  }

  /** @internal */
  override holds(): boolean {
    return this.#locked;
  }

  /** @internal */
  override giveBack(): void {
    this.#grantNext();
  }

  /** @internal */
  override releaseFor(): void {
    this.#grantNext();
  }

  /** @internal */
  override notHeld(): Error {
    return this.misuse(`release ${this}`);
  }

  /** @internal */
  override misuse(action: string): Error {
    return new Error(`Cannot ${action} as its lock is not acquired`);
  }

  /** @internal */
  override get waitsFor(): string {
    return `${this}`;
  }
}

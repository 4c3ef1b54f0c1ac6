import { type Operation, RESOLVED } from "../../fiber/operation.ts";
import type { Acquisition } from "../../sync/acquirable.ts";
import type { LockStatistics } from "../../sync/base_lock.ts";
import { Mutex } from "../../sync/mutex.ts";

/**
 * A lock that one task at a time has, first come, first served.
 *
 * Unlike the package's other `Lock` it has no owner, as in asyncio: anyone may release it, a callback too, and nobody
 * notices if the task that acquired it ends without releasing it.
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
export class Lock extends Mutex {
  #locked = false;
  // Who was let in last. Until it runs, nobody can release the lock.
  #granted: Acquisition | null = null;

  /**
   * Makes a lock that nobody has.
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
   * Releases it: the first in line has it when its turn comes, and nobody else can have it before.
   *
   * @throws {Error} If nobody has it.
   */
  override release(): void {
    if (!this.locked()) throw this.notHeld();
    this.free();
  }

  /** Whether somebody has it. Who is to have it next does not until its turn comes. */
  override locked(): boolean {
    return this.#locked && this.#granted?.state !== RESOLVED;
  }

  /** What it is doing: whether somebody has it, and how many wait for it. */
  override statistics(): LockStatistics {
    return Object.freeze({ locked: this.locked(), owner: null, waiters: this.waiters.length });
  }

  /** @internal */
  override take(): boolean {
    if (this.#locked) return false;
    return this.#locked = true;
  }

  /** @internal */
  override free(): void {
    const next = this.waiters.shift();
    this.#granted = next;
    if (next === null) this.#locked = false;
    else next.granted();
  }

  /** @internal */
  override holds(): boolean {
    return this.#locked;
  }

  /** @internal */
  override giveBack(): void {
    this.free();
  }

  /** @internal */
  override notHeld(): Error {
    return this.misuse(`release ${this}`);
  }

  /** @internal */
  override misuse(action: string): Error {
    return new Error(`Cannot ${action} as its lock is not acquired`);
  }
}

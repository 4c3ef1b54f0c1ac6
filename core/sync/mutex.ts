/**
 * What `Lock` and `RLock` have in common: one coroutine owns it, to some depth.
 *
 * It stands in its owner's list of what that holds, so that it is passed on when the owner ends.
 */
import type { Coro, Holding } from "../coroutine/coro.ts";
import { coroOf } from "../coroutine/coro_of.ts";
import { Acquirable, type Acquisition } from "./acquirable.ts";

/** What a lock is doing, at one moment. */
export interface LockStatistics {
  /** Whether somebody has it. */
  readonly locked: boolean;
  /** Who has it; `null` if nobody has. */
  readonly owner: Coro | null;
  /** How many wait for it. */
  readonly waiters: number;
}

/** @internal A gate for one coroutine at a time. */
export abstract class Mutex extends Acquirable implements Holding {
  /** @internal */
  nextHeld: Holding | null = null;
  /** @internal How many times its owner has acquired it. */
  depth = 0;
  /** @internal Where its owner acquired it, with `debug`. */
  place: string | null = null;

  /**
   * Releases it. The coroutine that waits longest has it at once, though it runs only when its turn comes.
   *
   * @throws {Error} If it is not held.
   */
  abstract release(): void;

  /** What it is doing. */
  abstract statistics(): LockStatistics;

  /** Whether somebody has it. */
  locked(): boolean {
    return this.owner !== null;
  }

  /** @internal */
  override take(entrant: Acquisition): boolean {
    if (this.owner !== null) return false;
    this.hand(entrant);
    return true;
  }

  /** @internal It is free and now belongs to the coroutine of `entrant`. */
  protected hand(entrant: Acquisition): void {
    const coro = coroOf(entrant.fiber!);
    this.owner = coro;
    this.depth = entrant.depth;
    this.place = entrant.place;
    this.nextHeld = coro.held;
    coro.held = this;
  }

  /** @internal Takes it from its owner, at any depth, and gives it to the first in the queue. */
  free(): void {
    const coro = this.owner!;
    if (coro.held === this) coro.held = this.nextHeld;
    else unlink(coro.held, this);
    this.nextHeld = null;
    this.#passOn();
  }

  #passOn(): void {
    this.owner = null;
    this.depth = 0;
    const next = this.waiters.shift();
    if (next === null) return;
    this.hand(next);
    next.granted();
  }

  /** @internal */
  override holds(coro: Coro): boolean {
    return this.owner === coro;
  }

  /** @internal */
  override giveBack(_coro: Coro): void {
    if (--this.depth === 0) this.free();
  }

  /** @internal */
  override notHeld(coro: Coro | null): Error {
    return this.misuse(`release ${this}`, "it", coro);
  }

  /** @internal The error for doing what only its owner may; `what` is how the sentence calls this lock. */
  misuse(action: string, what: string, coro: Coro | null): Error {
    const who = coro === null ? "code outside coroutines" : `${coro}`;
    return new Error(`Cannot ${action} as ${who} does not hold ${what}: current owner is ${this.owner ?? "nobody"}`);
  }

  /** @internal */
  override get waitsFor(): string {
    return this.owner === null ? `${this}` : `${this} held by ${this.owner}`;
  }

  /** @internal */
  describeHeld(): string {
    return this.place === null ? `${this}` : `${this} (acquired ${this.place})`;
  }

  /** @internal */
  holderEnded(): void {
    // Whoever was told of it may have released it already.
    if (this.owner !== null && !this.owner.isAlive()) this.#passOn();
  }
}

// Locks are mostly released in the reverse order of acquiring, so the way is short.
function unlink(first: Holding | null, holding: Holding): void {
  let at = first;
  while (at !== null && at.nextHeld !== holding) at = at.nextHeld;
  if (at !== null) at.nextHeld = holding.nextHeld;
}

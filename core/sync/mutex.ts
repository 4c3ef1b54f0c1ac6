/**
 * What `Lock` and `RLock` have in common: one coroutine owns them, to some depth.
 *
 * A lock is in the list of what its owner holds, so that it passes to the next in the queue when the owner ends.
 */
import type { Coro } from "../coroutine/coro.ts";
import { addOwnedResource, type OwnedResource, removeOwnedResource } from "../coroutine/owned_resource.ts";
import type { Acquisition } from "./acquirable.ts";
import { BaseLock } from "./base_lock.ts";

/** @internal A lock that one coroutine owns. */
export abstract class Mutex extends BaseLock implements OwnedResource {
  /** @internal */
  nextOwned: OwnedResource | null = null;
  /** @internal How many times its owner has acquired it. */
  depth = 0;
  /** @internal Where its owner acquired it, with `debug`. */
  place: string | null = null;

  /** Whether a coroutine holds it. */
  override locked(): boolean {
    return this.owner !== null;
  }

  /** @internal */
  override take(acquisition: Acquisition): boolean {
    if (this.owner !== null) return false;
    this.grantTo(acquisition);
    return true;
  }

  /** @internal Makes the coroutine of `acquisition` the owner. The lock is free. */
  protected grantTo(acquisition: Acquisition): void {
    const coro = acquisition.fiber!.owner;
    this.owner = coro;
    this.depth = acquisition.depth;
    this.place = acquisition.place;
    addOwnedResource(coro, this);
  }

  /** @internal Releases it at any depth and grants it to the first in the queue. */
  free(): void {
    removeOwnedResource(this.owner!, this);
    this.#passOn();
  }

  #passOn(): void {
    this.owner = null;
    this.depth = 0;
    const next = this.waiters.shift();
    if (next === null) return;
    this.grantTo(next);
    next.granted();
  }

  /** @internal */
  override releaseFor(wait: Acquisition): void {
    wait.depth = this.depth;
    wait.place = this.place;
    this.free();
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

  /** @internal */
  override misuse(action: string, what: string, coro: Coro | null): Error {
    const who = coro === null ? "code outside coroutines" : `${coro}`;
    return new Error(`Cannot ${action} as ${who} does not hold ${what}: current owner is ${this.owner ?? "nobody"}`);
  }

  /** @internal */
  override get waitsFor(): string {
    return this.owner === null ? `${this}` : `${this} held by ${this.owner}`;
  }

  /** @internal */
  describeOwned(): string {
    return this.place === null ? `${this}` : `${this} (acquired ${this.place})`;
  }

  /** @internal */
  ownerEnded(): void {
    // A hook that was told of the owner's end may have released it already.
    if (this.owner !== null && !this.owner.isAlive()) this.#passOn();
  }
}

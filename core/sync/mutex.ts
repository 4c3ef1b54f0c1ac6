/**
 * What `Lock` and `RLock` have in common: one coroutine owns them, to some depth.
 *
 * A lock is among the resources of its owner, so that it passes to the next in the queue when the owner ends.
 */
import type { Coro } from "../coroutine/coro.ts";
import { callOfProgram } from "../base/call_site.ts";
import { coroOf, runningCoro } from "../coroutine/coro_of.ts";
import { addOwnedResource, removeOwnedResource } from "../coroutine/owned_resource.ts";
import type { OwnedResource } from "../coroutine/ownership.ts";
import { watch } from "../fiber/misuse.ts";
import type { Acquisition } from "./acquirable.ts";
import { BaseLock } from "./base_lock.ts";

/** @internal A lock that one coroutine owns. */
export abstract class Mutex extends BaseLock implements OwnedResource {
  /** @internal */
  nextOwned: OwnedResource | null = null;
  /** @internal How many times its owner has acquired it. */
  depth = 0;
  /** @internal Where its owner acquired it, with `debug`. */
  callSite: string | null = null;

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

  /**
   * Acquires it for the running coroutine if it is free, without waiting. It never is while another waits for it.
   *
   * @returns Whether it was acquired.
   * @throws {Error} Outside coroutines, as a coroutine owns it.
   */
  tryAcquire(): boolean {
    const coro = this.ownerToBe();
    if (this.owner !== null) return false;
    this.#own(coro, 1, watch.active ? callOfProgram() : null);
    return true;
  }

  /** @internal The running coroutine. */
  protected ownerToBe(): Coro {
    const coro = runningCoro();
    if (coro !== null) return coro;
    throw new Error(`Cannot acquire ${this} outside a coroutine: use it inside 'run(function* () { ... })'`);
  }

  /** @internal Makes the coroutine of `acquisition` the owner. The lock is free. */
  protected grantTo(acquisition: Acquisition): void {
    this.#own(coroOf(acquisition.fiber!), acquisition.amount, acquisition.callSite);
  }

  #own(coro: Coro, depth: number, callSite: string | null): void {
    this.owner = coro;
    this.depth = depth;
    this.callSite = callSite;
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
    wait.amount = this.depth;
    wait.callSite = this.callSite;
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
    return this.callSite === null ? `${this}` : `${this} (acquired ${this.callSite})`;
  }

  /** @internal */
  ownerEnded(): void {
    // A hook that was called at the owner's end may have released it already.
    if (this.owner !== null && !this.owner.isAlive()) this.#passOn();
  }
}

/**
 * What locks and semaphores have in common: one coroutine after the other acquires and releases them.
 *
 * Coroutines wait only while none is available, and a release grants to the first in the queue at once, before that
 * runs. So no coroutine overtakes another, and one that releases and acquires again queues behind those that wait.
 */
import type { Coro } from "../coroutine/coro.ts";
import { coroOf } from "../coroutine/coro_of.ts";
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { NEW } from "../fiber/operation_state.ts";
import { callOfProgram } from "../base/call_site.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { limited } from "../operations/limited.ts";
import { currentId } from "../fiber/frequent_operation.ts";
import { watch } from "../fiber/misuse.ts";
import { checkOptionalName, describeNamed } from "../base/name.ts";
import { Waiter, WaitQueue } from "../fiber/wait_queue.ts";

/** @internal Something that is acquired, and has to be released. */
export abstract class Acquirable {
  /** Its name in `dump()` and in errors, if it was given one. */
  readonly name: string | undefined;
  /** @internal The operations that wait for it. */
  readonly waiters: WaitQueue<Acquisition> = new WaitQueue<Acquisition>();
  /** @internal The coroutine that holds it. `null` for what has no owner, such as the permits of a semaphore. */
  owner: Coro | null = null;
  /** @internal An operation that has ended and may serve for another `acquire`; `null` if there is none. */
  spare: Acquire<boolean> | null = null;

  /** @internal */
  constructor(kind: string, name: string | undefined) {
    this.name = checkOptionalName(name, kind);
  }

  /** @internal What to call it in messages: `"lock"`. */
  abstract readonly kind: string;

  /**
   * @internal
   * Whether an `acquire` that need not wait still has to give others a turn first: an earlier one was granted and its
   * coroutine has not run yet.
   */
  get mustYieldFirst(): boolean {
    return false;
  }

  /** @internal Grants it to the coroutine of `acquisition` if it is available. Returns whether it was. */
  abstract take(acquisition: Acquisition): boolean;

  /** @internal Whether `coro` has something to release. */
  abstract holds(coro: Coro): boolean;

  /** @internal Releases once what `coro` holds. */
  abstract giveBack(coro: Coro): void;

  /** @internal The error for releasing what `coro` does not hold. */
  abstract notHeld(coro: Coro): Error;

  /** @internal What an operation in the queue waits for, in words. */
  abstract get waitsFor(): string;

  /**
   * Acquires it, waiting until it is available. Others get a turn only if it has to wait.
   *
   * A coroutine that is interrupted while it waits leaves the queue. If it is interrupted after it was granted and
   * before it runs, the next in the queue gets the grant.
   *
   * @param blocking `false` never waits.
   * @param limit Seconds to wait at most, a duration or an `AbortSignal`, see {@linkcode Limit}; zero or less does not
   * wait.
   * @returns `true`, or `false` on timeout.
   * @throws {TypeError} If `blocking` is not a boolean or `limit` is not a valid limit.
   */
  acquire(blocking = true, limit?: Limit): Operation<boolean> {
    if (blocking === true && limit === undefined) return this.#newAcquire();
    return limited(new Acquire<boolean>(this, waitSeconds(blocking, limit)), limit);
  }

  #newAcquire(): Operation<boolean> {
    const { spare } = this;
    this.spare = null;
    if (spare !== null && spare.servesAgain()) return spare;
    const made = new Acquire<boolean>(this, Infinity);
    made.reusable = !watch.active;
    return made;
  }

  /**
   * Acquires it until the end of a block: `using _ = yield* lock.hold()`. It waits without a limit; to set one, wrap it
   * in `withTimeout`.
   *
   * @returns A guard that releases it, once, when it is disposed of.
   */
  hold(): Operation<Disposable> {
    return new Hold(this, Infinity);
  }

  /** How it reads in messages: `lock 'accounts'`. */
  toString(): string {
    return describeNamed(this.kind, this.name);
  }
}

/** The seconds that `acquire(blocking, limit)` may wait. */
function waitSeconds(blocking: boolean, limit: Limit): number {
  if (typeof blocking !== "boolean") {
    throw new TypeError(
      `Cannot acquire as 'blocking' must be a boolean: current value is ${describe(blocking)}, ` +
        "the timeout is the second argument",
    );
  }
  const seconds = limitSeconds(limit, "acquire");
  return blocking ? seconds : 0;
}

/** @internal An operation that acquires something. */
export abstract class Acquisition<T = unknown> extends Waiter<T> {
  /** @internal How much it takes at once: levels of a lock, permits of a semaphore. */
  declare amount: number;
  /** @internal Where the program called, with `debug`. */
  declare callSite: string | null;

  /** @internal */
  constructor() {
    super();
    this.amount = 1;
    this.callSite = null;
  }

  /** @internal Called when it was taken out of the queue and granted what it waited for. */
  abstract granted(): void;
}

/** Waits until something is acquired. */
class Acquire<T> extends Acquisition<T> {
  declare private readonly acquirable: Acquirable;
  /** Whether its object may serve again when it has ended, see `FrequentOperation`. */
  declare reusable: boolean;
  declare private servedId: number;

  constructor(acquirable: Acquirable, seconds: number) {
    super();
    this.reusable = false;
    this.servedId = 0;
    this.acquirable = acquirable;
    this.limit = seconds;
    if (watch.active) this.callSite = callOfProgram();
  }

  get label(): string {
    return "acquire";
  }

  override get waitsFor(): string {
    return this.acquirable.waitsFor;
  }

  /** It has ended: makes it new again, unless `debug` wants to know each operation. Returns whether it did. */
  servesAgain(): boolean {
    if (watch.active || this.servedId !== currentId()) return false;
    this.state = NEW;
    this.direct = false;
    return true;
  }

  override takenOver(): void {
    this.reusable = false;
  }

  override take(): unknown {
    if (!this.reusable) return super.take();
    const { owner } = this.fiber!;
    const outcome = super.take();
    this.servedId = owner.id;
    this.fiber = null;
    this.acquirable.spare = this as Acquire<unknown> as Acquire<boolean>;
    return outcome;
  }

  override begin(fiber: Fiber): boolean {
    const acquirable = this.acquirable;
    // It is granted at once, and goes on when the coroutines that were granted before have had their turn.
    if (acquirable.mustYieldFirst) fiber.loop.stepBudget = 0;
    if (acquirable.take(this)) return this.give(this.grantedValue(acquirable));
    if (this.limit <= 0) return this.give(false);
    acquirable.waiters.push(this);
    if (this.limit === Infinity && acquirable.owner !== null) fiber.owner.loop.noteBlocked(fiber.owner);
    return false;
  }

  override granted(): void {
    this.resolve(this.grantedValue(this.acquirable));
  }

  /** What the operation evaluates to when it was granted. */
  protected grantedValue(_acquirable: Acquirable): unknown {
    return true;
  }

  override detach(): void {
    this.acquirable.waiters.remove(this);
  }

  override timedOut(): void {
    this.give(false);
  }

  override reclaim(): void {
    if (this.outcome === false) return;
    const coro = coroOf(this.fiber!);
    // It may have been released since: by another branch of an `all` or `race`, which are one coroutine.
    if (this.acquirable.holds(coro)) this.acquirable.giveBack(coro);
  }

  override isDeadlocked(dead: (coro: Coro) => boolean): boolean {
    const owner = this.acquirable.owner;
    return this.limit === Infinity && owner !== null && dead(owner);
  }
}

/** Waits until something is acquired and evaluates to a guard that releases it. */
class Hold extends Acquire<Disposable> {
  override get label(): string {
    return "hold";
  }

  protected override grantedValue(acquirable: Acquirable): Disposable {
    return new Guard(acquirable, coroOf(this.fiber!));
  }
}

/** Releases what a coroutine acquired, at the end of a block. */
class Guard implements Disposable {
  readonly #acquirable: Acquirable;
  readonly #coro: Coro;
  #released = false;

  constructor(acquirable: Acquirable, coro: Coro) {
    this.#acquirable = acquirable;
    this.#coro = coro;
  }

  [Symbol.dispose](): void {
    if (this.#released) return;
    this.#released = true;
    // The block may have released it by hand, and another coroutine may have it now.
    if (!this.#acquirable.holds(this.#coro)) throw this.#acquirable.notHeld(this.#coro);
    this.#acquirable.giveBack(this.#coro);
  }
}

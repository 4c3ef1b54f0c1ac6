/**
 * What locks and semaphores have in common: something is acquired by one after the other, and released.
 *
 * As long as it can be had nobody waits for it, and what is released belongs to the first in the queue at once. So
 * nobody overtakes, and who releases and acquires again queues behind the others.
 */
import type { Coro } from "../coroutine/coro.ts";
import { coroOf } from "../coroutine/coro_of.ts";
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { callOfProgram } from "../base/call_site.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { watch } from "../fiber/misuse.ts";
import { called, checkName } from "./label.ts";
import { Waiter, WaitQueue } from "../fiber/wait_queue.ts";

/** @internal Something that is acquired, and has to be released. */
export abstract class Acquirable {
  /** Its name in `dump()` and in errors, if it was given one. */
  readonly name: string | undefined;
  /** @internal Who waits for it. */
  readonly waiters: WaitQueue<Acquisition> = new WaitQueue<Acquisition>();
  /** @internal The coroutine that has it. Permits of a semaphore belong to nobody. */
  owner: Coro | null = null;

  /** @internal */
  constructor(kind: string, name: string | undefined) {
    this.name = checkName(name, kind);
  }

  /** @internal The word for what it is. */
  abstract readonly kind: string;

  /** @internal Whether somebody was let in who has not run yet and is to run before others that can be let in at once. */
  get mustYieldFirst(): boolean {
    return false;
  }

  /** @internal Gives it to the coroutine of `entrant`, if it can be had; returns whether. */
  abstract take(entrant: Acquisition): boolean;

  /** @internal Whether `coro` has something to release. */
  abstract holds(coro: Coro): boolean;

  /** @internal Releases once what `coro` holds. */
  abstract giveBack(coro: Coro): void;

  /** @internal The error for releasing what `coro` does not hold. */
  abstract notHeld(coro: Coro): Error;

  /** @internal What somebody in the queue waits for. */
  abstract get waitsFor(): string;

  /**
   * Acquires it, waiting for it if it is taken. Others get a turn only if it has to wait.
   *
   * A coroutine that is interrupted while it waits leaves the queue; if that happens when it has been granted but has
   * not run yet, the next in the queue gets it.
   *
   * @param blocking `false` never waits.
   * @param timeout Seconds to wait at the most, or a duration; zero or less does not wait.
   * @returns `true`, or `false` if it was not to be had in time.
   * @throws {TypeError} If `blocking` is not a boolean or `timeout` is no time.
   */
  acquire(blocking = true, timeout?: Timeout): Operation<boolean> {
    const seconds = blocking === true && timeout === undefined ? Infinity : waitSeconds(blocking, timeout);
    return new Acquire(this, seconds) as Operation<unknown> as Operation<boolean>;
  }

  /**
   * Acquires it until the end of a block: `using _ = yield* lock.hold()`. It waits without a limit; for one, wrap it
   * in `withTimeout`.
   *
   * @returns What releases it, once, when it is disposed of.
   */
  hold(): Operation<Disposable> {
    return new Hold(this, Infinity) as Operation<unknown> as Operation<Disposable>;
  }

  /** How it reads in messages: `lock 'accounts'`. */
  toString(): string {
    return called(this.kind, this.name);
  }
}

/** Seconds that `acquire(blocking, timeout)` may wait. */
function waitSeconds(blocking: boolean, timeout: Timeout): number {
  if (typeof blocking !== "boolean") {
    throw new TypeError(
      `Cannot acquire as 'blocking' must be a boolean: current value is ${describe(blocking)}, ` +
        "the timeout is the second argument",
    );
  }
  const seconds = toSeconds(timeout, "acquire");
  return blocking ? seconds : 0;
}

/** @internal An operation in front of a gate. */
export abstract class Acquisition extends Waiter<unknown> {
  /** @internal How many levels of a lock it takes at once. */
  declare depth: number;
  /** @internal Where it was asked for, with `debug`. */
  declare place: string | null;

  /** @internal */
  constructor() {
    super();
    this.depth = 1;
    this.place = null;
  }

  /** @internal It has been taken out of the gate's queue and has what it waited for. */
  abstract granted(): void;
}

/** Waits for a gate. */
class Acquire extends Acquisition {
  declare private readonly gate: Acquirable;

  constructor(gate: Acquirable, seconds: number) {
    super();
    this.gate = gate;
    this.limit = seconds;
    if (watch.active) this.place = callOfProgram();
  }

  get label(): string {
    return "acquire";
  }

  override get waitsFor(): string {
    return this.gate.waitsFor;
  }

  override begin(fiber: Fiber): boolean {
    const gate = this.gate;
    // It has it at once, and goes on when those that were let in before have had their turn.
    if (gate.mustYieldFirst) fiber.loop.stepBudget = 0;
    if (gate.take(this)) return this.give(this.grantedValue(gate));
    if (this.limit <= 0) return this.give(false);
    gate.waiters.push(this);
    if (this.limit === Infinity && gate.owner !== null) fiber.owner.scheduler.suspect(fiber.owner);
    return false;
  }

  override granted(): void {
    this.resolve(this.grantedValue(this.gate));
  }

  /** What it evaluates to when it has it. */
  protected grantedValue(_gate: Acquirable): unknown {
    return true;
  }

  override detach(): void {
    this.gate.waiters.remove(this);
  }

  override timedOut(): void {
    this.give(false);
  }

  override reclaim(): void {
    if (this.outcome === false) return;
    const coro = coroOf(this.fiber!);
    // It may have been released meanwhile, if a branch of `all` or `race` had it already.
    if (this.gate.holds(coro)) this.gate.giveBack(coro);
  }

  override isDeadlocked(dead: (coro: Coro) => boolean): boolean {
    const owner = this.gate.owner;
    return this.limit === Infinity && owner !== null && dead(owner);
  }
}

/** Waits for a gate and gives what releases it. */
class Hold extends Acquire {
  override get label(): string {
    return "hold";
  }

  protected override grantedValue(gate: Acquirable): Disposable {
    return new Guard(gate, coroOf(this.fiber!));
  }
}

/** Releases a gate at the end of a block. */
class Guard implements Disposable {
  readonly #gate: Acquirable;
  readonly #coro: Coro;
  #released = false;

  constructor(gate: Acquirable, coro: Coro) {
    this.#gate = gate;
    this.#coro = coro;
  }

  [Symbol.dispose](): void {
    if (this.#released) return;
    this.#released = true;
    // By then it may have been released by hand and belong to another.
    if (!this.#gate.holds(this.#coro)) throw this.#gate.notHeld(this.#coro);
    this.#gate.giveBack(this.#coro);
  }
}

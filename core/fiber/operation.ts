/**
 * Operations: what every blocking call returns, and the protocol by which a coroutine waits.
 *
 * `yield* operation` makes the engine call `[Symbol.iterator]()` once and then `next()`. The first `next()` begins the
 * operation: it either returns the outcome at once, or yields `PARKED` up to the run loop. The second `next()`, when the
 * run loop resumes the generator, hands the outcome over. With a plain `yield operation` the run loop does the same.
 *
 * A late wake-up never reaches a later wait: each wait is an operation of its own, and an operation accepts an outcome
 * only in state `WAITING`. One that timed out, was cancelled or is settled drops it. What must not be dropped, such as a
 * message or a lock, is given only to an operation that is in the queue for it: code that settles an operation removes it
 * first, and `detach()` removes one that is not to be settled any more. The timer of a wait belongs to the fiber, so
 * `makeReady` cancels it.
 */
import * as contexts from "./context.ts";
import type { WaitingFiber } from "./context.ts";
import { operationMade, watch } from "./misuse.ts";
import * as states from "./operation_state.ts";
import type { Owner } from "./owner.ts";

export * from "./operation_state.ts";

// See `operation_state.ts`.
const context = contexts.context;
const PARKED_RESULT = states.PARKED_RESULT;
const DONE_RESULT = states.DONE_RESULT;

// A copy; see `operation_state.ts`.
const enum State {
  NEW,
  TAKEN_OVER,
  ITERATING,
  WAITING,
  RESOLVED,
  REJECTED,
  SPENT = 7,
}

/**
 * The limit of a wait without a limit of time that a signal may end. It is neither less than `Infinity` nor equal to it, so
 * such a wait has no timer, and is never certain to wait for ever.
 */
export const UNTIL_ABORTED: number = NaN;

/** The method of an object that can be waited for and is not an operation: it makes the operation for one wait. */
export const WAIT: unique symbol = Symbol();

/** An object that a coroutine may wait for with plain `yield`, any number of times. */
export interface CanBeWaitedFor {
  [WAIT](): Operation<unknown>;
}

/** Whether a value makes operations to wait for it. */
export function isWaitable(value: unknown): value is CanBeWaitedFor {
  return typeof value === "object" && value !== null && WAIT in value;
}

const NO_PARTS: readonly null[] = [];

/**
 * Something a coroutine can wait for: `const value = yield* operation`.
 *
 * An operation does nothing until it is yielded, belongs to one yield (a second one is a `TypeError`), and may be
 * dropped. `yield operation` means the same as `yield* operation`, but TypeScript cannot type its value.
 *
 * @example
 * ```ts
 * import { run, sleep } from "@asyncoro/asyncoro";
 *
 * await run(function* () {
 *   yield* sleep(0.01);
 * });
 * ```
 */
export abstract class Operation<T> {
  /** @internal One of the states above. */
  declare state: number;
  /** @internal Whether it was yielded with plain `yield`, so that the run loop and not `yield*` takes the outcome. */
  declare direct: boolean;
  /** @internal The fiber that waits. */
  declare fiber: WaitingFiber | null;
  /** @internal The value or error, once settled. */
  declare outcome: unknown;
  /**
   * @internal
   * Seconds to wait at most, from the yield; there is no limit unless it is below `Infinity`. See also `UNTIL_ABORTED`.
   * It starts as `undefined`: for a field that holds only fractions V8 allocates a box in every operation.
   */
  declare limit: number;

  // Set here and not where they are declared, which would cost V8 one more call for every class.
  /** @internal */
  constructor() {
    this.state = State.NEW;
    this.direct = false;
    this.fiber = null;
    this.outcome = undefined;
    this.limit = undefined as unknown as number;
    if (watch.active) operationMade(this);
  }

  /** @internal Whether it was yielded, or is part of one that was. */
  get used(): boolean {
    return this.state !== State.NEW;
  }

  /** @internal Whether it has an outcome that is not handed over yet. */
  get hasOutcome(): boolean {
    return this.state === State.RESOLVED || this.state === State.REJECTED;
  }

  /** @internal The name that `dump()` and errors show. */
  abstract readonly label: string;

  /**
   * @internal
   * Settles at once (with {@linkcode give} or {@linkcode fail}) and returns `true`, or arranges to be settled later
   * and returns `false`. Called once, while the fiber runs.
   */
  abstract begin(fiber: WaitingFiber): boolean;

  /** @internal Takes the operation out of whatever would settle it. Called in state `WAITING` only. */
  abstract detach(): void;

  /** @internal Gives back a value that was granted and will not be handed over. Called in state `RESOLVED` only. */
  reclaim(): void {}

  /**
   * @internal
   * Called when the error with which it ended will not be handed over. An error of this wait alone, such as a timeout, is
   * dropped; the failure of a coroutine or a subroutine must still be reported.
   *
   * @returns The part that the error came from, which is to report it instead.
   */
  errorLost(_error: unknown): Operation<unknown> | null {
    return null;
  }

  /** @internal The operations that it waits for, such as the items of a race; `null` for items that are no operations. */
  get parts(): readonly (Operation<unknown> | null)[] {
    return NO_PARTS;
  }

  /** @internal It was taken over: from now on it handles a failure of what it waits for, even if it never begins. */
  takenOver(): void {}

  /** @internal It was taken over and will not begin: releases what `takenOver()` acquired. */
  discarded(): void {}

  /** @internal The time is up: settles with {@linkcode give} or {@linkcode fail}. Called after `detach()`. */
  timedOut(): void {
    this.give(undefined);
  }

  /**
   * @internal
   * Whether this wait can certainly never end if the coroutines for which `dead` holds never continue.
   * Only waits for a given coroutine (`finish`, locks) know; any other wait may be ended by any coroutine.
   */
  isDeadlocked(_dead: (owner: Owner) => boolean): boolean {
    return false;
  }

  /** @internal The sleep that `resume()` of the coroutine ends, if this is one or holds one. */
  sleeper(): Operation<unknown> | null {
    return null;
  }

  /**
   * @internal
   * Whether it continues without an outside event: parts that it combines have not begun yet, or have outcomes that it has
   * not combined yet.
   */
  advances(): boolean {
    return false;
  }

  /** @internal What it waits for, in words, for `dump()` and `DeadlockError`. */
  get waitsFor(): string {
    return this.label;
  }

  /** @internal Whether it calls a subroutine of the program, whose frames are above that of its caller. */
  get callsSubroutine(): boolean {
    return false;
  }

  /** @internal An error of its subroutine passes to its caller through `above`, which the engine called. */
  thrownThrough(_error: unknown, _above: (error: unknown) => never): void {}

  /** @internal Whether a signal may end it, or a deadline the subroutine that it called. */
  get mayBeCutShort(): boolean {
    return Number.isNaN(this.limit);
  }

  /**
   * @internal
   * Whether interrupts must not end it: they take effect at the next wait. A kind of operation that is shielded makes
   * sure that it ends.
   */
  get shielded(): boolean {
    return false;
  }

  /** @internal Whether it is shielded until it has an outcome, whatever arrives. */
  get uninterruptible(): boolean {
    return false;
  }

  /** @internal An interrupt has arrived while it is shielded. It may stop being shielded; then it is cancelled. */
  interruptArrived(): void {}

  /** @internal The priority of the coroutine that waits has changed. */
  levelChanged(_level: number): void {}

  /** @internal Its coroutine has become a daemon, or is none any more: updates what keeps the process alive. */
  waiterChanged(): void {}

  /** @internal Whether a hot swap may cut this wait short. */
  swappable(): boolean {
    return true;
  }

  /**
   * Makes the operation the operand of a `yield*`.
   *
   * @throws {TypeError} If the operation was yielded before.
   */
  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    if (this.state > State.TAKEN_OVER) throw alreadyYielded(this);
    this.state = State.ITERATING;
    // Its `next` returns the outcome, whose type only the code that settles it knows.
    return this as unknown as Iterator<unknown, T, unknown>;
  }

  /** @internal Called by `yield*`. */
  next(): IteratorResult<unknown, unknown> {
    if (this.state === State.ITERATING) {
      const fiber = context.fiber;
      if (fiber === null) throw outsideCoroutine(this);
      if (!this.park(fiber)) return PARKED_RESULT;
    } else if (this.state === State.WAITING) {
      throw notYielded(this);
    }
    const failed = this.state === State.REJECTED;
    const outcome = this.take();
    if (failed) throw outcome;
    DONE_RESULT.value = outcome;
    return DONE_RESULT;
  }

  /** @internal Called by `yield*` when an error is thrown into the generator; the run loop has cancelled the wait. */
  throw(error: unknown): never {
    throw error;
  }

  /** @internal Called by `yield*` when the generator is closed; the run loop has cancelled the wait. */
  return(value: unknown): IteratorResult<unknown, unknown> {
    if (this.state === State.WAITING) throw notYielded(this);
    return { done: true, value };
  }

  /** @internal Begins the wait of `fiber`. Returns `true` if it has its outcome, `false` if the fiber is parked. */
  park(fiber: WaitingFiber): boolean {
    this.fiber = fiber;
    this.state = State.WAITING;
    const settled = this.begin(fiber);
    // A coroutine whose operations never wait would starve the others, so it gives way when its budget is used up.
    if (settled && --fiber.loop.stepBudget > 0) return true;
    fiber.wait = this;
    if (settled) fiber.loop.makeReady(fiber);
    else if (this.limit < Infinity) this.arm(fiber);
    return false;
  }

  /** @internal The wait has begun and has a limit: sets the fiber's timer, now or later. */
  arm(fiber: WaitingFiber): void {
    fiber.loop.timers.setLater(this);
  }

  /** @internal Hands the outcome over, once. */
  take(): unknown {
    const outcome = this.outcome;
    const fiber = this.fiber!;
    // Asyncoro's result rule: what operations of the top-level generator evaluate to may become its result.
    if (fiber.frames === null && this.state === State.RESOLVED) fiber.last = outcome;
    this.state = State.SPENT;
    this.outcome = undefined;
    return outcome;
  }

  /** @internal The subroutine that this operation called is about to be closed, with those that it called. */
  unwindingBegins(): void {}

  /** @internal The subroutine that this operation called has ended. */
  frameEnded(): void {}

  /** @internal Sets the outcome without waking anyone. For `begin()` and `timedOut()`. */
  give(value: unknown): true {
    this.state = State.RESOLVED;
    this.outcome = value;
    return true;
  }

  /** @internal Sets an error as the outcome without waking anyone. */
  fail(error: unknown): true {
    this.state = State.REJECTED;
    this.outcome = error;
    return true;
  }

  /** @internal Ends the wait with a value. The caller has taken the operation out of its queue. */
  resolve(value: unknown): void {
    if (this.state !== State.WAITING) return;
    const fiber = this.fiber!;
    // First, as it may throw at the end of the engine's stack.
    fiber.loop.makeReady(fiber);
    this.state = State.RESOLVED;
    this.outcome = value;
  }

  /** @internal Ends the wait with an error. The caller has taken the operation out of its queue. */
  reject(error: unknown): void {
    if (this.state !== State.WAITING) return;
    const fiber = this.fiber!;
    fiber.loop.makeReady(fiber);
    this.fail(error);
  }

  /** @internal The fiber's timer fired before the operation was settled. If it stays `WAITING`, it continues to wait. */
  expire(): void {
    this.detach();
    this.timedOut();
  }

  /**
   * @internal
   * The signal of its limit was aborted before the operation was settled: ends the wait with the signal's reason. Called in
   * state `WAITING` only. If it stays `WAITING`, its own cleanup has to end first.
   */
  abort(reason: unknown): void {
    const fiber = this.fiber!;
    fiber.loop.makeReady(fiber);
    this.detach();
    this.fail(reason);
  }

  /**
   * @internal
   * Withdraws the operation because an error, a termination or a deadline pre-empts it. Nothing is lost: a value already
   * granted is given back. Returns `false` if its own cleanup has to end first; it then makes its fiber ready.
   */
  cancel(): boolean {
    if (this.state === State.WAITING) this.detach();
    else if (this.state === State.RESOLVED) this.reclaim();
    else if (this.state === State.REJECTED) reportLostError(this, this.outcome);
    this.state = State.SPENT;
    this.outcome = undefined;
    return true;
  }
}

/** The error for an operation that is yielded a second time. */
export function alreadyYielded(operation: Operation<unknown>): TypeError {
  return new TypeError(
    `Cannot yield '${operation.label}' again as an operation belongs to one yield: make a new one`,
  );
}

/**
 * The error for an operation that is iterated by something else than `yield*`, such as destructuring: it has begun, but its
 * coroutine goes on. Withdraws it, as its end would resume the coroutine in a later wait.
 */
export function notYielded(wait: object): TypeError {
  const operation = wait as Operation<unknown>;
  if (operation.cancel()) operation.fiber!.wait = null;
  return new TypeError(`Cannot iterate '${operation.label}': write yield* in front of it`);
}

/** The error for an operation that begins outside coroutines. */
export function outsideCoroutine(operation: Operation<unknown>): TypeError {
  return new TypeError(
    `Cannot begin '${operation.label}' outside a coroutine: use it inside run()`,
  );
}

/** Marks an operation as yielded with plain `yield`. Throws if it was yielded before. */
export function markDirect(operation: Operation<unknown>): void {
  if (operation.state > State.TAKEN_OVER) throw alreadyYielded(operation);
  operation.direct = true;
}

/** Reports the error with which an operation ended and which will not be handed over, unless it concerns only its wait. */
// A loop and no recursion, as operations may be nested to any depth.
export function reportLostError(operation: Operation<unknown>, error: unknown): void {
  for (let part: Operation<unknown> | null = operation; part !== null;) part = part.errorLost(error);
}

/**
 * A fiber: one line of execution inside a coroutine, with a stack of generators of its own.
 *
 * A coroutine is its own main fiber; `race` and `all` add branch fibers for as long as they run. The stack is
 * ours, not the engine's: `yield generator` and `call(generator)` push a frame, and a switch only ever resumes the
 * top one, whatever the depth.
 *
 * Control requests (errors to throw, an unwinding, a hot swap) wait in `control` and are delivered one a step. A
 * request that arrives while the fiber waits withdraws the wait at once, so nothing else can be granted to it; unless
 * the wait is shielded, then the request stays until the next one.
 *
 * Unwinding closes frames from the top down with `return()`. A `finally` block may wait, and call subroutines; the
 * frame below is closed when it has ended. When the grace has passed every further wait is answered with `return()`
 * again. A deadline that passes inside such a `finally` block starts an unwinding within the unwinding.
 */
import { context } from "./context.ts";
import type { Coro } from "../coroutine/coro.ts";
import { currentContext, enterContext, type HostContext } from "../host/async_context.ts";
import {
  CANCELLING,
  claimDirect,
  isWaitable,
  Operation,
  PARKED,
  REJECTED,
  SPENT,
  STEP_BUDGET,
  WAIT,
  WAITING,
} from "./operation.ts";
import { YieldedValue } from "./yielded.ts";
import { Until } from "../operations/until.ts";
import { recordPlainCaller } from "../base/error_report.ts";
import { Schedulable, Timer } from "./schedulable.ts";

/** A generator object, as scheduled: what it yields is looked at, what it is sent may be anything. */
export type Body = Generator<unknown, unknown, unknown>;

/** How a fiber ends. */
export type Ending = "return" | "throw" | "terminate";

/** A suspended caller, and the operation that called (`null` for a plain `yield generator`). */
export interface Frame {
  readonly body: Body;
  readonly via: Operation<unknown> | null;
}

/** An unwinding that was asked for, until the frames it concerns are closed. */
export interface Unwinding {
  /** How many suspended frames stay; -1 closes everything. */
  depth: number;
  /** How many suspended frames are beneath the one that is being closed; what stands above it is its cleanup. */
  closing: number;
  /** Seconds, by the scheduler's clock, when waits are no longer honoured. */
  until: number;
  /** Fires at `until`. */
  timer: Timer | null;
  /** `return()` is due at the next step. */
  due: boolean;
  /** How often waits have been answered with `return()` after the grace. */
  forced: number;
  /** What cleanup code threw first. */
  failure: { error: unknown } | null;
  /** Asyncoro's "last value" when the unwinding was asked for: what cleanup code waits for is no result. */
  readonly last: unknown;
  /** The error for the operation that called, when it is a deadline that unwinds. */
  reason: Error | null;
  /** The unwinding in whose cleanup this one happens. */
  readonly outer: Unwinding | null;
}

/** Requests that wait for their step. */
export interface Control {
  readonly errors: unknown[];
  unwinding: Unwinding | null;
  /** The exception that proposes a hot swap. */
  swap: Error | null;
  /** A wait was withdrawn for a request. */
  disturbed: boolean;
  /** Some request is due at the next yield, whatever that is; others when the fiber has to wait. */
  urgent: boolean;
}

const NONE: readonly unknown[] = [];

// Called directly: looking `next` up on generators of many functions is slower than the switch itself.
const generatorNext: (this: Body, value: unknown) => IteratorResult<unknown, unknown> =
  Object.getPrototypeOf(function* () {}).prototype.next;

// A constant of this module is one to V8, too; an imported one is looked up at each call.
const current = currentContext;

const NEXT = 0;
const THROW = 1;
const RETURN = 2;

// How the top frame is to be resumed next, set by the functions that look at what it did. One pair serves all
// fibers, as only one runs at a time.
let nextMode = NEXT;
let nextValue: unknown = undefined;

// After the grace, a generator that answers this many `return()`s with another wait is dropped where it stands.
const MAX_FORCED_RETURNS = 100;

/**
 * @internal
 * One line of execution.
 *
 * What is private in it, in `Coro` and in the operations of messages and locks, is so for TypeScript only: for names
 * with `#` V8 runs a function of its own on each new object and marks it, class by class, which was a fifth of the price
 * of a coroutine.
 */
export abstract class Fiber extends Schedulable {
  /** @internal The generator that runs or is suspended at the innermost wait. */
  declare top: Body;
  /** @internal The callers of `top`, outermost first; `null` while there is none. */
  declare frames: Frame[] | null;
  /** @internal What it waits for. */
  declare wait: Operation<unknown> | null;
  /** @internal Asyncoro's "last value": what the latest yield of the outermost generator evaluated to. */
  declare last: unknown;
  /** @internal Pending requests, `null` almost always. */
  declare control: Control | null;
  /** @internal The host's asynchronous context in which its coroutine was created. */
  declare hostContext: HostContext;

  /**
   * @internal
   * Sets what a fiber is made with. For the constructors of its kinds: one of its own between them and the base's
   * would be another `super()`, which costs more than this call.
   */
  protected initialize(top: Body, hostContext: HostContext): void {
    this.top = top;
    this.hostContext = hostContext;
    this.frames = null;
    this.wait = null;
    this.last = undefined;
    this.control = null;
  }

  /** @internal The coroutine this fiber belongs to. */
  abstract get owner(): Coro;

  /** @internal The outermost frame has returned, thrown, or been unwound; `undelivered` are errors that were still to be thrown. */
  protected abstract ended(kind: Ending, value: unknown, undelivered: readonly unknown[]): void;

  /** @internal Something failed where no caller can be told. */
  protected abstract report(error: unknown): void;

  /** @internal Whether a requested hot swap can be proposed now. */
  protected canSwap(): boolean {
    return false;
  }

  /** @internal The fiber of whose waits this is a branch. */
  get parent(): Fiber | null {
    return null;
  }

  /** @internal Whether a request is to end the next wait. */
  get interrupted(): boolean {
    return this.control !== null && isDue(this.control);
  }

  /** @internal Suspended callers of the running generator. */
  get height(): number {
    return this.frames === null ? 0 : this.frames.length;
  }

  /** @internal Whether only the end of its wait lets the fiber go on. */
  get stuck(): boolean {
    const wait = this.wait;
    if (wait === null || this.ready || this.control !== null || wait.state !== WAITING) return false;
    return !this.frames?.some((frame) => frame.via?.timed);
  }

  /** @internal Whether the fiber can certainly not go on unless one for which `dead` holds does. */
  isDeadlocked(dead: (coro: Coro) => boolean): boolean {
    return this.stuck && this.wait!.isDeadlocked(dead);
  }

  /** @internal Whether what the fiber waits for is about to go on by itself, see the operation's. */
  advances(): boolean {
    return this.wait !== null && this.wait.advances();
  }

  /** @internal Changes the priority, its branches' too. */
  setLevel(level: number): void {
    this.loop.setLevel(this, level);
    this.wait?.levelChanged(level);
  }

  /** @internal Calls a generator as a subroutine; the run loop enters it next. */
  enter(body: Body, via: Operation<unknown> | null): void {
    (this.frames ??= []).push({ body: this.top, via });
    this.top = body;
    this.loop.entered = true;
  }

  /** @internal */
  override run(): void {
    // In most programs both are always undefined, and comparing with that costs less than comparing two values.
    if ((current() !== undefined || this.hostContext !== undefined) && this.hostContext !== current()) {
      return enterContext(this.hostContext, this);
    }
    const wait = this.wait;
    // Only its timer makes it ready while its wait has no outcome: the time is up. An outcome that came later counts.
    if (wait !== null && wait.state === WAITING) {
      wait.expire();
      // A condition's wait that is too late goes on waiting, for its lock; another may have asked for a turn.
      if (wait.state === WAITING || this.ready) return;
    }
    context.fiber = this;
    this.loop.stepBudget = STEP_BUDGET;
    if (this.control !== null) return this.runControlled(this.control);
    if (wait !== null) {
      this.wait = null;
      if (wait.direct) return this.resumeTop(wait.state === REJECTED ? THROW : NEXT, wait.take());
    }
    // From here to the end is the path of a switch: resumed without a value, it gives way with a bare `yield`.
    let result: IteratorResult<unknown, unknown>;
    try {
      result = generatorNext.call(this.top, undefined);
    } catch (error) {
      if (this.frameThrew(error)) this.resumeTop(nextMode, nextValue);
      return;
    }
    if (result.value === undefined && !result.done && this.control === null) {
      // Mostly it is so already, and what is not written need not be in the cache.
      if (this.last !== undefined && this.frames === null) this.last = undefined;
      this.loop.yieldTurn(this);
    } else if (this.goesOn(result)) {
      this.resumeTop(nextMode, nextValue);
    }
  }

  /** Runs the fiber until it waits, gives way or ends. */
  private resumeTop(mode: number, value: unknown): void {
    for (let going = true; going; mode = nextMode, value = nextValue) {
      const top = this.top;
      try {
        const result = mode === NEXT
          ? generatorNext.call(top, value)
          : mode === THROW
          ? top.throw(value)
          : top.return(value);
        going = this.goesOn(result);
      } catch (error) {
        going = this.frameThrew(error);
      }
    }
  }

  /** Looks at what the top frame did. Answers `true` if some frame goes on at once, by `nextMode` and `nextValue`. */
  private goesOn(result: IteratorResult<unknown, unknown>): boolean {
    if (result.done) return this.frameReturned(result.value);
    const yielded = result.value;
    const loop = this.loop;
    if (yielded === undefined) {
      if (this.frames === null) this.last = undefined;
      loop.yieldTurn(this);
    } else if (yielded !== PARKED && this.takeYielded(yielded)) {
      return true;
    } else if (loop.entered) {
      loop.entered = false;
      // Requests that are due come before the first step of the subroutine.
      if (this.control !== null && this.control.urgent && isDue(this.control)) {
        this.preempt();
        return false;
      }
      nextMode = NEXT;
      nextValue = undefined;
      return true;
    }
    if (this.control !== null) this.controlAtYield(this.control);
    return false;
  }

  /** Looks at what a plain `yield` gave. Answers `true` if the generator goes on at once. */
  private takeYielded(yielded: unknown): boolean {
    try {
      if (yielded instanceof Operation) return this.takeOperation(yielded);
      if (isGenerator(yielded)) {
        this.enter(yielded, null);
        return false;
      }
      if (isWaitable(yielded)) return this.takeOperation(yielded[WAIT]());
      return this.takeOperation(isThenable(yielded) ? new Until(yielded) : new YieldedValue(yielded));
    } catch (error) {
      nextMode = THROW;
      nextValue = error;
      return true;
    }
  }

  private takeOperation(operation: Operation<unknown>): boolean {
    claimDirect(operation);
    if (!operation.start(this)) return false;
    nextMode = operation.state === REJECTED ? THROW : NEXT;
    nextValue = operation.take();
    return true;
  }

  /** Answers `true` if the caller goes on, `false` if there was none. */
  private frameReturned(value: unknown): boolean {
    const control = this.control;
    if (control !== null && this.closesTop(control)) return this.frameUnwound(control.unwinding!, null);
    if (this.frames === null) return this.endWith("return", value);
    const via = this.popFrame();
    if (control !== null) this.forgetPassed(control);
    nextMode = NEXT;
    nextValue = value;
    if (via === null) {
      if (this.frames === null) this.last = value;
      return true;
    }
    via.give(value);
    via.frameEnded();
    nextValue = via.direct ? via.take() : undefined;
    return true;
  }

  private frameThrew(error: unknown): boolean {
    const control = this.control;
    // A trap in the kernel is nobody's error to catch: it ends the slice.
    if (this.loop.trap !== null) throw this.loop.trap;
    if (control !== null && this.closesTop(control)) return this.frameUnwound(control.unwinding!, { error });
    if (this.frames === null) return this.endWith("throw", error);
    const via = this.popFrame();
    if (control !== null) this.forgetPassed(control);
    if (via !== null) {
      via.state = SPENT;
      via.frameEnded();
    } else {
      recordPlainCaller(error);
    }
    nextMode = THROW;
    nextValue = error;
    return true;
  }

  private popFrame(): Operation<unknown> | null {
    const frames = this.frames!;
    const frame = frames.pop()!;
    if (frames.length === 0) this.frames = null;
    this.top = frame.body;
    return frame.via;
  }

  private endWith(kind: Ending, value: unknown): false {
    const grace = kind === "throw" ? this.graceLeft() : null;
    while (this.control !== null && this.control.unwinding !== null) this.stopUnwinding();
    const undelivered = this.control === null ? NONE : this.control.errors;
    this.control = null;
    this.ended(kind, value, undelivered);
    if (this.slot >= 0) this.goesOnSwapped(grace, undelivered);
    return false;
  }

  /** It accepted a hot swap in the step in which it was to be terminated, or thrown at: that stands. */
  private goesOnSwapped(grace: number | null, undelivered: readonly unknown[]): void {
    for (const error of undelivered) this.requestThrow(error);
    if (grace !== null) this.requestUnwind(-1, grace, null);
  }

  // --- control requests ---------------------------------------------------------------------------------------

  /** @internal Throws `error` at the point where the fiber waits, at its next step. */
  requestThrow(error: unknown): void {
    this.controls().errors.push(error);
    this.deliverSoon();
  }

  /**
   * @internal
   * The same, but a fiber that is ready anyhow keeps the outcome of its wait until that step: up to then the request
   * can be withdrawn as if it had not been made. The running fiber goes on until it has to wait; `patient` lets
   * one that waits do so until its wait has an outcome.
   */
  throwAtStep(error: unknown, patient = false): void {
    this.controls().errors.push(error);
    if (!patient && this !== context.fiber && !this.ready) this.preempt();
  }

  /** @internal Takes back what was to be thrown, if that can be done. */
  withdrawThrow(error: unknown): void {
    if (!this.canWithdraw(error)) return;
    const { errors } = this.control!;
    errors.splice(errors.indexOf(error), 1);
    this.tidyControl();
  }

  /** @internal Whether `error` is still to be thrown and no wait was withdrawn for it. */
  canWithdraw(error: unknown): boolean {
    return this.isToThrow(error) && !this.control!.disturbed;
  }

  /** @internal Whether `error` is still to be thrown. */
  isToThrow(error: unknown): boolean {
    return this.control !== null && this.control.errors.includes(error);
  }

  /** @internal Proposes a hot swap as soon as it can be; replaces an earlier proposal. */
  requestSwap(proposal: Error): void {
    this.controls().swap = proposal;
    if (this.canSwap()) this.deliverSoon();
  }

  /** @internal A hot swap that was to wait may have become possible, in the step that runs: its next yield tells. */
  protected swapSoon(): void {
    if (this.control !== null && this.control.swap !== null) this.loop.stepBudget = 0;
  }

  /**
   * @internal
   * Closes frames until `depth` suspended ones are left (-1: all). Waits in `finally` blocks are honoured for
   * `grace` seconds. `reason` is thrown from the operation that called the last closed frame.
   */
  requestUnwind(depth: number, grace: number, reason: Error | null): void {
    const control = this.controls();
    const until = this.loop.clock.now() + grace;
    const outer = control.unwinding;
    if (outer === null || (!outer.due && depth >= outer.closing)) {
      const state = { timer: null, due: true, forced: 0, failure: null };
      control.unwinding = { depth, closing: -1, until, last: this.last, reason, outer, ...state };
      this.deliverSoon();
      return;
    }
    let unwinding = outer;
    while (unwinding.outer !== null && depth < unwinding.outer.closing) unwinding = unwinding.outer;
    if (depth < unwinding.depth) {
      unwinding.depth = depth;
      unwinding.reason = reason;
      unwinding.until = until;
    } else if (reason === null) {
      unwinding.until = Math.min(unwinding.until, until);
    }
    unwinding.timer?.cancel();
    unwinding.timer = null;
    // Cleanup that is under way goes on until the new deadline.
    if (this !== context.fiber) this.graceTimer(unwinding);
    else this.loop.stepBudget = 0;
  }

  /** @internal Seconds that cleanup may still take, if the fiber is being unwound. */
  graceLeft(): number | null {
    let until = Infinity;
    let unwinding = this.control?.unwinding ?? null;
    if (unwinding === null) return null;
    for (; unwinding !== null; unwinding = unwinding.outer) until = Math.min(until, unwinding.until);
    return Math.max(0, until - this.loop.clock.now());
  }

  private controls(): Control {
    return this.control ??= { errors: [], unwinding: null, swap: null, disturbed: false, urgent: false };
  }

  private deliverSoon(): void {
    // The running fiber meets its requests at its next yield, even if that would be answered at once.
    this.control!.urgent = true;
    if (this !== context.fiber) this.preempt();
    else this.loop.stepBudget = 0;
  }

  /** Withdraws the wait, so that nothing can be granted to it any more, and makes the fiber ready. */
  private preempt(): void {
    const wait = this.wait;
    if (wait !== null && wait.shielded) return;
    if (wait !== null) this.control!.disturbed = true;
    if (wait !== null && wait.cancel()) this.wait = null;
    if (this.wait === null) this.loop.makeReady(this);
  }

  private runControlled(control: Control): void {
    const wait = this.wait;
    if (wait !== null && wait.state === CANCELLING) return;
    if (wait !== null && wait.shielded) {
      this.loop.stepBudget = 0;
      return this.handOver(wait);
    }
    if (control.errors.length > 0) {
      // An outcome that was to be handed over in this step goes back.
      if (wait !== null && !wait.cancel()) return;
      this.wait = null;
      const error = control.errors.shift();
      if (control.errors.length > 0) this.loop.stepBudget = 0;
      this.tidyControl();
      return this.resumeTop(THROW, error);
    }
    const unwinding = control.unwinding;
    if (unwinding !== null && unwinding.due) return this.closeTop(unwinding);
    if (control.swap !== null && this.canSwap()) return this.proposeSwap(control);
    this.handOver(wait);
  }

  /** Goes on with the outcome of a wait. */
  private handOver(wait: Operation<unknown> | null): void {
    this.wait = null;
    if (wait === null || !wait.direct) this.resumeTop(NEXT, undefined);
    else this.resumeTop(wait.state === REJECTED ? THROW : NEXT, wait.take());
  }

  private proposeSwap(control: Control): void {
    if (this.wait !== null && !this.wait.cancel()) return;
    this.wait = null;
    const proposal = control.swap;
    control.swap = null;
    this.tidyControl();
    this.resumeTop(THROW, proposal);
  }

  /** The fiber has yielded while requests are pending. */
  private controlAtYield(control: Control): void {
    if (isDue(control)) return this.preempt();
    for (let unwinding = control.unwinding; unwinding !== null; unwinding = unwinding.outer) {
      this.graceTimer(unwinding);
    }
    if (control.unwinding !== null) return;
    if (control.swap !== null && this.canSwap()) this.preempt();
  }

  /** Drops `control` when nothing is pending in it, so that steps are cheap again. */
  private tidyControl(): void {
    const control = this.control!;
    if (control.errors.length === 0 && control.unwinding === null && control.swap === null) this.control = null;
  }

  // --- unwinding ----------------------------------------------------------------------------------------------

  private closeTop(unwinding: Unwinding): void {
    unwinding.due = false;
    unwinding.closing = this.height;
    this.wait = null;
    if (unwinding.forced > MAX_FORCED_RETURNS) {
      const error = new Error(
        `Cannot close a generator of ${this.owner} as it answers every return() with another wait: it is dropped`,
      );
      if (this.frameUnwound(unwinding, { error })) this.resumeTop(nextMode, nextValue);
      return;
    }
    this.resumeTop(RETURN, this.last);
  }

  /** Cleanup code waits: honours that until the grace has passed. */
  private graceTimer(unwinding: Unwinding): void {
    const left = unwinding.until - this.loop.clock.now();
    if (left > 0) {
      if (left < Infinity && unwinding.timer === null) this.setGraceTimer(unwinding, left);
      return;
    }
    this.graceOver(unwinding);
  }

  private setGraceTimer(unwinding: Unwinding, seconds: number): void {
    try {
      unwinding.timer = new Timer(this.loop, this.level, seconds, () => this.graceOver(unwinding));
    } catch (error) {
      // Where there is no room for a timer, cleanup goes on all the same: whether its time is up shows at its next yield.
      if (!(error instanceof RangeError)) throw error;
    }
  }

  private graceOver(unwinding: Unwinding): void {
    // It may have been noticed before the timer had its turn.
    unwinding.timer?.cancel();
    unwinding.timer = null;
    // Unwindings within its cleanup are overtaken.
    while (this.control!.unwinding !== unwinding) {
      const overtaken = this.control!.unwinding!;
      if (unwinding.failure === null) {
        unwinding.failure = overtaken.failure;
        overtaken.failure = null;
      }
      this.stopUnwinding();
    }
    unwinding.forced++;
    unwinding.due = true;
    this.preempt();
  }

  /** The top frame has closed. Answers `true` if a frame below goes on. */
  private frameUnwound(unwinding: Unwinding, failure: { error: unknown } | null): boolean {
    if (failure !== null) {
      if (unwinding.failure === null) unwinding.failure = failure;
      else this.report(failure.error);
    }
    unwinding.forced = 0;
    if (this.frames === null) return this.endWith("terminate", unwinding.last);
    const via = this.popFrame();
    if (via !== null) {
      via.state = SPENT;
      via.frameEnded();
    }
    if (this.height > unwinding.depth) {
      unwinding.closing = this.height;
      nextMode = RETURN;
      nextValue = this.last;
      return true;
    }
    const { failure: told, reason } = unwinding;
    unwinding.failure = null;
    this.stopUnwinding();
    this.tidyControl();
    nextMode = THROW;
    // A failure of the cleanup is the more important news.
    nextValue = told === null ? reason : told.error;
    return true;
  }

  /** Whether the top frame is one that is being closed, and not a subroutine of its cleanup. */
  private closesTop(control: Control): boolean {
    const unwinding = control.unwinding;
    return unwinding !== null && !unwinding.due && unwinding.closing === this.height;
  }

  /** A deadline that was to unwind frames, before an error that was thrown first made them end. */
  private forgetPassed(control: Control): void {
    this.swapSoon();
    while (control.unwinding !== null && this.height <= control.unwinding.depth) this.stopUnwinding();
    this.tidyControl();
  }

  /** Ends the innermost unwinding. What its cleanup threw and no caller was told is reported. */
  private stopUnwinding(): void {
    const control = this.control!;
    const unwinding = control.unwinding!;
    unwinding.timer?.cancel();
    control.unwinding = unwinding.outer;
    if (unwinding.failure !== null) this.report(unwinding.failure.error);
  }
}

function isDue({ errors, unwinding }: Control): boolean {
  return errors.length > 0 || (unwinding !== null && unwinding.due);
}

/** Whether a value is a generator function. */
export function isGeneratorFunction(value: unknown): boolean {
  // As in isGenerator(). It is so of bound ones and those of another realm, too.
  return typeof value === "function" &&
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "GeneratorFunction";
}

/** Whether a value is a generator object, which `yield` calls as a subroutine. */
export function isGenerator(value: unknown): value is Body {
  // What Object.prototype.toString looks at, in a fifth of the time.
  return typeof value === "object" && value !== null &&
    (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "Generator";
}

/** Whether a value can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}

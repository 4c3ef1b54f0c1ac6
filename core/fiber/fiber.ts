/**
 * A fiber: a stack of generators inside a coroutine, run one step at a time.
 *
 * A coroutine is its own main fiber; `race` and `all` add branch fibers for as long as they run. The stack is the
 * package's, not the engine's: `yield generator` and `call(generator)` push a frame, and a switch resumes only the top
 * frame, at any depth. Interrupts and unwinding are in the classes that this one extends.
 */
import { recordPlainCaller } from "../base/error_report.ts";
import { type Body, isGenerator } from "../base/generator.ts";
import { currentContext, enterContext, type HostContext } from "../host/async_context.ts";
import * as contexts from "./context.ts";
import * as states from "./operation_state.ts";
import { markDirect, Operation } from "./operation.ts";
import { Unwindable } from "./unwindable.ts";
import type { Unwinding } from "./unwinding.ts";
import { operationForYielded } from "./yielded.ts";

/** How a fiber ends. */
export type Ending = "return" | "throw" | "terminate";

const NONE: readonly unknown[] = [];

// Called directly: a lookup of `next` on the generators of many functions is slower than the switch itself.
const generatorNext: (this: Body, value: unknown) => IteratorResult<unknown, unknown> =
  Object.getPrototypeOf(function* () {}).prototype.next;

// V8 treats a constant of this module as a constant; an imported one is looked up at each call.
const current = currentContext;
const context = contexts.context;
const PARKED = states.PARKED;

// Copies; see `operation_state.ts`.
const enum Steps {
  BUDGET = 500,
}

const enum State {
  WAITING = 3,
  REJECTED = 5,
  SPENT = 7,
}

/** How a frame is resumed: by which method of its generator. */
const enum Mode {
  NEXT,
  THROW,
  RETURN,
}

// After the grace, a generator that waits again after this many `return()`s is dropped as it stands.
const enum Most {
  FORCED_RETURNS = 100,
}

// How the top frame is to be resumed next, set by the functions that inspect its result. One pair serves all fibers, as
// only one runs at a time.
let nextMode = Mode.NEXT;
let nextValue: unknown = undefined;

/**
 * @internal
 * One line of execution.
 *
 * This class, `Coro` and the operations of messages and locks have `private` members and no `#` names: for `#` names V8
 * calls an initializer for each new object and each class, which took a fifth of the time to create a coroutine.
 */
export abstract class Fiber extends Unwindable {
  /** @internal The generator that runs or is suspended at the innermost wait. */
  declare top: Body;

  /**
   * @internal
   * Sets the fields of a new fiber. The constructors of subclasses call it: a constructor in this class would add a
   * `super()`, which costs more than this call.
   */
  protected initialize(top: Body, hostContext: HostContext): void {
    this.top = top;
    this.hostContext = hostContext;
    this.frames = null;
    this.wait = null;
    this.last = undefined;
    this.control = null;
  }

  /** @internal The outermost frame has returned, thrown, or been unwound; `undelivered` are errors that were still to be thrown. */
  protected abstract ended(kind: Ending, value: unknown, undelivered: readonly unknown[]): void;

  /** @internal A mailbox in which it waits gives it any message, see `coroutine/mailbox.ts`. */
  get selective(): false {
    return false;
  }

  /** @internal Ends its wait with a value, if it still waits. */
  resolveWait(value: unknown): void {
    this.wait?.resolve(value);
  }

  /** @internal Changes the priority, its branches' too. */
  setLevel(level: number): void {
    this.loop.setLevel(this, level);
    this.wait?.levelChanged(level);
  }

  /** @internal Calls a generator as a subroutine; the run loop enters it next. */
  pushFrame(body: Body, via: Operation<unknown> | null): void {
    (this.frames ??= []).push({ body: this.top, via });
    this.top = body;
    this.loop.entered = true;
  }

  /** @internal */
  override run(): void {
    // In most programs both are always undefined, and that comparison costs less than one of two values.
    if ((current() !== undefined || this.hostContext !== undefined) && this.hostContext !== current()) {
      return enterContext(this.hostContext, this);
    }
    const wait = this.wait;
    // Only the timer makes a fiber ready whose wait has no outcome. An outcome that comes after the timer has fired and
    // before this step counts.
    if (wait !== null && wait.state === State.WAITING) {
      wait.expire();
      // The wait of a condition then waits for its lock; another operation may have asked for a turn.
      if (wait.state === State.WAITING || this.ready) return;
    }
    context.fiber = this;
    this.loop.stepBudget = Steps.BUDGET;
    if (this.control !== null) return this.runControlled(this.control);
    if (wait !== null) {
      this.wait = null;
      if (wait.direct) return this.resumeTop(wait.state === State.REJECTED ? Mode.THROW : Mode.NEXT, wait.take());
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
    } else if (this.continues(result)) {
      this.resumeTop(nextMode, nextValue);
    }
  }

  /** Runs the fiber until it waits, gives way or ends. */
  private resumeTop(mode: number, value: unknown): void {
    for (let going = true; going; mode = nextMode, value = nextValue) {
      const top = this.top;
      try {
        const result = mode === Mode.NEXT
          ? generatorNext.call(top, value)
          : mode === Mode.THROW
          ? top.throw(value)
          : top.return(value);
        going = this.continues(result);
      } catch (error) {
        going = this.frameThrew(error);
      }
    }
  }

  /** Inspects the result of the top frame. Returns `true` if a frame continues at once, by `nextMode` and `nextValue`. */
  private continues(result: IteratorResult<unknown, unknown>): boolean {
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
      if (this.control !== null && this.interruptsEntry(this.control)) return false;
      nextMode = Mode.NEXT;
      nextValue = undefined;
      return true;
    }
    if (this.control !== null) this.controlAtYield(this.control);
    return false;
  }

  /** Inspects a value from a plain `yield`. Returns `true` if the generator continues at once. */
  private takeYielded(yielded: unknown): boolean {
    try {
      if (yielded instanceof Operation) return this.takeOperation(yielded);
      if (isGenerator(yielded)) {
        this.pushFrame(yielded, null);
        return false;
      }
      return this.takeOperation(operationForYielded(yielded));
    } catch (error) {
      nextMode = Mode.THROW;
      nextValue = error;
      return true;
    }
  }

  private takeOperation(operation: Operation<unknown>): boolean {
    markDirect(operation);
    if (!operation.park(this)) return false;
    nextMode = operation.state === State.REJECTED ? Mode.THROW : Mode.NEXT;
    nextValue = operation.take();
    return true;
  }

  /** Returns `true` if the caller continues, `false` if there is none. */
  private frameReturned(value: unknown): boolean {
    if (this.frames !== null || this.control !== null) return this.resumeCaller(value);
    this.ended("return", value, NONE);
    return false;
  }

  private resumeCaller(value: unknown): boolean {
    const control = this.control;
    if (control !== null && this.closesTop(control)) return this.frameUnwound(control.unwinding!, null);
    if (this.frames === null) return this.endWith("return", value);
    const via = this.popFrame();
    if (control !== null) this.stopPassedUnwindings(control);
    nextMode = Mode.NEXT;
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
    // The program must not catch a trap of the kernel: it ends the slice.
    if (this.loop.trap !== null) throw this.loop.trap;
    if (control !== null && this.closesTop(control)) return this.frameUnwound(control.unwinding!, { error });
    if (this.frames === null) return this.endWith("throw", error);
    const via = this.popFrame();
    if (control !== null) this.stopPassedUnwindings(control);
    if (via !== null) {
      via.state = State.SPENT;
      via.frameEnded();
    } else {
      recordPlainCaller(error);
    }
    nextMode = Mode.THROW;
    nextValue = error;
    return true;
  }

  /** The top frame has closed. Returns `true` if a frame below continues. */
  private frameUnwound(unwinding: Unwinding, failure: { error: unknown } | null): boolean {
    if (failure !== null) {
      if (unwinding.failure === null) unwinding.failure = failure;
      else this.report(failure.error);
    }
    unwinding.forced = 0;
    // The grace may have passed in a shielded wait, after which the frame came to its end by itself.
    unwinding.due = false;
    if (this.frames === null) return this.endWith("terminate", unwinding.last);
    const via = this.popFrame();
    if (via !== null) {
      via.state = State.SPENT;
      via.frameEnded();
    }
    if (this.height > unwinding.depth) {
      unwinding.closing = this.height;
      nextMode = Mode.RETURN;
      nextValue = this.last;
      return true;
    }
    const { failure: cleanupFailure, reason } = unwinding;
    unwinding.failure = null;
    this.stopUnwinding();
    this.tidyControl();
    nextMode = Mode.THROW;
    // A failure of the cleanup takes precedence over the deadline.
    nextValue = cleanupFailure === null ? reason : cleanupFailure.error;
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
    while (this.control?.unwinding) this.stopUnwinding();
    const undelivered = this.control?.errors ?? NONE;
    this.control = null;
    this.ended(kind, value, undelivered);
    if (this.slot >= 0) this.requestAgain(grace, undelivered);
    return false;
  }

  /** @internal */
  protected override resumeWith(wait: Operation<unknown> | null): void {
    this.wait = null;
    if (wait === null || !wait.direct) this.resumeTop(Mode.NEXT, undefined);
    else this.resumeTop(wait.state === State.REJECTED ? Mode.THROW : Mode.NEXT, wait.take());
  }

  /** @internal */
  protected override resumeWithError(error: unknown): void {
    this.resumeTop(Mode.THROW, error);
  }

  /** @internal */
  protected override closeTop(unwinding: Unwinding): void {
    unwinding.due = false;
    unwinding.closing = this.height;
    this.wait = null;
    if (unwinding.forced <= Most.FORCED_RETURNS) return this.resumeTop(Mode.RETURN, this.last);
    const error = new Error(`Cannot close a generator of ${this.owner} as it waits after every return()`);
    if (this.frameUnwound(unwinding, { error })) this.resumeTop(nextMode, nextValue);
  }
}

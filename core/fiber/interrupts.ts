/**
 * Interrupts of a fiber: errors to throw, an unwinding, and a hot swap, which wait for a step of the fiber.
 *
 * They are delivered one a step. An interrupt that arrives while the fiber waits withdraws the wait at once, so that
 * nothing else can be granted to it. If the wait is shielded, the interrupt stays until the next wait.
 */
import type { HostContext } from "../host/async_context.ts";
import { context, type WaitingFiber } from "./context.ts";
import type { Frame } from "./frame.ts";
import { CANCELLING, type Operation, WAITING } from "./operation.ts";
import type { Owner } from "./owner.ts";
import { Schedulable } from "./schedulable.ts";
import type { Unwinding } from "./unwinding.ts";

/** Interrupts that wait for their step. */
export interface Control {
  readonly errors: unknown[];
  /** The innermost unwinding. */
  unwinding: Unwinding | null;
  /** The exception that proposes a hot swap. */
  swap: Error | null;
  /** A wait was withdrawn for an interrupt. */
  disturbed: boolean;
  /** An interrupt is due at the next yield of any kind; otherwise they are due when the fiber has to wait. */
  urgent: boolean;
}

/** @internal An entity whose wait, and whose next step, an interrupt can take over. */
export abstract class Interruptible extends Schedulable implements WaitingFiber {
  /** @internal The coroutine this fiber belongs to. */
  abstract get owner(): Owner;
  /** @internal The host's asynchronous context in which its coroutine was created. */
  declare hostContext: HostContext;
  /** @internal The operation it waits for. */
  declare wait: Operation<unknown> | null;
  /** @internal The suspended callers of the running generator, outermost first; `null` while there is none. */
  declare frames: Frame[] | null;
  /** @internal Asyncoro's "last value": what the latest yield of the outermost generator evaluated to. */
  declare last: unknown;
  /** @internal Pending interrupts, `null` almost always. */
  declare control: Control | null;

  /** @internal */
  abstract graceLeft(): number | null;

  /** @internal Whether the fiber can continue only when its wait ends. */
  get stuck(): boolean {
    const wait = this.wait;
    if (wait === null || this.ready || wait.state !== WAITING) return false;
    if (wait.uninterruptible) return true;
    return this.control === null && !wait.mayBeCutShort && !this.frames?.some((frame) => frame.via?.mayBeCutShort);
  }

  /** @internal Whether the fiber can certainly not continue unless a coroutine for which `dead` holds does. */
  isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return this.stuck && this.wait!.isDeadlocked(dead);
  }

  /** @internal The fiber of whose waits this is a branch. */
  get parentFiber(): WaitingFiber | null {
    return null;
  }

  /** @internal Continues with the outcome of a wait, or without one. */
  protected abstract resumeWith(wait: Operation<unknown> | null): void;

  /** @internal Continues by throwing an error. */
  protected abstract resumeWithError(error: unknown): void;

  /** @internal Closes the top frame. */
  protected abstract closeTop(unwinding: Unwinding): void;

  /** @internal The fiber has yielded while frames are unwound: sees to it that their cleanup ends in time. */
  protected abstract limitCleanup(innermost: Unwinding): void;

  /** @internal An unwinding takes effect: tells the subroutines that it is to close. */
  protected abstract announce(unwinding: Unwinding): void;

  /** @internal Whether a requested hot swap can be proposed now. */
  protected canSwap(): boolean {
    return false;
  }

  /** @internal Throws `error` at the point where the fiber waits, at its next step. */
  requestThrow(error: unknown): void {
    this.ensureControl().errors.push(error);
    this.deliverSoon();
  }

  /** @internal Proposes a hot swap as soon as that is possible; replaces an earlier proposal. */
  requestSwap(proposal: Error): void {
    this.ensureControl().swap = proposal;
    if (this.canSwap()) this.deliverSoon();
  }

  /** @internal A pending hot swap may have become possible in the step that runs: checks that at its next yield. */
  protected swapSoon(): void {
    if (this.control?.swap) this.loop.stepBudget = 0;
  }

  /** @internal */
  ensureControl(): Control {
    return this.control ??= { errors: [], unwinding: null, swap: null, disturbed: false, urgent: false };
  }

  /** @internal */
  protected deliverSoon(): void {
    // The running fiber meets its interrupts at its next yield, even if the operation yielded has its outcome at once.
    this.control!.urgent = true;
    if (this !== context.fiber) this.preempt();
    else this.loop.stepBudget = 0;
  }

  /** @internal Withdraws the wait, so that nothing can be granted to it any more, and makes the fiber ready. */
  preempt(): void {
    const wait = this.wait;
    if (wait?.shielded) {
      wait.interruptArrived();
      if (wait.shielded) return;
    }
    if (wait !== null) {
      this.control!.disturbed = true;
      if (wait.cancel()) this.wait = null;
    }
    if (this.wait === null) this.loop.makeReady(this);
    if (this.control?.unwinding) this.announce(this.control.unwinding);
  }

  /** @internal Runs a step while interrupts are pending. */
  protected runControlled(control: Control): void {
    const wait = this.wait;
    if (wait?.state === CANCELLING) return;
    if (wait?.shielded) {
      this.loop.stepBudget = 0;
      return this.resumeWith(wait);
    }
    if (control.errors.length > 0) {
      // An outcome that was to be handed over in this step is given back.
      if (wait?.cancel() === false) return;
      this.wait = null;
      const error = control.errors.shift();
      if (control.errors.length > 0) this.loop.stepBudget = 0;
      this.tidyControl();
      return this.resumeWithError(error);
    }
    const unwinding = control.unwinding;
    if (unwinding?.due) return this.closeTop(unwinding);
    if (control.swap !== null && this.canSwap()) return this.proposeSwap(control);
    this.resumeWith(wait);
  }

  private proposeSwap(control: Control): void {
    if (this.wait?.cancel() === false) return;
    this.wait = null;
    const proposal = control.swap;
    control.swap = null;
    this.tidyControl();
    this.resumeWithError(proposal);
  }

  /** @internal An interrupt that is due comes before the first step of a subroutine. Returns whether there was one. */
  protected interruptsEntry(control: Control): boolean {
    if (!control.urgent || !isDue(control)) return false;
    this.preempt();
    return true;
  }

  /** @internal The fiber has yielded while interrupts are pending. */
  protected controlAtYield(control: Control): void {
    if (isDue(control)) return this.preempt();
    if (control.unwinding !== null) return this.limitCleanup(control.unwinding);
    if (control.swap !== null && this.canSwap()) this.preempt();
  }

  /** @internal Drops `control` when nothing is pending in it, so that steps are cheap again. */
  tidyControl(): void {
    const control = this.control!;
    if (control.errors.length === 0 && control.unwinding === null && control.swap === null) this.control = null;
  }
}

/** Whether an interrupt is to end the next wait of a fiber. */
export function isInterrupted({ control }: Interruptible): boolean {
  return control !== null && isDue(control);
}

function isDue({ errors, unwinding }: Control): boolean {
  return errors.length > 0 || unwinding?.due === true;
}

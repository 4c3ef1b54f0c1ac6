import { type CompletionWaiter, UNLINKED } from "../../fiber/completion_waiter.ts";
import { WAITING } from "../../fiber/operation.ts";
import { Reaction } from "../../fiber/reaction.ts";
import { IoWait } from "./io_wait.ts";
import type { IoLimit } from "./io_options.ts";

/** The steps of a {@linkcode HostCall}. */
export interface HostCallPlan<T> {
  /** The operation's name. */
  readonly label: string;
  /** What it waits for, in words. */
  readonly waitsFor: string;
  /** Returns the result if it is known already. */
  known?(): T | undefined;
  /**
   * Starts the call, or returns the promise of one that was started before. An error thrown here is thrown at the
   * yield.
   */
  start(): Promise<T>;
  /** Asks the host to give up, when no coroutine waits any more. */
  abort?(): void;
  /** Disposes of a result that comes too late. */
  discard?(value: T): void;
}

/** Waits for one call of the host that may return a resource. A resource that comes too late is discarded. */
export class HostCall<T> extends IoWait<T> {
  readonly label: string;
  readonly #plan: HostCallPlan<T>;
  #pending = false;
  #reaction: Reaction | null = null;

  constructor(plan: HostCallPlan<T>, limit: IoLimit, defaultSeconds = Infinity) {
    super(limit, defaultSeconds, plan.label);
    this.label = plan.label;
    this.#plan = plan;
  }

  override get waitsFor(): string {
    return this.#plan.waitsFor;
  }

  protected override register(): void {
    const known = this.#plan.known?.();
    if (known !== undefined) return this.settle(known);
    // A call takes time: with a timeout of zero it is not started.
    if (this.limit <= 0) return;
    let promise: Promise<T>;
    try {
      promise = this.#plan.start();
    } catch (error) {
      return this.settleError(error);
    }
    this.#pending = true;
    this.#reaction = Reaction.join(promise, this.#end);
  }

  readonly #end: CompletionWaiter = {
    ...UNLINKED,
    resolve: (value) => this.#resolved(value as T),
    reject: (error) => this.#rejected(error),
  };

  #resolved(value: T): void {
    this.#pending = false;
    if (this.state === WAITING) this.settle(value);
    else this.#plan.discard?.(value);
  }

  #rejected(error: unknown): void {
    this.#pending = false;
    // If it no longer waits, the call may have failed because it was aborted.
    if (this.state === WAITING) this.settleError(error);
  }

  protected override unregister(): void {
    if (!this.#pending) return;
    this.#plan.abort?.();
    // A late result has to be discarded. Otherwise it leaves the promise, which may live long (as that of a process)
    // and must not retain all the waits there ever were.
    if (this.#plan.discard !== undefined) return;
    this.#pending = false;
    this.#reaction!.leave(this.#end);
  }

  override reclaim(): void {
    this.#plan.discard?.(this.outcome as T);
  }
}

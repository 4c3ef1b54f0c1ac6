import type { CompletionWaiter } from "../../fiber/joiner.ts";
import { WAITING } from "../../fiber/operation.ts";
import { Reaction } from "../../fiber/reaction.ts";
import { IoWait } from "./io_wait.ts";
import type { IoLimit } from "./io_options.ts";

/** What a {@linkcode HostCall} does. */
export interface HostCallPlan<T> {
  /** The operation's name. */
  readonly label: string;
  /** What it waits for, in words. */
  readonly waitsFor: string;
  /** Its result, if it is known already. */
  known?(): T | undefined;
  /** Starts it, or gives the promise of what was started before. What is thrown at once is thrown at the yield. */
  start(): Promise<T>;
  /** Asks the host to give up, when nobody waits any more. */
  abort?(): void;
  /** Gets rid of a result that nobody takes. */
  discard?(value: T): void;
}

/** Waits for something that the host does once and that may bring a resource: one that comes too late is let go. */
export class HostCall<T> extends IoWait {
  readonly label: string;
  readonly #plan: HostCallPlan<T>;
  #pending = false;
  #reaction: Reaction | null = null;

  constructor(plan: HostCallPlan<T>, limit: IoLimit, standard = Infinity) {
    super(limit, standard, plan.label);
    this.label = plan.label;
    this.#plan = plan;
  }

  override get waitsFor(): string {
    return this.#plan.waitsFor;
  }

  protected override enter(): void {
    const known = this.#plan.known?.();
    if (known !== undefined) return this.settle(known);
    // What is not known takes time, so without any it is not begun.
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
    nextJoiner: null,
    prevJoiner: null,
    resolve: (value) => this.#came(value as T),
    reject: (error) => this.#failed(error),
  };

  #came(value: T): void {
    this.#pending = false;
    if (this.state === WAITING) this.settle(value);
    else this.#plan.discard?.(value);
  }

  #failed(error: unknown): void {
    this.#pending = false;
    // Nobody waits any more: it may well have failed because it was aborted.
    if (this.state === WAITING) this.settleError(error);
  }

  protected override leave(): void {
    if (!this.#pending) return;
    this.#plan.abort?.();
    // A promise of something that lasts, such as a process, must not keep all who ever waited for it.
    if (this.#plan.discard !== undefined) return;
    this.#pending = false;
    this.#reaction!.leave(this.#end);
  }

  override reclaim(): void {
    this.#plan.discard?.(this.outcome as T);
  }
}

import { describe } from "../../base/describe.ts";
import { captureContext, currentContext, enterContext, type HostContext } from "../../host/async_context.ts";
import type { Timer } from "../../fiber/schedulable.ts";
import type { LoopServices, QueuedCallback, TimedCallback } from "./loop_services.ts";

/** A function that an event loop calls. */
// deno-lint-ignore no-explicit-any -- any parameters, any result
export type Callback<A extends readonly any[] = any[]> = (...args: A) => unknown;

/** A callback that an event loop is to call. `callSoon` returns it, to cancel the call. */
export class Handle implements QueuedCallback {
  /** @internal The loop that calls. */
  readonly loop: LoopServices;
  #callback: Callback | null;
  // A list of arguments, or the only argument, which is a future.
  #args: unknown;
  // As with `contextvars`, a callback runs in the context in which it was registered.
  #hostContext: HostContext;

  /** @internal */
  constructor(loop: LoopServices, callback: Callback, args: readonly unknown[] | PromiseLike<unknown>) {
    this.loop = loop;
    this.#callback = callback;
    this.#args = args;
    this.#hostContext = captureContext();
  }

  /** Prevents the call. Has no effect if the callback has been called already. */
  cancel(): void {
    this.#callback = null;
    this.#args = undefined;
    this.#hostContext = undefined;
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this.#callback === null;
  }

  /** Text for messages. */
  toString(): string {
    return this.#callback === null ? "a cancelled callback" : `callback ${describe(this.#callback)}`;
  }

  /** @internal Whether this is the function that it calls. */
  calls(callback: Callback): boolean {
    return this.#callback === callback;
  }

  /** @internal Calls the function. What that throws goes to the loop's exception handler. */
  run(): void {
    if (this.#callback === null) return;
    const hostContext = this.#hostContext;
    // As in a step of a coroutine.
    if ((currentContext() !== undefined || hostContext !== undefined) && hostContext !== currentContext()) {
      return enterContext(hostContext, this);
    }
    this.#hostContext = undefined;
    if (this.loop.getDebug()) return this.loop.timeStep(`${this}`, () => this.#call());
    this.#call();
  }

  #call(): void {
    const args = this.#args;
    try {
      if (!Array.isArray(args)) this.#callback!(args);
      else if (args.length === 0) this.#callback!();
      else this.#callback!(...args);
    } catch (exception) {
      this.loop.callExceptionHandler({ message: `Exception in ${this}`, exception, handle: this });
    }
  }
}

/** A callback with a deadline. `callLater` and `callAt` return it. */
export class TimerHandle extends Handle implements TimedCallback {
  readonly #when: number;
  #timer: Timer | null = null;

  /** @internal */
  constructor(loop: LoopServices, when: number, callback: Callback, args: readonly unknown[]) {
    super(loop, callback, args);
    this.#when = when;
  }

  /** When it is called, in seconds, by the clock of `loop.time()`. */
  when(): number {
    return this.#when;
  }

  /** Prevents the call. Has no effect if the callback has been called already. */
  override cancel(): void {
    super.cancel();
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** @internal Its timer is set. */
  armed(timer: Timer): void {
    this.#timer = timer;
  }
}

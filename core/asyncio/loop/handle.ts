import { describe } from "../../base/describe.ts";
import { captureContext, currentContext, enterContext, type HostContext } from "../../host/async_context.ts";
import type { Timer } from "../../fiber/timer.ts";
import type { EventLoop } from "./event_loop.ts";
import type { Future } from "./future.ts";

/** A function that an event loop calls. */
// deno-lint-ignore no-explicit-any -- whatever it takes and answers is its owner's business
export type Callback<A extends readonly any[] = any[]> = (...args: A) => unknown;

/** A callback that an event loop is to run: what `callSoon` answers, to cancel it. */
export class Handle {
  /** @internal The loop that calls. */
  readonly loop: EventLoop;
  #callback: Callback | null;
  // A list of them, or the only one, which is a future.
  #args: unknown;
  // As `contextvars` does, what calls back remembers where that was asked for.
  #hostContext: HostContext;

  /** @internal */
  constructor(loop: EventLoop, callback: Callback, args: readonly unknown[] | Future) {
    this.loop = loop;
    this.#callback = callback;
    this.#args = args;
    this.#hostContext = captureContext();
  }

  /** Sees to it that the callback is not called; harmless when it has been. */
  cancel(): void {
    this.#callback = null;
    this.#args = undefined;
    this.#hostContext = undefined;
  }

  /** Whether it was cancelled. */
  cancelled(): boolean {
    return this.#callback === null;
  }

  /** How it reads in messages. */
  toString(): string {
    return this.#callback === null ? "a cancelled callback" : `callback ${describe(this.#callback)}`;
  }

  /** @internal Whether it is this function that it calls. */
  calls(callback: Callback): boolean {
    return this.#callback === callback;
  }

  /** @internal Calls back. What the callback throws goes to the loop's exception handler. */
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

/** A callback with a time: what `callLater` and `callAt` answer. */
export class TimerHandle extends Handle {
  readonly #when: number;
  #timer: Timer | null = null;

  /** @internal */
  constructor(loop: EventLoop, when: number, callback: Callback, args: readonly unknown[]) {
    super(loop, callback, args);
    this.#when = when;
  }

  /** When it is called, in seconds, by the clock of `loop.time()`. */
  when(): number {
    return this.#when;
  }

  /** Sees to it that the callback is not called; harmless when it has been. */
  override cancel(): void {
    super.cancel();
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** @internal What calls it. */
  armed(timer: Timer): void {
    this.#timer = timer;
  }
}

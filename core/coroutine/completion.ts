/**
 * Waiting for the end of a coroutine outside coroutines: the promise of `value()`.
 *
 * `finish()`, the wait of coroutines, is an operation; both are in the list of waiters that the coroutine settles.
 */
import { coroOf } from "./coro_of.ts";
import { type Abortable, listenToAbort, stopListening } from "../fiber/abort_listeners.ts";
import type { CompletionWaiter } from "../fiber/completion_waiter.ts";
import { isThenable } from "../base/generator.ts";
import { endTimeout } from "../operations/finish.ts";
import type { Joinable } from "../operations/joinable.ts";
import { Timer } from "../fiber/timer.ts";

/** The promise of `value()`. While it waits, the scheduler counts it: it keeps the process alive. */
export class PromiseWaiter implements CompletionWaiter, Abortable {
  nextCompletionWaiter: CompletionWaiter | null = null;
  prevCompletionWaiter: CompletionWaiter | null = null;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #timer: Timer | null = null;
  #target: Joinable | null = null;
  #signal: AbortSignal | null = null;

  constructor(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Waits for the end of a coroutine, for at most so many seconds or until the signal is aborted. */
  waitFor(target: Joinable, seconds: number, signal: AbortSignal | null): void {
    if (signal?.aborted) return this.reject(signal.reason);
    if (target.giveOutcome(this)) return;
    if (seconds <= 0) return this.reject(endTimeout(target));
    const owner = coroOf(target);
    if (seconds < Infinity) {
      // Throws if there is no room for the timer; nothing has changed then.
      this.#timer = new Timer(owner.loop, owner.level, seconds, () => this.#giveUp(endTimeout(target)));
    }
    if (signal !== null) {
      listenToAbort(signal, this);
      this.#signal = signal;
    }
    target.addCompletionWaiter(this);
    this.#target = target;
    owner.loop.addExternalWaiter();
  }

  /** The signal was aborted. */
  aborted(): void {
    this.#giveUp(this.#signal!.reason);
  }

  #giveUp(reason: unknown): void {
    this.#target!.removeCompletionWaiter(this);
    this.reject(reason);
  }

  resolve(value: unknown): void {
    this.#settled();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#settled();
    this.#reject(error);
  }

  give(value: unknown): void {
    this.resolve(value);
  }

  fail(error: unknown): void {
    this.reject(error);
  }

  #settled(): void {
    this.#timer?.cancel();
    if (this.#signal !== null) stopListening(this.#signal, this);
    if (this.#target !== null) coroOf(this.#target).loop.removeExternalWaiter();
  }
}

/** Whether resolving a promise with `value` would wait for it, or fail as it cannot be read. */
export function isAdopted(value: unknown): boolean {
  try {
    return isThenable(value);
  } catch {
    return true;
  }
}

/**
 * Waiting for the end of a coroutine outside coroutines: the promise of `value()`.
 *
 * `finish()`, the wait of coroutines, is an operation; both are in the list of waiters that the coroutine settles.
 */
import { coroOf } from "./coro_of.ts";
import type { CompletionWaiter } from "../fiber/completion_waiter.ts";
import { isThenable } from "../base/generator.ts";
import { endTimeout } from "../operations/finish.ts";
import type { Joinable } from "../operations/joinable.ts";
import { Timer } from "../fiber/timer.ts";

/** The promise of `value()`. While it waits, the scheduler counts it: it keeps the process alive. */
export class PromiseWaiter implements CompletionWaiter {
  nextCompletionWaiter: CompletionWaiter | null = null;
  prevCompletionWaiter: CompletionWaiter | null = null;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #timer: Timer | null = null;
  #target: Joinable | null = null;

  constructor(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Waits for the end of a coroutine, for at most so many seconds. */
  waitFor(target: Joinable, seconds: number): void {
    if (target.giveOutcome(this)) return;
    if (seconds <= 0) return this.reject(endTimeout(target));
    const owner = coroOf(target);
    if (seconds < Infinity) {
      // Throws if there is no room for the timer; nothing has changed then.
      this.#timer = new Timer(owner.loop, owner.level, seconds, () => {
        target.removeCompletionWaiter(this);
        this.reject(endTimeout(target));
      });
    }
    target.addCompletionWaiter(this);
    this.#target = target;
    owner.loop.addExternalWaiter();
    if (seconds === Infinity) owner.loop.noteBlocked(owner);
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

/**
 * Listening to signals for waits: one listener on a signal serves all waits that it may end.
 *
 * The listener is added with the first wait and removed with the last, so a signal that lives long retains nothing.
 */
import { getOrMake } from "../base/get_or_make.ts";

/** A wait that a signal may end. */
export interface Abortable {
  /** The signal was aborted. The wait is no longer among those of the signal. */
  aborted(): void;
}

class AbortListener {
  readonly #signal: AbortSignal;
  readonly #waits = new Set<Abortable>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(wait: Abortable): void {
    if (this.#waits.size === 0) this.#signal.addEventListener("abort", this.#onAbort);
    this.#waits.add(wait);
  }

  remove(wait: Abortable): void {
    if (this.#waits.delete(wait) && this.#waits.size === 0) this.#stop();
  }

  #stop(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
  }

  // A function, as an `EventTarget` of another origin may not take objects.
  readonly #onAbort = (): void => {
    if (this.#waits.size === 0) return;
    this.#stop();
    for (const wait of this.#waits) {
      this.#waits.delete(wait);
      wait.aborted();
    }
  };
}

const listeners = new WeakMap<AbortSignal, AbortListener>();

/** Calls `wait.aborted()` when the signal is aborted. The signal must not be aborted yet. */
export function listenToAbort(signal: AbortSignal, wait: Abortable): void {
  getOrMake(listeners, signal, () => new AbortListener(signal)).add(wait);
}

/** The wait has ended. */
export function stopListening(signal: AbortSignal, wait: Abortable): void {
  listeners.get(signal)?.remove(wait);
}

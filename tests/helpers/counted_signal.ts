/** Signals whose listeners are counted. */

/** An `AbortController` that counts the listeners of its signal. */
export class CountedSignal {
  readonly controller = new AbortController();
  readonly signal: AbortSignal = this.controller.signal;
  /** Listeners that were added and not removed. */
  listeners = 0;
  /** Listeners that were ever added. */
  added = 0;

  constructor() {
    const { addEventListener, removeEventListener } = this.signal;
    const active = new Set<unknown>();
    this.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      active.add(args[1]);
      this.added++;
      this.listeners = active.size;
      addEventListener.apply(this.signal, args);
    };
    this.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      active.delete(args[1]);
      this.listeners = active.size;
      removeEventListener.apply(this.signal, args);
    };
  }

  /** Aborts it with a reason. */
  abort(reason: unknown): void {
    this.controller.abort(reason);
  }
}

/** A signal as another realm or library makes it: no `AbortSignal` of this one, and its listeners are functions. */
export class ForeignSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly listeners: Set<() => void> = new Set();

  addEventListener(type: string, listener: unknown): void {
    if (type !== "abort" || typeof listener !== "function") throw new TypeError("Not a listener of this signal");
    this.listeners.add(listener as () => void);
  }

  removeEventListener(_type: string, listener: unknown): void {
    this.listeners.delete(listener as () => void);
  }

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of [...this.listeners]) listener();
  }

  /** As a caller passes it. */
  get asSignal(): AbortSignal {
    return this as unknown as AbortSignal;
  }
}

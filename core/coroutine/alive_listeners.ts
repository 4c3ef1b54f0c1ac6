/**
 * What keeps the process alive only while its scheduler does, such as a socket for which a daemon waits.
 */

/** @internal Something of the host that keeps the process alive only while its scheduler does. */
export interface AliveListener {
  /** Keeps the process alive, or lets it end. */
  setAlive(alive: boolean): void;
}

/** @internal A scheduler, as far as it keeps the process alive. */
export interface AliveSource {
  /** What is told; `null` if nothing is. */
  aliveListeners: AliveListeners | null;
  /** Whether it keeps the process alive now. */
  keepsAlive(): boolean;
}

/** The listeners of one scheduler. */
export class AliveListeners {
  readonly #loop: AliveSource;
  readonly #listeners = new Set<AliveListener>();
  // The state that the listeners were given last.
  #lastAlive: boolean;

  constructor(loop: AliveSource) {
    this.#loop = loop;
    this.#lastAlive = loop.keepsAlive();
  }

  add(listener: AliveListener): void {
    this.#listeners.add(listener);
    listener.setAlive(this.#loop.keepsAlive());
  }

  /** Returns whether none is left. */
  remove(listener: AliveListener): boolean {
    return this.#listeners.delete(listener) && this.#listeners.size === 0;
  }

  /** Notifies them whether the scheduler keeps the process alive, if that has changed. */
  aliveChanged(): void {
    const alive = this.#loop.keepsAlive();
    if (alive === this.#lastAlive) return;
    this.#lastAlive = alive;
    for (const listener of this.#listeners) listener.setAlive(alive);
  }
}

/**
 * Adds a listener, which is told whether to keep the process alive: while there are coroutines other than daemons, as they
 * may depend on it, or while code outside coroutines waits.
 */
export function addAliveListener(loop: AliveSource, listener: AliveListener): void {
  (loop.aliveListeners ??= new AliveListeners(loop)).add(listener);
}

/** Removes a listener. */
export function removeAliveListener(loop: AliveSource, listener: AliveListener): void {
  if (loop.aliveListeners?.remove(listener)) loop.aliveListeners = null;
}

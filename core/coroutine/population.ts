/** The coroutines of a scheduler, by number, and whether they keep the process alive. */
export class Population {
  /** Coroutines that have not ended. */
  live = 0;
  /** Of these, daemons. */
  daemons = 0;
  /** Promises of `value()` that wait. */
  externalWaiters = 0;
  readonly #keepsAlive: () => boolean;
  // `null` while there are none: most schedulers have none, and each new coroutine looks here.
  #listeners: Set<AliveListener> | null = null;
  // The state that the listeners were given last.
  #lastAlive = false;

  /** `keepsAlive` returns whether the scheduler keeps the process alive. */
  constructor(keepsAlive: () => boolean) {
    this.#keepsAlive = keepsAlive;
  }

  /** Coroutines that have not ended and are not daemons. */
  get nonDaemons(): number {
    return this.live - this.daemons;
  }

  /** Counts a coroutine that begins. */
  add(daemon: boolean): void {
    this.live++;
    if (daemon) this.daemons++;
    if (this.#listeners !== null) this.aliveChanged();
  }

  /** No longer counts a coroutine that has ended. */
  remove(daemon: boolean): void {
    this.live--;
    if (daemon) this.daemons--;
    if (this.#listeners !== null) this.aliveChanged();
  }

  /** Adds a listener, and gives it the state at once. */
  addListener(listener: AliveListener): void {
    const alive = this.#keepsAlive();
    if (this.#listeners === null) {
      this.#listeners = new Set();
      this.#lastAlive = alive;
    }
    this.#listeners.add(listener);
    listener.setAlive(alive);
  }

  /** Removes a listener. */
  removeListener(listener: AliveListener): void {
    if (this.#listeners?.delete(listener) && this.#listeners.size === 0) this.#listeners = null;
  }

  /** Notifies the listeners whether the scheduler keeps the process alive, if that has changed. */
  aliveChanged(): void {
    if (this.#listeners === null) return;
    const alive = this.#keepsAlive();
    if (alive === this.#lastAlive) return;
    this.#lastAlive = alive;
    for (const listener of this.#listeners) listener.setAlive(alive);
  }
}

/** @internal Something of the host, such as a socket, that keeps the process alive only while its scheduler does. */
export interface AliveListener {
  /** Keeps the process alive, or lets it end. */
  setAlive(alive: boolean): void;
}

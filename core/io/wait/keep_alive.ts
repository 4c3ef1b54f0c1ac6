import type { Coro } from "../../coroutine/coro.ts";
import { addAliveListener, type AliveListener, removeAliveListener } from "../../coroutine/alive_listeners.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";

/**
 * Decides whether the host operation of a socket keeps the process alive: it does while a coroutine waits for it.
 *
 * The wait of a daemon counts only while its scheduler has coroutines that are not daemons, as they may depend on it; the
 * scheduler calls `setAlive` when that changes. When no coroutine waits any more, a host operation that is still under way
 * does not keep the process alive.
 */
export class KeepAlive implements AliveListener {
  readonly #apply: (alive: boolean) => void;
  #alive: boolean;
  // The run loop that calls `setAlive`: from when a daemon begins to wait until no coroutine waits any more.
  #loop: CoroLoop | null = null;

  /** `apply` passes the decision to the host; `alive` is the host's initial state. */
  constructor(apply: (alive: boolean) => void, alive: boolean) {
    this.#apply = apply;
    this.#alive = alive;
  }

  /** A coroutine begins to wait; or it became a daemon, or ceased to be one, while it waits. */
  register(coro: Coro): void {
    const { loop } = coro;
    if (this.#loop !== null) {
      this.setAlive(this.#loop.keepsAlive() || loop.keepsAlive());
    } else if (!coro.daemon && loop.keepsAlive()) {
      this.setAlive(true);
    } else {
      this.#loop = loop;
      addAliveListener(loop, this);
    }
  }

  /** No coroutine waits any more, but the host operation is still under way. */
  release(): void {
    this.unregister();
    this.setAlive(false);
  }

  /** No coroutine waits any more, and no host operation is under way. */
  unregister(): void {
    if (this.#loop !== null) removeAliveListener(this.#loop, this);
    this.#loop = null;
  }

  /** Keeps the process alive, or does not. The scheduler calls this, too. */
  setAlive(alive: boolean): void {
    if (this.#alive === alive) return;
    this.#alive = alive;
    this.#apply(alive);
  }
}

import type { Coro } from "../../coroutine/coro.ts";
import type { AliveListener } from "../../coroutine/population.ts";
import type { Scheduler } from "../../coroutine/scheduler.ts";

/**
 * Whether what the host is doing for a socket keeps the process alive: while somebody waits for it.
 *
 * A daemon counts only as long as its scheduler has others to live for, who may depend on what it brings them; the
 * scheduler tells when that changes. One that is no daemon is such an other itself. When nobody waits any more, what is
 * still under way holds nothing open.
 */
export class KeepAlive implements AliveListener {
  readonly #apply: (alive: boolean) => void;
  #alive: boolean;
  // Who tells, from when a daemon has come until nobody waits any more.
  #scheduler: Scheduler | null = null;

  /** `apply` tells the host, `alive` is how the host has it now. */
  constructor(apply: (alive: boolean) => void, alive: boolean) {
    this.#apply = apply;
    this.#alive = alive;
  }

  /** A coroutine begins to wait, or has become a daemon, or ceased to be one, while it does. */
  enter(coro: Coro): void {
    const { scheduler } = coro;
    if (this.#scheduler !== null) {
      this.setAlive(this.#scheduler.keepsAlive() || scheduler.keepsAlive());
    } else if (!coro.daemon && scheduler.keepsAlive()) {
      this.setAlive(true);
    } else {
      this.#scheduler = scheduler;
      scheduler.addAliveListener(this);
    }
  }

  /** Nobody waits any more, but the host is still at it. */
  leave(): void {
    this.idle();
    this.setAlive(false);
  }

  /** Nobody waits any more, and the host has nothing to do. */
  idle(): void {
    this.#scheduler?.removeAliveListener(this);
    this.#scheduler = null;
  }

  /** Keeps the process alive, or does not. Called by the scheduler, too. */
  setAlive(alive: boolean): void {
    if (this.#alive === alive) return;
    this.#alive = alive;
    this.#apply(alive);
  }
}

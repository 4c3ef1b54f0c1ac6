import type { Coro } from "../coro.ts";
import type { Scheduler } from "../scheduler.ts";

/**
 * Whether what the host is doing for a socket keeps the process alive: while somebody waits for it.
 *
 * A daemon counts only as long as its scheduler has others to live for, who may depend on what it brings them; the
 * scheduler tells when that changes. When nobody waits any more, what is still under way holds nothing open.
 */
export class Reference {
  readonly #apply: (alive: boolean) => void;
  #alive: boolean;
  #scheduler: Scheduler | null = null;

  /** `apply` tells the host, `alive` is how the host has it now. */
  constructor(apply: (alive: boolean) => void, alive: boolean) {
    this.#apply = apply;
    this.#alive = alive;
  }

  /** A coroutine begins to wait; `first`: nobody did before. */
  enter(coro: Coro, first: boolean): void {
    if (!coro.daemon) {
      this.#unregister();
      this.hold(true);
    } else if (first) {
      this.#scheduler = coro.scheduler;
      (coro.scheduler.daemonHolds ??= new Set()).add(this);
      this.hold(coro.scheduler.keepsAlive());
    }
  }

  /** Nobody waits any more, but the host is still at it. */
  leave(): void {
    this.#unregister();
    this.hold(false);
  }

  /** Nobody waits any more, and the host has nothing to do. */
  idle(): void {
    this.#unregister();
  }

  /** Keeps the process alive, or does not. Called by the scheduler, too. */
  hold(alive: boolean): void {
    if (this.#alive === alive) return;
    this.#alive = alive;
    this.#apply(alive);
  }

  #unregister(): void {
    this.#scheduler?.daemonHolds?.delete(this);
    this.#scheduler = null;
  }
}

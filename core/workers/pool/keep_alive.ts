/** Whether the tasks of a pool keep the process alive. Idle workers do not. */
import { macrotask } from "../../host/macrotask.ts";
import { addAliveListener, type AliveListener, removeAliveListener } from "../../coroutine/alive_listeners.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";

/** See the head of this file. */
export class KeepAlive {
  /** Whether the process is kept alive. */
  active = false;
  readonly #apply: (alive: boolean) => void;
  readonly #shares = new Map<CoroLoop, Share>();
  #count = 0;
  #checking = false;

  /** `apply` is called when {@linkcode active} changes. */
  constructor(apply: (alive: boolean) => void) {
    this.#apply = apply;
  }

  /**
   * Adds `by` to the number of tasks that coroutines of a scheduler wait for. They keep the process alive as long as
   * the scheduler has coroutines that are not daemons. Tasks without a scheduler always do.
   */
  change(loop: CoroLoop | null, by: number): void {
    if (loop === null) return this.#change(by);
    let share = this.#shares.get(loop);
    if (share === undefined) {
      share = new Share((alive) => this.#change(alive ? 1 : -1));
      this.#shares.set(loop, share);
      addAliveListener(loop, share);
    }
    share.tasks += by;
    if (share.tasks > 0) return;
    this.#shares.delete(loop);
    removeAliveListener(loop, share);
    share.setAlive(false);
  }

  #change(change: number): void {
    this.#count += change;
    if (this.#count > 0 === this.active) return;
    if (this.#count > 0) return this.#set(true);
    // The next task may come at once: wait for a macrotask before letting the process end.
    if (this.#checking) return;
    this.#checking = true;
    macrotask(() => {
      this.#checking = false;
      if (this.#count === 0) this.#set(false);
    });
  }

  #set(alive: boolean): void {
    if (this.active === alive) return;
    this.active = alive;
    this.#apply(alive);
  }
}

/** The tasks that coroutines of one scheduler wait for. */
class Share implements AliveListener {
  tasks = 0;
  #alive = false;
  readonly #apply: (alive: boolean) => void;

  constructor(apply: (alive: boolean) => void) {
    this.#apply = apply;
  }

  setAlive(alive: boolean): void {
    if (this.#alive === alive) return;
    this.#alive = alive;
    this.#apply(alive);
  }
}

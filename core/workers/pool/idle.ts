/** What keeps the process alive, and when idle workers end. */
import { macrotask } from "../../host/macrotask.ts";
import { type HostTimer, setTimerRef, startTimer, stopTimer } from "../../host/timers.ts";
import type { AliveListener } from "../../coroutine/population.ts";
import type { Scheduler } from "../../coroutine/scheduler.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Tasks keep the process alive; idle workers do not. */
export class TaskHold {
  /** Whether the process is kept alive. */
  holding = false;
  readonly #apply: (alive: boolean) => void;
  readonly #shares = new Map<Scheduler, Share>();
  #holders = 0;
  #checking = false;

  /** `apply` is called when that changes. */
  constructor(apply: (alive: boolean) => void) {
    this.#apply = apply;
  }

  /**
   * Counts the tasks that coroutines of a scheduler wait for: they keep the process alive as long as others than daemons
   * live in it. Tasks without a scheduler always do.
   */
  change(scheduler: Scheduler | null, by: number): void {
    if (scheduler === null) return this.#count(by);
    let share = this.#shares.get(scheduler);
    if (share === undefined) {
      share = new Share((alive) => this.#count(alive ? 1 : -1));
      this.#shares.set(scheduler, share);
      scheduler.addAliveListener(share);
    }
    share.tasks += by;
    if (share.tasks > 0) return;
    this.#shares.delete(scheduler);
    scheduler.removeAliveListener(share);
    share.setAlive(false);
  }

  #count(change: number): void {
    this.#holders += change;
    if (this.#holders > 0 === this.holding) return;
    if (this.#holders > 0) return this.#set(true);
    // The next task may come at once: letting go is put off until the host had a turn.
    if (this.#checking) return;
    this.#checking = true;
    macrotask(() => {
      this.#checking = false;
      if (this.#holders === 0) this.#set(false);
    });
  }

  #set(alive: boolean): void {
    if (this.holding === alive) return;
    this.holding = alive;
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

/** What an {@linkcode IdleSweep} needs of the dispatcher. */
export interface SweptDispatcher {
  readonly threads: readonly WorkerHandle[];
  readonly closed: boolean;
  /** Ends a worker that has been idle for long. */
  dropIdle(thread: WorkerHandle): void;
}

/** Ends workers that have been idle for long. */
export class IdleSweep {
  readonly #dispatcher: SweptDispatcher;
  readonly #keep: number;
  readonly #seconds: number;
  #timer: HostTimer | null = null;

  /** `keep` workers stay though they are idle for `seconds`, which may be `Infinity`. */
  constructor(dispatcher: SweptDispatcher, keep: number, seconds: number) {
    this.#dispatcher = dispatcher;
    this.#keep = keep;
    this.#seconds = seconds;
  }

  /** A worker may have become idle. */
  later(): void {
    if (this.#seconds === Infinity || this.#timer !== null || this.#dispatcher.closed) return;
    this.#timer = startTimer(() => this.#sweep(), this.#seconds, false);
    // Where idle workers keep the process alive anyway, it must not end before they do.
    if (this.#dispatcher.threads.some((thread) => !thread.unreferenced)) setTimerRef(this.#timer, true);
  }

  #sweep(): void {
    this.#timer = null;
    const before = performance.now() - this.#seconds * 1000;
    for (const thread of [...this.#dispatcher.threads]) {
      if (this.#dispatcher.threads.length <= this.#keep) return;
      const used = thread.sent.length > 0 || thread.own.length > 0 || thread.pinnedCount > 0;
      if (!used && thread.idleSince <= before) this.#dispatcher.dropIdle(thread);
    }
    if (this.#dispatcher.threads.length > this.#keep) this.later();
  }

  stop(): void {
    if (this.#timer !== null) stopTimer(this.#timer);
    this.#timer = null;
  }
}

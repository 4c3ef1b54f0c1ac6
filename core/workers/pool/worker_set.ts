/** The workers of a pool: starts them, as far as there may be more, and ends them. */
import { withinContext } from "../../host/async_context.ts";
import { WorkerError } from "../errors.ts";
import type { WorkerHost } from "./host_worker.ts";
import { StartBackoff } from "./start_backoff.ts";
import type { TaskWorker } from "./task.ts";
import { type WorkerEvents, WorkerHandle } from "./worker_handle.ts";

/** The pool of a {@linkcode WorkerSet}. */
export interface WorkerSetOwner extends WorkerEvents {
  /** A worker is about to be started. Returns its name. */
  starting(): string;
  /** A worker was started. */
  started(worker: WorkerHandle): void;
  /** A worker could not be created. */
  startFailed(error: unknown): void;
  /** Workers may be started again. */
  flush(): void;
}

/** See the head of this file. */
export class WorkerSet {
  /** Those that have not ended, in the order in which they were started. */
  list: WorkerHandle[] = [];
  readonly backoff: StartBackoff;
  readonly #owner: WorkerSetOwner;
  readonly #host: WorkerHost;
  readonly #size: number;
  // The worker that was started last.
  #newest: WorkerHandle | null = null;
  #stopping: Promise<void>[] = [];

  /** There are at most `size` workers. */
  constructor(owner: WorkerSetOwner, host: WorkerHost, size: number) {
    this.#owner = owner;
    this.#host = host;
    this.#size = size;
    this.backoff = new StartBackoff(() => owner.flush());
  }

  /** Whether there are as many as there may be. */
  get full(): boolean {
    return this.list.length >= this.#size;
  }

  /** Whether one more may be started now. */
  get mayStart(): boolean {
    return !this.full && this.backoff.allowed;
  }

  /** Starts a worker; `null` if there may be no more now, or it cannot be created. */
  start(): WorkerHandle | null {
    if (!this.mayStart) return null;
    const name = this.#owner.starting();
    let worker: WorkerHandle;
    try {
      worker = withinContext(undefined, () => new WorkerHandle(this.#host, name, this.#owner));
    } catch (error) {
      this.#owner.startFailed(error);
      return null;
    }
    this.list.push(worker);
    this.#newest = worker;
    this.#owner.started(worker);
    return worker;
  }

  /** The worker with the fewest pins, with one more. Throws if none can be started. */
  pin(): WorkerHandle {
    let best: WorkerHandle | null = null;
    for (const worker of this.list) if (best === null || worker.pinCount < best.pinCount) best = worker;
    if (best === null || best.pinCount > 0) best = this.start() ?? best;
    if (best === null) throw new WorkerError("No worker can be started", { cause: this.backoff.reason });
    best.pinCount++;
    return best;
  }

  /** If the worker that was started last is ready, starts succeed again. */
  noteReady(worker: WorkerHandle): void {
    if (this.backoff.failures > 0 && worker === this.#newest && worker.started) this.backoff.reset();
  }

  /** Ends a worker. */
  remove(worker: TaskWorker): void {
    this.list = this.list.filter((other) => other !== worker);
    const stopping = worker.stop();
    this.#stopping.push(stopping);
    stopping.finally(() => this.#stopping = this.#stopping.filter((other) => other !== stopping));
  }

  /** Resolves when all removed workers have ended. */
  async allStopped(): Promise<void> {
    await Promise.all(this.#stopping);
  }

  /** Sets whether the workers, and the pause before the next start, keep the process alive. */
  keepAlive(alive: boolean): void {
    for (const worker of this.list) worker.keepAlive(alive);
    this.backoff.keepAlive(alive);
  }
}

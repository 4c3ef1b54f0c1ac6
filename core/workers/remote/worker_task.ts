import type { CODE, WORD } from "./protocol.ts";

/**
 * The `this` of a task, unless it is an arrow function.
 *
 * @example
 * ```ts
 * import { run, WorkerPool, type WorkerTask } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * using pool = new WorkerPool(1);
 * const seen: unknown[] = [];
 * const sum = await run(function* () {
 *   return yield* pool.asyncTaskWith({ onProgress: (n) => seen.push(n) }, function (this: WorkerTask, n: number) {
 *     let sum = 0;
 *     for (let i = 1; i <= n && !this.cancelled; i++) {
 *       sum += i;
 *       this.progress(i);
 *     }
 *     return sum;
 *   }, 3);
 * });
 * assertEquals([sum, seen], [6, [1, 2, 3]]);
 * ```
 */
export interface WorkerTask {
  /** Whether the task is asked to stop. A long loop should check it from time to time. */
  readonly cancelled: boolean;
  /** Aborted when the task is asked to stop, as soon as the task returns to its event loop. */
  readonly signal: AbortSignal;
  /** Throws an `AbortError` if the task is asked to stop. */
  throwIfCancelled(): void;
  /**
   * Sends a value to the listener `onProgress`. It is copied by structured clone.
   *
   * @param value The value.
   * @throws {DOMException} A `DataCloneError`, if it cannot be cloned.
   */
  progress(value: unknown): void;
  /**
   * Sets the objects that are moved, not copied, with the next value that the task sends: a result, an item or
   * progress.
   *
   * @param value Returned as it is.
   * @param transfer Array buffers and other transferable objects in it.
   */
  transfer<T>(value: T, transfer: readonly Transferable[]): T;
}

/** The loop that runs a task. */
export interface TaskHost {
  readonly control: Int32Array;
  send(task: TaskContext, code: number, value: unknown): void;
  watchCancel(): void;
}

/** The `this` of a task. Sent to the worker as source, as its loop is. */
export class TaskContext implements WorkerTask {
  readonly id: number;
  /** Whether it has settled: it sends no more. */
  ended = false;
  /** The objects that are moved with the next value it sends. */
  moving: Transferable[] = [];
  readonly #host: TaskHost;
  readonly #words: typeof WORD;
  readonly #codes: typeof CODE;
  #controller: AbortController | null = null;

  constructor(id: number, host: TaskHost, words: typeof WORD, codes: typeof CODE) {
    this.id = id;
    this.#host = host;
    this.#words = words;
    this.#codes = codes;
  }

  get cancelled(): boolean {
    return Atomics.load(this.#host.control, this.#words.CANCEL) === this.id;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      this.abortIfCancelled();
      this.#host.watchCancel();
    }
    return this.#controller.signal;
  }

  throwIfCancelled(): void {
    if (this.cancelled) throw new DOMException("The task was cancelled", "AbortError");
  }

  progress(value: unknown): void {
    if (!this.ended) this.#host.send(this, this.#codes.PROGRESS, value);
  }

  transfer<T>(value: T, transfer: readonly Transferable[]): T {
    this.moving.push(...transfer);
    return value;
  }

  /** The word that asks a task to stop has changed. Returns `false` if it must still be watched. */
  abortIfCancelled(): boolean {
    if (this.#controller === null) return true;
    if (!this.cancelled) return false;
    this.#controller.abort(new DOMException("The task was cancelled", "AbortError"));
    return true;
  }
}

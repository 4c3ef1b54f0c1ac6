import { limitSeconds } from "../base/limit.ts";
import type { Operation } from "../fiber/operation.ts";
import { coreCount } from "../host/worker_threads.ts";
import { Dispatcher } from "./pool/dispatcher.ts";
import { workerHost } from "./pool/host_worker.ts";
import { terminatedError } from "./pool/pool_errors.ts";
import { dispatcherPlan, type WorkerPoolOptions } from "./pool/pool_options.ts";
import { type ModuleTarget, Targets, type TaskFunction } from "./pool/targets.ts";
import type { WorkerHandle } from "./pool/worker_handle.ts";
import type { ResultStream } from "./tasks/result_stream.ts";
import { type TaskCall, TaskOperation } from "./tasks/task_operation.ts";
import { progressSink, type TaskOptions, taskPlan, taskSignal } from "./tasks/task_options.ts";
import { promiseOf } from "./tasks/task_promise.ts";
import { TaskStream } from "./tasks/task_stream.ts";
import { checkMap, type MapOptions, WorkerMap } from "./tasks/worker_map.ts";

/** The workers and tasks of a pool at one moment. */
export interface WorkerPoolStats {
  /** Workers at the most. */
  readonly size: number;
  /** Workers that exist. */
  readonly workers: number;
  /** Of these, those without a task. */
  readonly idle: number;
  /** Tasks that are not settled: blocked, queued or given to workers. */
  readonly pending: number;
  /** Tasks that wait for room in the queue. */
  readonly blocked: number;
  /** Tasks in the queue. */
  readonly queued: number;
  /** Tasks that were given to workers, or that wait for the only worker that may run them; not all of them have begun. */
  readonly running: number;
  /** Tasks so far. */
  readonly submitted: number;
  /** Of these, those with a result. */
  readonly completed: number;
  /** Of these, those that failed. */
  readonly failed: number;
  /** Of these, those that were cancelled. */
  readonly cancelled: number;
  /** Workers started so far. */
  readonly started: number;
  /** Of these, those that ended by themselves. */
  readonly crashed: number;
  /** Of these, those that were replaced because a cancelled task did not stop. */
  readonly replaced: number;
}

/**
 * Workers (threads) that run functions which block or compute, while coroutines go on. Its name in asyncoro is
 * `AsyncThreadPool`, which is exported as an alias.
 *
 * Workers are started when they are needed. A task is a self-contained function, whose source is sent, or a function
 * of a module. Arguments and results are copied by structured clone, or moved. A worker runs one task at a time.
 *
 * If a coroutine is terminated or times out, its task is cancelled. A task that has not begun is dropped. A task that
 * has begun is asked to stop (`this.cancelled`, `this.signal`); if it does not within the grace, its worker is
 * replaced. If a worker crashes, the task that it ran fails with `WorkerError`, and the worker is replaced. Every task
 * settles.
 *
 * An idle pool does not keep the process alive, so a program that ends anyway need not call `terminate()`.
 *
 * @example
 * ```ts
 * import { run, WorkerPool } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * using pool = new WorkerPool(2);
 * const sum = await run(function* () {
 *   return yield* pool.asyncTask((n: number) => {
 *     let sum = 0;
 *     for (let i = 1; i <= n; i++) sum += i;
 *     return sum;
 *   }, 1_000_000);
 * });
 * assertEquals(sum, 500_000_500_000);
 * ```
 */
export class WorkerPool {
  /** Its name. */
  readonly name: string;
  /** Workers at the most. */
  readonly size: number;
  readonly #dispatcher: Dispatcher;
  readonly #targets: Targets;

  /**
   * Creates a pool. No worker is started yet.
   *
   * @param size Workers at the most; the number of cores by default.
   * @param options See {@linkcode WorkerPoolOptions}.
   * @throws {RangeError} If `size`, `min` or `queueLimit` is not an integer in its range.
   * @throws {TypeError} If an option is of the wrong type.
   * @throws {UnsupportedError} If the runtime has no workers, or none that take `permissions`.
   */
  constructor(size: number = coreCount(), options: WorkerPoolOptions = {}) {
    const plan = dispatcherPlan(size, options);
    this.size = plan.size;
    this.name = plan.name;
    this.#dispatcher = new Dispatcher(plan, workerHost(options.permissions));
    this.#targets = new Targets((id) => this.#dispatcher.forget(id));
  }

  /** Its name. */
  toString(): string {
    return this.name;
  }

  /**
   * Runs a task and waits for its result. If the wait is cut short, the task is cancelled.
   *
   * @param target A self-contained function, or `{ module, name }`.
   * @param args Its arguments, which are copied by this call.
   * @returns Its return value, awaited in the worker.
   * @throws {TypeError} If `target` is neither.
   * @throws {DOMException} A `DataCloneError`, if an argument cannot be sent.
   * @throws {WorkerError} If the pool has been terminated; at the yield, if the task fails or its worker ends.
   */
  // deno-lint-ignore no-explicit-any -- inferred from the function
  asyncTask<A extends readonly any[], R>(target: TaskFunction<A, R>, ...args: A): Operation<TaskResult<R>>;
  /** The same for a function of a module. */
  asyncTask<R = unknown>(target: ModuleTarget, ...args: unknown[]): Operation<R>;
  asyncTask(target: unknown, ...args: unknown[]): Operation<unknown> {
    return new TaskOperation(this.#dispatcher, this.#call({}, target, args));
  }

  /**
   * Runs a task as {@linkcode WorkerPool.asyncTask} does, with options.
   *
   * @param options See {@linkcode TaskOptions}.
   * @param target A self-contained function, or `{ module, name }`.
   * @param args Its arguments.
   * @throws {TypeError} If `target` or an option is wrong.
   * @throws {RangeError} If the priority is not an integer from 0 to 7.
   * @throws {TimeoutError} At the yield, if it is not done in time.
   * @throws {WorkerError} As for `asyncTask`.
   */
  // deno-lint-ignore no-explicit-any -- inferred from the function
  asyncTaskWith<A extends readonly any[], R>(
    options: TaskOptions,
    target: TaskFunction<A, R>,
    ...args: A
  ): Operation<TaskResult<R>>;
  /** The same for a function of a module. */
  asyncTaskWith<R = unknown>(options: TaskOptions, target: ModuleTarget, ...args: unknown[]): Operation<R>;
  asyncTaskWith(options: TaskOptions, target: unknown, ...args: unknown[]): Operation<unknown> {
    return new TaskOperation(this.#dispatcher, this.#call(options, target, args));
  }

  /**
   * Runs a task for async code.
   *
   * @param target A self-contained function, or `{ module, name }`.
   * @param args Its arguments, which are copied by this call.
   * @returns A promise of its result.
   * @throws {TypeError} At once, if `target` is neither.
   * @throws {DOMException} At once, a `DataCloneError`, if an argument cannot be sent.
   * @throws {WorkerError} At once, if the pool has been terminated.
   */
  // deno-lint-ignore no-explicit-any -- inferred from the function
  run<A extends readonly any[], R>(target: TaskFunction<A, R>, ...args: A): Promise<TaskResult<R>>;
  /** The same for a function of a module. */
  run<R = unknown>(target: ModuleTarget, ...args: unknown[]): Promise<R>;
  run(target: unknown, ...args: unknown[]): Promise<unknown> {
    return promiseOf(this.#dispatcher, this.#call({}, target, args));
  }

  /**
   * Runs a task for async code, with options.
   *
   * @param options See {@linkcode TaskOptions}.
   * @param target A self-contained function, or `{ module, name }`.
   * @param args Its arguments.
   * @throws {TypeError} At once, if `target` or an option is wrong.
   * @throws {RangeError} At once, if the priority is not an integer from 0 to 7.
   * @throws {WorkerError} At once, if the pool has been terminated.
   */
  // deno-lint-ignore no-explicit-any -- inferred from the function
  runWith<A extends readonly any[], R>(
    options: TaskOptions,
    target: TaskFunction<A, R>,
    ...args: A
  ): Promise<TaskResult<R>>;
  /** The same for a function of a module. */
  runWith<R = unknown>(options: TaskOptions, target: ModuleTarget, ...args: unknown[]): Promise<R>;
  runWith(options: TaskOptions, target: unknown, ...args: unknown[]): Promise<unknown> {
    return promiseOf(this.#dispatcher, this.#call(options, target, args));
  }

  /**
   * Runs a generator function in a worker. The items that it yields are the results of the stream.
   *
   * The generator begins at the first read, and is at most 64 items ahead of the reader.
   *
   * @param target A self-contained generator function (async ones too), or `{ module, name }` of one.
   * @param args Its arguments, which are copied by this call.
   * @throws {TypeError} If `target` is neither.
   * @throws {WorkerError} If the pool has been terminated.
   */
  // deno-lint-ignore no-explicit-any -- inferred from the function
  stream<A extends readonly any[], T, R>(
    // deno-lint-ignore no-explicit-any -- the type of the values sent to a generator does not matter
    target: TaskFunction<A, Generator<T, R, any> | AsyncGenerator<T, R, any>>,
    ...args: A
  ): ResultStream<T, R>;
  /** The same for a function of a module. */
  stream<T = unknown, R = unknown>(target: ModuleTarget, ...args: unknown[]): ResultStream<T, R>;
  stream(target: unknown, ...args: unknown[]): ResultStream<unknown, unknown> {
    const { target: known, plan } = this.#call({}, target, args, true);
    return new TaskStream(this.#dispatcher, known, args, plan);
  }

  /**
   * Runs the same task for each of many items, on all workers.
   *
   * `yield*` returns an array of all results; `stream()` returns them as they arrive. Items are taken from the iterable
   * when there is room for them. The first failure cancels the rest.
   *
   * @param items The items, in any iterable.
   * @param target Called with an item and its index: a self-contained function, or `{ module, name }`.
   * @param options See {@linkcode MapOptions}.
   * @throws {TypeError} If `items` is not iterable, or `target` or an option is wrong.
   * @throws {RangeError} If `concurrency` or `priority` is out of its range.
   * @throws {WorkerError} If the pool has been terminated; at the yield, if a task fails.
   */
  map<T, R>(
    items: Iterable<T>,
    target: TaskFunction<[item: T, index: number], R>,
    options?: MapOptions,
  ): WorkerMap<TaskResult<R>>;
  /** The same for a function of a module. */
  map<R = unknown>(items: Iterable<unknown>, target: ModuleTarget, options?: MapOptions): WorkerMap<R>;
  map(items: Iterable<unknown>, target: unknown, options: MapOptions = {}): WorkerMap<unknown> {
    const checked = checkMap(items, options, 16 * this.size);
    const { target: known, plan } = this.#call({ priority: options.priority }, target, []);
    const { onProgress } = options;
    return new WorkerMap({ dispatcher: this.#dispatcher, items, target: known, task: plan, onProgress, ...checked });
  }

  #call(options: TaskOptions, target: unknown, args: readonly unknown[], stream = false): TaskCall {
    this.#mustBeOpen();
    const known = this.#targets.of(target);
    return {
      target: known,
      args,
      plan: taskPlan(options, stream),
      timeoutSeconds: limitSeconds(options.timeout, "run a task"),
      signal: taskSignal(options),
      progressSink: progressSink(options.onProgress),
      inheritsPriority: options.priority === undefined,
    };
  }

  #mustBeOpen(): void {
    if (this.#dispatcher.closed) throw terminatedError(this.name);
  }

  /** @internal A worker in which the caller keeps state. */
  pin(): WorkerHandle {
    this.#mustBeOpen();
    return this.#dispatcher.pin();
  }

  /** @internal Runs a task in that worker; `Kind` is the operation that waits for it. */
  taskIn<T extends TaskOperation<unknown>>(
    worker: WorkerHandle,
    target: unknown,
    args: readonly unknown[],
    Kind: new (dispatcher: Dispatcher, call: TaskCall) => T,
  ): T {
    const call = this.#call({}, target, args);
    return new Kind(this.#dispatcher, { ...call, plan: { ...call.plan, worker } });
  }

  /** @internal Runs a task in that worker, for code that is not a coroutine. */
  runIn(worker: WorkerHandle, target: unknown, args: readonly unknown[], keepsAlive: boolean): Promise<unknown> {
    const call = this.#call({}, target, args);
    return promiseOf(this.#dispatcher, { ...call, plan: { ...call.plan, worker } }, keepsAlive);
  }

  /**
   * Waits until every task has settled. More tasks may be run afterwards.
   *
   * @returns A promise; in a coroutine use `yield* until(pool.join())`.
   */
  join(): Promise<void> {
    return this.#dispatcher.join();
  }

  /**
   * Ends the workers. Tasks that have not settled fail with `WorkerError`, and the pool takes no more tasks.
   *
   * Deno cannot end the thread of a worker in an endless loop: it runs until the process ends, but does not keep the
   * process alive. Use the `limit` option for code that may loop.
   *
   * @returns A promise, resolved when all workers have ended.
   */
  terminate(): Promise<void> {
    return this.#dispatcher.terminate();
  }

  /** Its workers and tasks at this moment, and how many there were so far. */
  statistics(): WorkerPoolStats {
    const { workers, counts, queue, blocked, pending } = this.#dispatcher;
    return {
      size: this.size,
      workers: workers.length,
      idle: workers.filter((worker) => worker.sent.length === 0).length,
      pending,
      blocked: blocked.length,
      queued: queue.length,
      running: workers.reduce((sum, worker) => sum + worker.sent.length + worker.pinnedTasks.length, 0),
      ...counts,
    };
  }

  /** The same as {@linkcode WorkerPool.statistics}. */
  stats(): WorkerPoolStats {
    return this.statistics();
  }

  /** The same as {@linkcode WorkerPool.terminate}, without waiting for it. */
  [Symbol.dispose](): void {
    this.#dispatcher.terminate();
  }

  /** The same as {@linkcode WorkerPool.terminate}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispatcher.terminate();
  }
}

/** The result of a task: the value of a promise, the return value of a generator. */
// deno-lint-ignore no-explicit-any -- generators of every kind
export type TaskResult<R> = R extends Generator<any, infer T, any> | AsyncGenerator<any, infer T, any> ? T : Awaited<R>;

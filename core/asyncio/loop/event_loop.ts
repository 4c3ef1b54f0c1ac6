import { describe } from "../../base/describe.ts";
import { Coro } from "../../coroutine/coro.ts";
import { withinContext } from "../../host/async_context.ts";
import { printUncaught } from "../../base/error_report.ts";
import { Timer } from "../../fiber/timer.ts";
import { Scheduler } from "../../coroutine/scheduler.ts";
import { isGeneratorFunction } from "../../base/generator.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import type { ModuleTarget, TaskFunction } from "../../workers/pool/targets.ts";
import { type TaskResult, WorkerPool } from "../../workers/worker_pool.ts";
import { CallbackQueue } from "./callback_queue.ts";
import type { Awaitable, Coroutine } from "./coroutine.ts";
import { ensureFuture } from "./ensure_future.ts";
import { type ExceptionContext, printContext } from "./exception_context.ts";
import { Future, type FutureOptions } from "./future.ts";
import { type Callback, Handle, TimerHandle } from "./handle.ts";
import { type EventLoopOptions, IterationLoop } from "./iteration_loop.ts";
import {
  LOOP_LEVEL,
  type LoopServices,
  type PendingReport,
  type QueuedCallback,
  type TimedCallback,
} from "./loop_services.ts";
import { allTasks } from "./tasks.ts";
import { Task, type TaskOptions } from "./task.ts";

/** Handles the errors that no other code handles. */
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;

/** The promise of a run. */
interface Run {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * An event loop: runs callbacks and coroutines from one queue, in the order in which they became ready.
 *
 * It is a scheduler that runs only inside `run`, `runForever` and `runUntilComplete`, which return promises, as a
 * JavaScript host cannot block. Several loops may run interleaved.
 *
 * @example
 * ```ts
 * import { newEventLoop } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const loop = newEventLoop();
 * const log: string[] = [];
 * loop.callSoon(() => log.push("soon"));
 * loop.callLater(0.01, () => {
 *   log.push("later");
 *   loop.stop();
 * });
 * await loop.runForever();
 * loop.close();
 * assertEquals(log, ["soon", "later"]);
 * ```
 */
export class EventLoop implements LoopServices {
  /** The scheduler that runs its coroutines: for `dump()`, `stats()`, and coroutines that are not tasks. */
  readonly scheduler: Scheduler;
  /** In debug mode, a callback or a step of a task that takes so many seconds causes a warning; 0.1 by default. */
  slowCallbackDuration = 0.1;
  /** @internal Errors of its futures that were not retrieved so far. */
  readonly unretrieved: Set<PendingReport> = new Set();
  readonly #runLoop: IterationLoop<EventLoop>;
  readonly #callbacks: CallbackQueue;
  // The options of its futures and tasks, made once.
  readonly #loopOption: FutureOptions = { loop: this };
  #run: Run | null = null;
  #closed = false;
  #handler: ExceptionHandler | null = null;
  #executor: WorkerPool | null = null;

  /**
   * Makes an event loop, which does not run yet.
   *
   * @param options See {@linkcode EventLoopOptions}.
   */
  constructor(options: EventLoopOptions = {}) {
    this.#runLoop = new IterationLoop(this, options);
    this.scheduler = new Scheduler({ name: options.name ?? "event loop" }, this.#runLoop);
    this.#callbacks = new CallbackQueue(this.#runLoop);
    this.scheduler.onError = (exception, coro) =>
      this.callExceptionHandler({ message: `Uncaught error in coroutine ${coro}`, exception, coro });
  }

  // --- running ------------------------------------------------------------------------------------------------

  /**
   * Runs until `stop()` is called.
   *
   * @returns A promise; rejected with `DeadlockError` if nothing can become ready any more.
   * @throws {Error} As a rejection, if it runs already or is closed.
   */
  async runForever(): Promise<void> {
    this.mustBeOpen("run");
    if (this.isRunning()) throw new Error("Cannot run this event loop as it is running already");
    await new Promise<void>((resolve, reject) => {
      this.#run = { resolve, reject };
      this.#runLoop.start();
    });
  }

  /**
   * Runs until a future is done.
   *
   * @param awaitable The future, or anything that can be awaited: of a coroutine, a task is made.
   * @returns A promise of its result; rejected with its error, or with `DeadlockError` if nothing can become ready any
   * more.
   * @throws {Error} As a rejection, if the loop runs already, is closed, or is stopped before the future is done.
   */
  async runUntilComplete<T>(awaitable: Awaitable<T>): Promise<T> {
    this.mustBeOpen("run");
    if (this.isRunning()) throw new Error("Cannot run this event loop as it is running already");
    const future = ensureFuture(awaitable, { loop: this });
    const stop = () => this.stop();
    future.addDoneCallback(stop);
    try {
      await this.runForever();
    } catch (error) {
      if (future.done() && !future.cancelled()) future.markRetrieved();
      throw error;
    } finally {
      future.removeDoneCallback(stop);
    }
    if (!future.done()) throw new Error(`Event loop stopped before ${future} was done`);
    return future.result();
  }

  /**
   * Stops it at the end of the current iteration: everything that was ready when the iteration began still runs, and
   * whatever has become ready since runs in the next run. Called while the loop is stopped, it limits the next run to
   * one iteration.
   */
  stop(): void {
    this.#runLoop.stopAfterIteration();
  }

  /** Whether it runs. */
  isRunning(): boolean {
    return this.#run !== null;
  }

  /** Whether it is closed. */
  isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Closes it for good; calling it again has no effect. Errors that were never retrieved and tasks that have not ended
   * are reported to its exception handler. Its own executor is terminated.
   *
   * @throws {Error} If it runs.
   */
  close(): void {
    if (this.isRunning()) throw new Error("Cannot close this event loop as it is running: call stop() first");
    if (this.#closed) return;
    for (const error of [...this.unretrieved]) error.report();
    for (const task of allTasks(this)) {
      const message = `Event loop closed while ${task} was pending: it never goes on`;
      withinContext(task.getCoro().hostContext, () => this.callExceptionHandler({ message, task }));
    }
    this.#closed = true;
    this.#executor?.terminate();
    this.#callbacks.dispose();
    this.#runLoop.dispose();
  }

  /** @internal The scheduler has stopped: on request (`null`), or with an error. */
  runEnded(error: Error | null): void {
    const run = this.#run;
    this.#run = null;
    if (error === null) run?.resolve();
    else run?.reject(error);
  }

  /** @internal Throws if it is closed. */
  mustBeOpen(action: string): void {
    if (this.#closed) throw new Error(`Cannot ${action} as the event loop is closed: newEventLoop() makes another`);
  }

  // --- callbacks ----------------------------------------------------------------------------------------------

  /**
   * Has a function called in the next iteration, in the order of these calls. Like all callbacks of the loop, it runs in
   * the asynchronous context of the host in which it was registered.
   *
   * @param callback The function. An error that it throws goes to the exception handler.
   * @param args Its arguments.
   * @throws {TypeError} If `callback` is not a function, or a coroutine function.
   * @throws {Error} If the loop is closed.
   */
  // deno-lint-ignore no-explicit-any -- ties the arguments to the parameters
  callSoon<A extends readonly any[]>(callback: (...args: A) => unknown, ...args: A): Handle {
    if (this.#closed) this.mustBeOpen("call soon");
    checkCallback(callback, "call soon");
    const handle = new Handle(this, callback as Callback, args);
    this.#callbacks.push(handle);
    return handle;
  }

  /** @internal Adds a callback to the next iteration, unless the loop is closed. */
  enqueue(callback: QueuedCallback): void {
    if (!this.#closed) this.#callbacks.push(callback);
  }

  /** The same as {@linkcode EventLoop.callSoon}, as a JavaScript program has one thread. */
  // deno-lint-ignore no-explicit-any -- as above
  callSoonThreadsafe<A extends readonly any[]>(callback: (...args: A) => unknown, ...args: A): Handle {
    return this.callSoon(callback, ...args);
  }

  /**
   * Has a function called after some time.
   *
   * @param delay Seconds, or a duration; zero or less means the next iteration.
   * @param callback The function. An error that it throws goes to the exception handler.
   * @param args Its arguments.
   * @throws {TypeError} If `delay` is not a valid duration, or `callback` not a function, or a coroutine function.
   * @throws {Error} If the loop is closed.
   */
  // deno-lint-ignore no-explicit-any -- ties the arguments to the parameters
  callLater<A extends readonly any[]>(
    delay: NonNullable<Timeout>,
    callback: (...args: A) => unknown,
    ...args: A
  ): TimerHandle {
    if (delay === null || delay === undefined) {
      throw new TypeError(`Cannot call later as 'delay' must be a time: current value is ${delay}`);
    }
    const now = this.time();
    return this.#callAt(now + toSeconds(delay, "call later", "delay"), now, callback as Callback, args);
  }

  /**
   * Has a function called at a time.
   *
   * @param when The time, in seconds, by the clock of {@linkcode EventLoop.time}; a time that has passed means the next
   * iteration.
   * @param callback The function. An error that it throws goes to the exception handler.
   * @param args Its arguments.
   * @throws {TypeError} If `when` is not a number, or `callback` not a function, or a coroutine function.
   * @throws {Error} If the loop is closed.
   */
  // deno-lint-ignore no-explicit-any -- ties the arguments to the parameters
  callAt<A extends readonly any[]>(when: number, callback: (...args: A) => unknown, ...args: A): TimerHandle {
    if (typeof when !== "number" || Number.isNaN(when)) {
      throw new TypeError(
        `Cannot call at a time as 'when' must be a number of seconds: current value is ${describe(when)}`,
      );
    }
    return this.#callAt(when, this.time(), callback as Callback, args);
  }

  #callAt(when: number, now: number, callback: Callback, args: readonly unknown[]): TimerHandle {
    this.mustBeOpen("call later");
    checkCallback(callback, "call later");
    const handle = new TimerHandle(this, when, callback, args);
    if (when > now || !this.#runLoop.callNext(handle)) this.arm(handle);
    return handle;
  }

  /** @internal Sets a timer for a callback. */
  arm(callback: TimedCallback): void {
    const call = () => this.#callbacks.within(() => callback.run());
    callback.armed(new Timer(this.#runLoop, LOOP_LEVEL, 0, call, callback.when()));
  }

  /** The time, in seconds since an arbitrary moment: it never goes backwards. The same as `scheduler.now()`. */
  time(): number {
    return this.#runLoop.now();
  }

  // --- futures and tasks --------------------------------------------------------------------------------------

  /** Makes a future of this loop. */
  createFuture<T = unknown>(): Future<T> {
    return new Future<T>(this.#loopOption);
  }

  /**
   * Makes a task of a coroutine; its first step is in the next iteration.
   *
   * @param coroutine A generator function (called with its `Coro`), a generator object or an operation.
   * @param options See {@linkcode TaskOptions}.
   * @throws {TypeError} If `coroutine` is not a coroutine.
   * @throws {Error} If the loop is closed.
   */
  createTask<T>(coroutine: Coroutine<T>, options?: TaskOptions): Task<T> {
    return new Task<T>(coroutine, options === undefined ? this.#loopOption : { ...options, loop: this });
  }

  /**
   * Runs a function in a worker, while the loop goes on.
   *
   * @param executor A worker pool; `null` means the pool of the loop itself, which is made when it is first used.
   * @param target A self-contained function, whose source is sent, or `{ module, name }`.
   * @param args Its arguments, which are copied.
   * @returns A future of its result. Cancelling it cancels the task in the worker.
   * @throws {TypeError} If `executor` is neither a worker pool nor `null`.
   * @throws {Error} If the loop is closed.
   */
  // deno-lint-ignore no-explicit-any -- as in WorkerPool.asyncTask
  runInExecutor<A extends readonly any[], R>(
    executor: WorkerPool | null,
    target: TaskFunction<A, R>,
    ...args: A
  ): Future<TaskResult<R>>;
  /** The same with a function of a module. */
  runInExecutor<R = unknown>(executor: WorkerPool | null, target: ModuleTarget, ...args: unknown[]): Future<R>;
  runInExecutor(executor: WorkerPool | null, target: unknown, ...args: unknown[]): Future {
    this.mustBeOpen("run in an executor");
    if (executor !== null && !(executor instanceof WorkerPool)) {
      throw new TypeError(
        `Cannot run in an executor as it must be a WorkerPool or null: current value is ${describe(executor)}`,
      );
    }
    const pool = executor ?? (this.#executor ??= new WorkerPool(undefined, { name: "executor" }));
    return this.createTask(pool.asyncTask(target as ModuleTarget, ...args));
  }

  /** Waits until the tasks of the loop's own executor are done, and terminates it. */
  async shutdownDefaultExecutor(): Promise<void> {
    const executor = this.#executor;
    this.#executor = null;
    if (executor === null) return;
    await executor.join();
    await executor.terminate();
  }

  // --- errors and debugging -----------------------------------------------------------------------------------

  /**
   * Sets the handler for errors that no other code handles.
   *
   * @param handler Called with the loop and the context of the error; `null` is the default handler, which prints it on
   * stderr.
   * @throws {TypeError} If `handler` is neither a function nor `null`.
   */
  setExceptionHandler(handler: ExceptionHandler | null): void {
    if (handler !== null && typeof handler !== "function") {
      throw new TypeError(
        `Cannot set the exception handler as it must be a function or null: current value is ${describe(handler)}`,
      );
    }
    this.#handler = handler;
  }

  /** The handler for errors that no other code handles; `null` for the default one. */
  getExceptionHandler(): ExceptionHandler | null {
    return this.#handler;
  }

  /**
   * Passes an error to the exception handler. If the handler throws, both errors go to the default handler.
   *
   * @param context The error, and where it comes from.
   */
  callExceptionHandler(context: ExceptionContext): void {
    if (this.#handler === null) return this.#callDefaultHandler(context);
    try {
      this.#handler(this, context);
    } catch (exception) {
      this.#callDefaultHandler(context);
      this.#callDefaultHandler({ message: "Unhandled error in exception handler", exception, context });
    }
  }

  // A subclass may override the default handler, and the loop must go on even if that throws.
  #callDefaultHandler(context: ExceptionContext): void {
    try {
      this.defaultExceptionHandler(context);
    } catch (exception) {
      printContext(context);
      printContext({ message: "Unhandled error in default exception handler", exception });
    }
  }

  /**
   * Prints an error on stderr.
   *
   * @param context The error, and where it comes from.
   */
  defaultExceptionHandler(context: ExceptionContext): void {
    if (context.coro instanceof Coro) printUncaught(context.exception, context.coro);
    else printContext(context);
  }

  /**
   * Switches debug mode on or off. In debug mode, a callback, or a step of a task made in debug mode, that takes longer
   * than `slowCallbackDuration` causes a warning on stderr, and operations that are never yielded are reported to the
   * exception handler.
   *
   * @param enabled Whether it is on.
   */
  setDebug(enabled: boolean): void {
    this.#runLoop.debug = enabled;
  }

  /** Whether debug mode is on. */
  getDebug(): boolean {
    return this.#runLoop.debug;
  }

  /** @internal Runs a step and warns if it takes long. */
  timeStep(label: string, step: () => void): void {
    const start = performance.now();
    step();
    const seconds = (performance.now() - start) / 1000;
    if (seconds >= this.slowCallbackDuration) console.warn(`Executing ${label} took ${seconds.toFixed(3)} seconds`);
  }

  /** Text for messages. */
  toString(): string {
    return `${this.#closed ? "closed" : this.isRunning() ? "running" : "idle"} ${this.scheduler.name}`;
  }

  /** @internal Text for `console.log` in Deno and Node.js. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `EventLoop (${this})`;
  }
}

function checkCallback(callback: unknown, action: string): void {
  if (typeof callback === "function" && !isGeneratorFunction(callback)) return;
  const hint = typeof callback === "function" ? ", make a task of it with createTask()" : "";
  throw new TypeError(
    `Cannot ${action} as 'callback' must be a plain function: current value is ${describe(callback)}${hint}`,
  );
}

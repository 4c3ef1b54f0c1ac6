import type { Coro, CoroFunction } from "../../coroutine/coro.ts";
import { describe, isError, isInstance } from "../../base/describe.ts";
import { UNLINKED } from "../../fiber/completion_waiter.ts";
import { Operation } from "../../fiber/operation.ts";
import { type Named, setNextSpawn } from "../../coroutine/spawn_options.ts";
import type { Ending } from "../../fiber/fiber.ts";
import { canWithdraw, isToThrow, throwAtStep, withdrawThrow } from "../../fiber/withdrawable_error.ts";
import { type Body, isGenerator } from "../../base/generator.ts";
import { asBody } from "../../operations/as_body.ts";
import { discard, takeOver } from "../../operations/taken_over.ts";
import { type Coroutine, isCoroutineFunction } from "./coroutine.ts";
import { CancelledError, checkMessage } from "../errors.ts";
import type { AwaitedFuture } from "./awaited_future.ts";
import { Cancellation } from "./cancellation.ts";
import type { EventLoop } from "./event_loop.ts";
import { Future, type FutureOptions } from "./future.ts";
import { awaitedFuture, gotCancellation } from "./future_wait.ts";
import { LOOP_LEVEL } from "./loop_services.ts";
import { TaskCoro, type TaskOfCoro, WatchedTaskCoro } from "./task_coro.ts";

/** Options of a {@linkcode Task}. */
export interface TaskOptions {
  /** Its name, converted with `String()`; `Task-1`, `Task-2` and so on by default, and for `null`. */
  readonly name?: unknown;
  /** Cancels the task when it is aborted. */
  readonly signal?: AbortSignal;
}

// As in CPython, all loops share one counter.
let count = 0;

/**
 * A coroutine that runs on an event loop, and the future of its result.
 *
 * It wraps a `Coro`, which `getCoro()` returns, with everything that coroutines can do, such as receiving messages. Its
 * result is what its function returns.
 *
 * Cancelling it throws a `CancelledError` in it, at the point where it waits, and cancels a future that it waits for.
 *
 * @example
 * ```ts
 * import { CancelledError, createTask, run, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * await run(function* () {
 *   const task = createTask(function* () {
 *     try {
 *       yield* sleep(3600);
 *     } finally {
 *       log.push("cleaned up");
 *     }
 *   });
 *   yield* sleep(0.01);
 *   task.cancel();
 *   try {
 *     yield* task;
 *   } catch (error) {
 *     if (error instanceof CancelledError) log.push("cancelled");
 *   }
 * });
 * assertEquals(log, ["cleaned up", "cancelled"]);
 * ```
 */
export class Task<T = unknown> extends Future<T> implements TaskOfCoro {
  readonly #coro: TaskCoro<T>;
  // The operation that it was made of; `null` if it was made of a generator or a function.
  readonly #work: Operation<T> | null;
  // A number stands for the default name with that number.
  #name: string | number;
  // `null` until it is needed, as few tasks are cancelled.
  #cancellation: Cancellation | null = null;

  /**
   * Makes a task, whose first step is in the next iteration of the event loop.
   *
   * @param coroutine A generator function (called with its `Coro`), a generator object or an operation.
   * @param options The loop, and see {@linkcode TaskOptions}.
   * @throws {TypeError} If `coroutine` is not a coroutine, or `String()` cannot convert `name`.
   * @throws {Error} If the loop is closed, or none is given and none is running.
   */
  constructor(coroutine: Coroutine<T>, { loop, name, signal }: TaskOptions & FutureOptions = {}) {
    super(loop === undefined ? undefined : { loop });
    this.loop.mustBeOpen("create a task");
    const target = isCoroutineFunction(coroutine) ? coroutine as CoroFunction<[], T> : targetOf<T>(coroutine);
    this.#work = coroutine instanceof Operation ? coroutine : null;
    const named = name !== undefined && name !== null;
    this.#name = named ? toName(name) : ++count;
    const nameSource = !named && target === coroutine ? undefined : this;
    this.#coro = spawn(this.loop, target, nameSource);
    this.#coro.task = this;
    if (this.#work !== null) takeOver(this.#work);
    if (signal !== undefined) this.#followSignal(signal);
  }

  #followSignal(signal: AbortSignal): void {
    const abort = (): void => void this.cancel(reasonOf(signal));
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    this.addWaiter({ ...UNLINKED, resolve: stop, reject: stop });
    function stop(): void {
      signal.removeEventListener("abort", abort);
    }
  }

  /** @internal */
  override get kind(): string {
    return "Task";
  }

  /** Its name. */
  getName(): string {
    return typeof this.#name === "string" ? this.#name : `Task-${this.#name}`;
  }

  /** @internal The same, for its coroutine. */
  get name(): string {
    return this.getName();
  }

  /**
   * Sets its name.
   *
   * @param name Converted with `String()`, so `null` becomes `"null"`.
   * @throws {TypeError} If `String()` cannot convert it, such as an object without a prototype.
   */
  setName(name: unknown): void {
    this.#name = toName(name);
  }

  /** The coroutine that it wraps. */
  getCoro(): Coro<T> {
    return this.#coro;
  }

  /** Always throws: the result of a task is that of its coroutine. */
  override setResult(_value: T): never {
    throw new Error(`Cannot set the result of ${this}: it is what its coroutine returns`);
  }

  /** Always throws: the error of a task is that of its coroutine. */
  override setException(_error: Error): never {
    throw new Error(`Cannot set the exception of ${this}: it is what its coroutine throws, or call cancel()`);
  }

  /** Text for messages. */
  override toString(): string {
    return `task '${this.getName()}'`;
  }

  // --- cancellation -------------------------------------------------------------------------------------------

  /**
   * Requests its end: a `CancelledError` is thrown in it at its next step, and a future that it waits for is cancelled.
   * The task may clean up, or catch the error and go on.
   *
   * @param message The message of the error.
   * @returns `false` if it is done already.
   */
  override cancel(message?: string): boolean {
    if (this.done()) return false;
    message = checkMessage(message);
    const cancellation = this.#cancellation ??= new Cancellation();
    cancellation.requests++;
    cancellation.abort?.abort(new CancelledError(message));
    const coro = this.#coro;
    const awaited = awaitedFuture(coro);
    // If the future that it waits for was cancelled, an error is on its way already.
    if (awaited?.cancel(message) || gotCancellation(coro)) return true;
    const { error } = cancellation;
    if (error !== null && isToThrow(coro, error)) {
      // As in CPython, the message is that of the request that ended the wait, or else of the latest request. The wait
      // of a condition ends only when it has its lock again.
      if (canWithdraw(coro, error) || coro.wait !== null) error.message = message ?? "";
      return true;
    }
    cancellation.error = new CancelledError(message);
    // If the cancel() of the awaited future returned `false`, the future is about to be done, though it may not be done yet
    // (as one of gather()). The error is thrown when it is done.
    throwAtStep(coro, cancellation.error, awaited !== null);
    return true;
  }

  /** How many cancellations were requested and not withdrawn with `uncancel()`. */
  cancelling(): number {
    return this.#cancellation?.requests ?? 0;
  }

  /**
   * Withdraws one request to cancel it, for code that has caught the `CancelledError` and goes on.
   *
   * @returns How many requests are left. If none is left, an error that was not thrown yet is not thrown.
   */
  uncancel(): number {
    const cancellation = this.#cancellation;
    if (cancellation === null || cancellation.requests === 0) return 0;
    if (--cancellation.requests === 0) withdrawThrow(this.#coro, cancellation.error);
    return cancellation.requests;
  }

  /** A signal that is aborted when the task is cancelled, for functions that take a signal. */
  get signal(): AbortSignal {
    const cancellation = this.#cancellation ??= new Cancellation();
    cancellation.abort ??= new AbortController();
    if (cancellation.requests > 0 || this.cancelled()) cancellation.abort.abort(new CancelledError());
    return cancellation.abort.signal;
  }

  /** @internal It cancelled itself and waits for a future now: the future is cancelled instead. */
  handCancellationTo(future: AwaitedFuture): void {
    const error = this.#cancellation?.error ?? null;
    if (error === null || !isToThrow(this.#coro, error)) return;
    if (future.cancel(error.message)) withdrawThrow(this.#coro, error);
  }

  /** @internal Its coroutine has ended. */
  coroEnded(kind: Ending, value: unknown, undelivered: readonly unknown[]): void {
    if (this.#work !== null) discard(this.#work);
    if (kind === "throw") return isInstance(value, CancelledError) ? this.finishCancelled(value) : this.fail(value);
    if (kind === "terminate") return this.finishCancelled(new CancelledError(`${this} was terminated`));
    // Cancelled in its last step.
    const error = this.#cancellation?.error ?? null;
    if (error !== null && undelivered.includes(error)) return this.finishCancelled(error);
    this.succeed(value);
  }
}

function spawn<T>(loop: EventLoop, target: CoroFunction<[], T>, name: Named | undefined): TaskCoro<T> {
  setNextSpawn({ loop: loop.scheduler.loop, options: { name, priority: LOOP_LEVEL, daemon: false } });
  return loop.getDebug() ? new WatchedTaskCoro(loop, target) : new TaskCoro(target);
}

/** Converts a name with `String()`, which an object without a prototype does not allow. */
function toName(name: unknown): string {
  try {
    return String(name);
  } catch {
    throw new TypeError(`Cannot name a coroutine as 'name' must be a string: current value is ${describe(name)}`);
  }
}

function targetOf<T>(coroutine: unknown): CoroFunction<[], T> {
  const body = bodyOf(coroutine);
  return () => body as Generator<unknown, T>;
}

function bodyOf(coroutine: unknown): Body {
  if (isGenerator(coroutine)) return coroutine;
  if (coroutine instanceof Operation) return asBody(coroutine);
  throw new TypeError(
    `Cannot create a task as it needs a generator function, a generator object or an operation: ` +
      `current value is ${describe(coroutine)}${hint(coroutine)}`,
  );
}

function hint(value: unknown): string {
  if (value instanceof Future) return ", which runs already and can be awaited as it is";
  if (typeof value === "function") return ", write function* and await promises with yield*";
  return typeof (value as { then?: unknown } | null)?.then === "function"
    ? ", ensureFuture() makes a future of a promise"
    : "";
}

function reasonOf({ reason }: AbortSignal): string {
  if (typeof reason === "string") return reason;
  try {
    return String(isError(reason) ? reason.message : reason);
  } catch {
    return describe(reason);
  }
}

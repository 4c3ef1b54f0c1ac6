import { describe, isInstance } from "../../base/describe.ts";
import { TimeoutError } from "../../base/errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import { listenToAbort, stopListening } from "../../fiber/abort_listeners.ts";
import { asBody } from "../../operations/as_body.ts";
import { Call, call } from "../../operations/call.ts";
import { type Body, isGenerator } from "../../base/generator.ts";
import { type Timeout as Delay, toSeconds } from "../../base/duration.ts";
import { type Awaitable, isAwaitable, operationOf } from "../loop/coroutine.ts";
import { CancelledError } from "../errors.ts";
import type { Handle } from "../loop/handle.ts";
import { getRunningLoop } from "../loop/running.ts";
import { currentTask } from "../loop/tasks.ts";
import type { Task } from "../loop/task.ts";

/** A block of code with a time limit: a generator function that is called with the limit. */
// deno-lint-ignore no-explicit-any -- a generator that uses plain `yield` is sent `any`
export type TimeoutBlock<T> = (timeout: Timeout) => Generator<unknown, T, any>;

type Limited<T> = TimeoutBlock<T> | Awaitable<T>;

type Block = Body | TimeoutBlock<unknown>;

type State = "created" | "active" | "expiring" | "expired" | "finished";

/** A time limit for a block of code in a task: `timeout` and `timeoutAt` call the block with it. */
export class Timeout {
  #when: number | null;
  #state: State = "created";
  #task: Task | null = null;
  #cancelling = 0;
  #handle: Handle | null = null;
  readonly #signal: AbortSignal | null;
  // Whether the signal ended the block, and not the deadline.
  #aborted = false;

  /** @internal */
  constructor(when: number | null, signal: AbortSignal | null) {
    this.#when = when;
    this.#signal = signal;
  }

  /** The deadline, in seconds, by the clock of `loop.time()`; `null` if there is no limit. */
  when(): number | null {
    return this.#when;
  }

  /**
   * Sets another deadline.
   *
   * @param when In seconds, by the clock of `loop.time()`; a time that has passed means the next iteration, `null` no
   * limit.
   * @throws {Error} If the deadline has passed already, or the block has ended.
   * @throws {TypeError} If `when` is not a number.
   */
  reschedule(when: number | null): void {
    if (this.#state !== "active") {
      throw new Error(`Cannot reschedule this timeout as its block does not run: it is ${this.#state}`);
    }
    this.#when = checkWhen(when);
    this.#handle?.cancel();
    this.#handle = null;
    if (when === null || when === Infinity) return;
    const { loop } = this.#task!;
    const expire = () => this.#expire();
    this.#handle = when <= loop.time() ? loop.callSoon(expire) : loop.callAt(when, expire);
  }

  /** Whether the deadline passed before the block had ended. */
  expired(): boolean {
    return this.#state === "expiring" || this.#state === "expired";
  }

  #expire(): void {
    this.#handle = null;
    this.#state = "expiring";
    this.#task!.cancel();
  }

  /** @internal The signal was aborted. */
  aborted(): void {
    if (this.#state !== "active") return;
    this.#aborted = true;
    this.#handle?.cancel();
    this.#expire();
  }

  /** @internal The block begins. */
  begin(): void {
    if (this.#signal?.aborted) throw this.#signal.reason;
    const task = currentTask();
    if (task === null) throw new Error("Cannot limit the time as only a task can be cancelled: use it inside a task");
    this.#task = task;
    this.#cancelling = task.cancelling();
    this.#state = "active";
    this.reschedule(this.#when);
    if (this.#signal !== null) listenToAbort(this.#signal, this);
  }

  /**
   * @internal
   * The block has ended. Returns the error for its caller, if it has ended with one: a `TimeoutError` or the reason of the
   * signal for a cancellation that only this timeout has requested.
   */
  end(error?: unknown): unknown {
    this.#handle?.cancel();
    this.#handle = null;
    if (this.#signal !== null) stopListening(this.#signal, this);
    if (this.#state === "active") this.#state = "finished";
    if (this.#state !== "expiring") return error;
    this.#state = "expired";
    const mine = this.#task!.uncancel() <= this.#cancelling;
    if (!mine || !isInstance(error, CancelledError)) return error;
    if (this.#aborted) return this.#signal!.reason;
    return new TimeoutError("Time is up: the block did not end within its limit", { cause: error });
  }
}

/**
 * Runs a block of code with a time limit: at the deadline, the block is cancelled at the point where it waits, and when it
 * has cleaned up, `TimeoutError` is thrown here. The block may set another deadline with `reschedule()`.
 *
 * A cancellation of the task from outside is thrown as a `CancelledError`.
 *
 * @param delay Seconds from now, or a duration; no limit with `null`.
 * @param block A generator function, called with its {@linkcode Timeout}; or anything that can be awaited.
 * @returns The result of the block.
 * @throws {TimeoutError} At the yield, if the block does not end in time.
 * @throws {TypeError} If `delay` is not a valid duration, or `block` cannot be awaited.
 * @throws {Error} If no loop is running; at the yield, outside a task.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run, sleep, timeout } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await run(function* () {
 *   return yield* timeout(0.01, function* (limit) {
 *     limit.reschedule(getRunningLoop().time() + 5);
 *     return yield* sleep(0.02, "it got more time");
 *   });
 * });
 * assertEquals(answer, "it got more time");
 * ```
 */
export function timeout<T>(delay: Delay, block: TimeoutBlock<T>): Operation<T>;
/** The same for anything that can be awaited. */
export function timeout<T>(delay: Delay, awaitable: Awaitable<T>): Operation<T>;
export function timeout(delay: Delay, block: Limited<unknown>): Operation<unknown> {
  return withinLimit(toSeconds(delay, "limit the time", "delay"), null, block);
}

/** @internal The same with a signal, which cancels the block as well; then its reason is thrown. */
export function withinLimit(seconds: number, signal: AbortSignal | null, block: Limited<unknown>): Operation<unknown> {
  return limit(seconds === Infinity ? null : getRunningLoop().time() + seconds, signal, block);
}

/**
 * The same as {@linkcode timeout}, with a deadline in place of a duration.
 *
 * @param when The deadline, in seconds, by the clock of `loop.time()`; `null` means no limit.
 * @param block A generator function, called with its {@linkcode Timeout}; or anything that can be awaited.
 * @returns The result of the block.
 * @throws {TimeoutError} At the yield, if the block does not end in time.
 * @throws {TypeError} If `when` is not a number, or `block` cannot be awaited.
 * @throws {Error} At the yield, outside a task.
 */
export function timeoutAt<T>(when: number | null, block: TimeoutBlock<T>): Operation<T>;
/** The same for anything that can be awaited. */
export function timeoutAt<T>(when: number | null, awaitable: Awaitable<T>): Operation<T>;
export function timeoutAt(when: number | null, block: Limited<unknown>): Operation<unknown> {
  return limit(checkWhen(when), null, block);
}

function limit(when: number | null, signal: AbortSignal | null, block: Limited<unknown>): Operation<unknown> {
  if (!isAwaitable(block)) {
    throw new TypeError(
      `Cannot limit the time as it takes a generator function or what can be awaited: current value is ${
        describe(block)
      }`,
    );
  }
  const work = operationOf(block);
  return new Call(limited(new Timeout(when, signal), work === null ? block as Block : asBody(work)), work);
}

function* limited(timeout: Timeout, block: Block): Generator<unknown, unknown, unknown> {
  timeout.begin();
  try {
    return yield* call(isGenerator(block) ? block : block(timeout));
  } catch (error) {
    throw timeout.end(error);
  } finally {
    timeout.end();
  }
}

function checkWhen(when: unknown): number | null {
  if (when === null || (typeof when === "number" && !Number.isNaN(when))) return when;
  throw new TypeError(
    `Cannot set a limit of time as 'when' must be a number of seconds or null: current value is ${describe(when)}`,
  );
}

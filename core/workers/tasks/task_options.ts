import type { Coro } from "../../coroutine/coro.ts";
import { describe } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { isSignal, type Limit, limitSignal } from "../../base/limit.ts";
import type { TaskPlan } from "../pool/task.ts";

/** Receives the progress of a task: a function, or a coroutine, which gets it as messages. */
export type ProgressListener = ((value: unknown) => void) | Coro;

/** How a task is to be run. */
export interface TaskOptions {
  /** 0 (first) to 7 (last); by default that of the coroutine, and 4 in async code. */
  readonly priority?: number;
  /** Array buffers and other transferable objects among the arguments that are moved instead of copied. */
  readonly transfer?: readonly Transferable[];
  /**
   * Receives the values of `this.progress(value)` in the task, and those that it yields if it is a generator function.
   */
  readonly onProgress?: ProgressListener;
  /**
   * Seconds, or a duration, until the task must be done; then it is cancelled and a `TimeoutError` is thrown. Any
   * {@linkcode Limit} is allowed.
   */
  readonly timeout?: Limit;
  /** Cancels the task when it is aborted; its reason is thrown. */
  readonly signal?: AbortSignal;
  /**
   * Seconds, or a duration, that the task may run without waiting. Then it is stopped, even in an endless loop, and
   * the worker goes on. There is no other way to stop a loop, as Deno cannot end the thread of a worker that loops.
   * Costs about 10 microseconds a task.
   */
  readonly limit?: Timeout;
}

const STANDARD_PRIORITY = 4;

/** Checks the options of a task. Returns its plan. */
export function taskPlan(options: TaskOptions, stream: boolean): TaskPlan {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot run a task as its options must be an object: current value is ${describe(options)}`);
  }
  const { transfer = [], onProgress } = options;
  if (!Array.isArray(transfer)) {
    throw new TypeError(
      `Cannot run a task as 'transfer' must be an array of transferable objects: current value is ${
        describe(transfer)
      }`,
    );
  }
  if (onProgress !== undefined && typeof onProgress !== "function" && typeof onProgress?.send !== "function") {
    throw new TypeError(
      `Cannot run a task as 'onProgress' must be a function or a coroutine: current value is ${describe(onProgress)}`,
    );
  }
  const limit = toSeconds(options.limit, "run a task", "limit");
  return {
    priority: checkTaskPriority(options.priority ?? STANDARD_PRIORITY),
    transfer,
    stream,
    limit: limit === Infinity ? 0 : Math.max(0.001, limit),
    worker: null,
  };
}

/** The signal of the options of a task, whichever of the two options has it. */
export function taskSignal({ timeout, signal }: TaskOptions): AbortSignal | null {
  const ofTimeout = limitSignal(timeout);
  if (signal === undefined || signal === null) return ofTimeout;
  if (!isSignal(signal)) {
    throw new TypeError(`Cannot run a task as 'signal' must be an AbortSignal: current value is ${describe(signal)}`);
  }
  if (ofTimeout === null || ofTimeout === signal) return signal;
  throw new TypeError(
    "Cannot run a task as 'timeout' has a signal besides 'signal': give one, as of AbortSignal.any()",
  );
}

function checkTaskPriority(priority: number): number {
  if (Number.isInteger(priority) && priority >= 0 && priority <= 7) return priority;
  throw new RangeError(
    `Cannot run a task as 'priority' must be an integer from 0 to 7: current value is ${describe(priority)}`,
  );
}

/** A function that passes progress on to the listener. */
export function progressSink(listener: ProgressListener | undefined): ((value: unknown) => void) | undefined {
  if (listener === undefined || typeof listener === "function") return listener;
  return (value) => void listener.send(value);
}

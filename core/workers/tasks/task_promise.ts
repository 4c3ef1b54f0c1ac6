import { type Abortable, listenToAbort, stopListening } from "../../fiber/abort_listeners.ts";
import { captureContext, type HostContext, withinContext } from "../../host/async_context.ts";
import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import { Task, type TaskOwner } from "../pool/task.ts";
import { lateTask, type TaskCall } from "./task_operation.ts";

/** Runs a task for async code. `keepsAlive`: whether the process stays until it is done. */
export function promiseOf(dispatcher: Dispatcher, call: TaskCall, keepsAlive = true): Promise<unknown> {
  if (call.signal?.aborted) return Promise.reject(call.signal.reason);
  if (call.timeoutSeconds <= 0) return Promise.reject(lateTask(call));
  return new TaskPromise(dispatcher, call, keepsAlive).promise;
}

class TaskPromise implements TaskOwner, Abortable {
  readonly promise: Promise<unknown>;
  readonly #dispatcher: Dispatcher;
  readonly #call: TaskCall;
  readonly #task: Task;
  readonly #hostContext: HostContext = captureContext();
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #timer: HostTimer | null = null;

  constructor(dispatcher: Dispatcher, call: TaskCall, keepsAlive: boolean) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#dispatcher = dispatcher;
    this.#call = call;
    this.#task = new Task(call.target, call.args, call.plan, this);
    this.#task.keepsAlive = keepsAlive;
    // Before the task is submitted, as it may settle at once.
    this.#watch();
    try {
      dispatcher.submit(this.#task);
    } catch (error) {
      this.#unwatch();
      throw error;
    }
  }

  /** Starts the timer and listens to the signal. */
  #watch(): void {
    const { timeoutSeconds, signal } = this.#call;
    if (timeoutSeconds < Infinity) {
      this.#timer = startTimer(() => this.#giveUp(lateTask(this.#call)), timeoutSeconds, false);
    }
    if (signal !== null) listenToAbort(signal, this);
  }

  #unwatch(): void {
    if (this.#timer !== null) stopTimer(this.#timer);
    this.#timer = null;
    const { signal } = this.#call;
    if (signal !== null) stopListening(signal, this);
  }

  /** The signal was aborted. */
  aborted(): void {
    this.#giveUp(this.#call.signal!.reason);
  }

  settled(ok: boolean, value: unknown): void {
    this.#unwatch();
    if (ok) this.#resolve(value);
    else this.#reject(value);
  }

  progress(value: unknown): void {
    const { progressSink } = this.#call;
    if (progressSink === undefined) return;
    try {
      withinContext(this.#hostContext, () => progressSink(value));
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(reason: unknown): void {
    this.#unwatch();
    this.#dispatcher.cancel(this.#task);
    this.#reject(reason);
  }
}

import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import { captureContext, type HostContext, withinContext } from "../../host/async_context.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import { Task, type TaskOwner } from "../pool/task.ts";
import { lateTask, type TaskCall } from "./task_operation.ts";

/** Runs a task for async code; `holds` is whether the process stays until it is done. */
export function promiseOf(dispatcher: Dispatcher, call: TaskCall, holds = true): Promise<unknown> {
  if (call.signal?.aborted) return Promise.reject(call.signal.reason);
  if (call.seconds <= 0) return Promise.reject(lateTask(call));
  return new TaskPromise(dispatcher, call, holds).promise;
}

class TaskPromise implements TaskOwner {
  readonly promise: Promise<unknown>;
  readonly #dispatcher: Dispatcher;
  readonly #call: TaskCall;
  readonly #task: Task;
  readonly #hostContext: HostContext = captureContext();
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #timer: HostTimer | null = null;

  constructor(dispatcher: Dispatcher, call: TaskCall, holds: boolean) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#dispatcher = dispatcher;
    this.#call = call;
    this.#task = new Task(call.target, call.args, call.plan, this);
    this.#task.holds = holds;
    dispatcher.submit(this.#task);
    if (call.seconds < Infinity) this.#timer = startTimer(() => this.#giveUp(lateTask(call)), call.seconds, false);
    call.signal?.addEventListener("abort", this);
  }

  handleEvent(): void {
    this.#giveUp(this.#call.signal!.reason);
  }

  settled(ok: boolean, value: unknown): void {
    this.#leave();
    if (ok) this.#resolve(value);
    else this.#reject(value);
  }

  progress(value: unknown): void {
    try {
      withinContext(this.#hostContext, () => this.#call.tell?.(value));
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(reason: unknown): void {
    this.#leave();
    this.#dispatcher.cancel(this.#task);
    this.#reject(reason);
  }

  #leave(): void {
    if (this.#timer !== null) stopTimer(this.#timer);
    this.#timer = null;
    this.#call.signal?.removeEventListener("abort", this);
  }
}

import { coroOf } from "../../coroutine/coro_of.ts";
import { TimeoutError } from "../../base/errors.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { HostWait } from "../../fiber/host_wait.ts";
import { WAITING } from "../../fiber/operation.ts";
import { withinContext } from "../../host/async_context.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import type { Target } from "../pool/targets.ts";
import { Task, type TaskOwner, type TaskPlan } from "../pool/task.ts";

/** A checked call of a task. */
export interface TaskCall {
  readonly target: Target;
  readonly args: readonly unknown[];
  readonly plan: TaskPlan;
  /** Seconds from the call to the result. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal | null;
  /** Receives the progress of the task. */
  readonly progressSink: ((value: unknown) => void) | undefined;
  /** Whether the task has the priority of its coroutine. */
  readonly inheritsPriority: boolean;
}

/** Waits for the result of a task. If the wait is cut short, the task is cancelled. */
export class TaskOperation<T> extends HostWait<T> implements TaskOwner {
  readonly label: string = "asyncTask";
  readonly #dispatcher: Dispatcher;
  readonly #task: Task;
  readonly #call: TaskCall;

  constructor(dispatcher: Dispatcher, call: TaskCall) {
    super(call.signal);
    this.#dispatcher = dispatcher;
    this.#call = call;
    this.limit = call.timeoutSeconds;
    this.#task = new Task(call.target, call.args, call.plan, this);
  }

  override get waitsFor(): string {
    return `task '${this.#call.target.label}'`;
  }

  override begin(fiber: Fiber): boolean {
    if (this.signal?.aborted) return this.fail(this.signal.reason);
    if (this.limit <= 0) return this.fail(lateTask(this.#call));
    const task = this.#task;
    if (this.#call.inheritsPriority) task.priority = fiber.owner.priority;
    task.loop = coroOf(fiber).loop;
    try {
      this.#dispatcher.submit(task);
    } catch (error) {
      return this.fail(error);
    }
    // It may have failed at once.
    if (this.state !== WAITING) return true;
    this.count(fiber);
    return false;
  }

  settled(ok: boolean, value: unknown): void {
    if (this.state !== WAITING) return;
    if (ok) this.settle(value);
    else this.settleError(value);
  }

  progress(value: unknown): void {
    const { progressSink } = this.#call;
    if (this.state !== WAITING || progressSink === undefined) return;
    try {
      withinContext(this.fiber!.hostContext, () => progressSink(value));
    } catch (error) {
      this.detach();
      this.reject(error);
    }
  }

  override detach(): void {
    this.uncount();
    this.#dispatcher.cancel(this.#task);
  }

  override timedOut(): void {
    this.fail(lateTask(this.#call));
  }
}

/** The error of a task that is not done in time. */
export function lateTask({ target, timeoutSeconds }: TaskCall): TimeoutError {
  return new TimeoutError(`Task '${target.label}' did not end within ${timeoutSeconds} seconds`);
}

import { coroOf } from "../../coroutine/coro_of.ts";
import { TimeoutError } from "../../base/errors.ts";
import { withinContext } from "../../host/async_context.ts";
import { Operation, WAITING } from "../../fiber/operation.ts";
import type { Loop } from "../../fiber/schedulable.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import { Task, type TaskOwner, type TaskPlan } from "../pool/task.ts";
import type { Target } from "../pool/targets.ts";

/** What a task is to a coroutine or a promise. */
export interface TaskCall {
  readonly target: Target;
  readonly args: readonly unknown[];
  readonly plan: TaskPlan;
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
  readonly tell: ((value: unknown) => void) | undefined;
  /** Whether the priority is that of the coroutine. */
  readonly inherits: boolean;
}

/** Waits for the result of a task. When the wait is cancelled, so is the task. */
export class TaskOperation extends Operation<unknown> implements TaskOwner {
  readonly label: string = "asyncTask";
  readonly #dispatcher: Dispatcher;
  readonly #task: Task;
  readonly #call: TaskCall;
  #loop: Loop | null = null;

  constructor(dispatcher: Dispatcher, call: TaskCall) {
    super();
    this.#dispatcher = dispatcher;
    this.#call = call;
    this.limit = call.seconds;
    this.#task = new Task(call.target, call.args, call.plan, this);
  }

  override get waitsFor(): string {
    return `task '${this.#call.target.label}'`;
  }

  override begin(fiber: Fiber): boolean {
    const { signal, inherits } = this.#call;
    if (signal?.aborted) return this.fail(signal.reason);
    if (this.limit <= 0) return this.fail(lateTask(this.#call));
    const task = this.#task;
    if (inherits) task.priority = fiber.owner.priority;
    task.scheduler = coroOf(fiber).scheduler;
    try {
      this.#dispatcher.submit(task);
    } catch (error) {
      return this.fail(error);
    }
    // It may have settled at once, in vain.
    if (this.state !== WAITING) return true;
    this.#loop = fiber.loop;
    fiber.loop.hostOperations++;
    signal?.addEventListener("abort", this);
    return false;
  }

  settled(ok: boolean, value: unknown): void {
    if (this.#loop === null) {
      if (this.state === WAITING) ok ? this.give(value) : this.fail(value);
      return;
    }
    this.leave();
    if (ok) this.resolve(value);
    else this.reject(value);
  }

  progress(value: unknown): void {
    const { tell } = this.#call;
    if (this.#loop === null || tell === undefined) return;
    try {
      withinContext(this.fiber!.hostContext, () => tell(value));
    } catch (error) {
      this.detach();
      this.reject(error);
    }
  }

  /** The signal was aborted. */
  handleEvent(): void {
    if (this.state !== WAITING) return;
    this.detach();
    this.reject(this.#call.signal!.reason);
  }

  override detach(): void {
    this.leave();
    this.#dispatcher.cancel(this.#task);
  }

  override timedOut(): void {
    this.fail(lateTask(this.#call));
  }

  override swappable(): boolean {
    return false;
  }

  /** @internal Waits no more. */
  protected leave(): void {
    if (this.#loop === null) return;
    this.#loop.hostOperations--;
    this.#loop = null;
    this.#call.signal?.removeEventListener("abort", this);
  }
}

/** The error of a task that is not done in time. */
export function lateTask({ target, seconds }: TaskCall): TimeoutError {
  return new TimeoutError(`Task '${target.label}' did not end within ${seconds} seconds`);
}

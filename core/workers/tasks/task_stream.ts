import { coroOf } from "../../coroutine/coro_of.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { Dispatcher } from "../pool/dispatcher.ts";
import { ResultStream } from "./result_stream.ts";
import { SENT, SETTLED, Task, type TaskOwner, type TaskPlan } from "../pool/task.ts";
import type { Target } from "../pool/targets.ts";

/** The items that a generator in a worker yields. It is at most 64 items ahead of the reader. */
export class TaskStream<T, R> extends ResultStream<T, R> implements TaskOwner {
  readonly #dispatcher: Dispatcher;
  readonly #task: Task;

  /** @internal */
  constructor(dispatcher: Dispatcher, target: Target, args: readonly unknown[], plan: TaskPlan) {
    super();
    this.#dispatcher = dispatcher;
    this.#task = new Task(target, args, plan, this);
  }

  /** @internal */
  protected override start(fiber: Fiber | null): void {
    if (fiber !== null) this.#task.loop = coroOf(fiber).loop;
    try {
      this.#dispatcher.submit(this.#task);
    } catch (error) {
      this.finish({ ok: false, error });
    }
  }

  /** @internal */
  protected override taken(): void {
    const { state, worker } = this.#task;
    if (state === SENT) worker!.itemTaken();
  }

  /** @internal */
  protected override stop(): void {
    if (this.#task.state !== SETTLED) this.#dispatcher.cancel(this.#task);
  }

  /** @internal */
  item(value: unknown): void {
    this.push(value as T);
  }

  /** @internal */
  settled(ok: boolean, value: unknown): void {
    this.finish(ok ? { ok, value } : { ok, error: value });
  }
}

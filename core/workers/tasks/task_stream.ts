import type { Strand } from "../../fiber/fiber.ts";
import type { Crew } from "../pool/dispatcher.ts";
import { ResultStream } from "./result_stream.ts";
import { SENT, SETTLED, Task, type TaskOwner, type TaskPlan } from "../pool/task.ts";
import type { Target } from "../pool/targets.ts";

/** What a generator in a worker yields. It is at most 64 items ahead of who takes them. */
export class TaskStream<T, R> extends ResultStream<T, R> implements TaskOwner {
  readonly #crew: Crew;
  readonly #task: Task;

  /** @internal */
  constructor(crew: Crew, target: Target, args: readonly unknown[], plan: TaskPlan) {
    super();
    this.#crew = crew;
    this.#task = new Task(target, args, plan, this);
  }

  /** @internal */
  protected override start(strand: Strand | null): void {
    if (strand !== null) this.#task.scheduler = strand.owner.scheduler;
    try {
      this.#crew.submit(this.#task);
    } catch (error) {
      this.finish({ ok: false, error });
    }
  }

  /** @internal */
  protected override taken(): void {
    const { state, thread } = this.#task;
    if (state === SENT) thread!.itemTaken();
  }

  /** @internal */
  protected override stop(): void {
    if (this.#task.state !== SETTLED) this.#crew.cancel(this.#task);
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

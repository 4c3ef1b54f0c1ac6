import { Coro, type CoroFunction } from "../../coroutine/coro.ts";
import { isInstance } from "../../base/describe.ts";
import type { Ending } from "../../fiber/fiber.ts";
import { CancelledError } from "../errors.ts";
import type { AwaitedFuture } from "./awaited_future.ts";
import type { LoopServices } from "./loop_services.ts";

/** What the coroutine of a task needs of the task. */
export interface TaskOfCoro extends AwaitedFuture {
  /** The coroutine has ended. */
  coroEnded(kind: Ending, value: unknown, undelivered: readonly unknown[]): void;
  /** The coroutine waits for a future now, which is to be cancelled if a cancellation has not been thrown yet. */
  handCancellationTo(future: AwaitedFuture): void;
}

/** The coroutine of a task. It reports its end to the task. */
export class TaskCoro<T = unknown> extends Coro<T> {
  /**
   * Set by the task right after construction, and `null` from the end on: V8 lets an error retain the receivers of the
   * methods on its stack, this coroutine among them, and an error that is never retrieved is reported only when its
   * task is collected.
   */
  declare task: TaskOfCoro | null;

  /** As in `Operation`, a field is set here and not where it is declared. */
  constructor(target: CoroFunction<[], T>) {
    super(target);
    this.task = null;
  }

  /** The task reports a failure. */
  override get unhandled(): boolean {
    return false;
  }

  protected override ended(kind: Ending, value: unknown, undelivered: readonly unknown[]): void {
    // A cancellation that came too late is no error.
    const errors = undelivered.length === 0
      ? undelivered
      : undelivered.filter((error) => !isInstance(error, CancelledError));
    super.ended(kind, value, errors);
    // After a hot swap it is alive, and a coroutine that was restarted after its task had failed has no task.
    if (this.isAlive() || this.task === null) return;
    const { task } = this;
    this.task = null;
    // The name may have been read from the task until now.
    if (kind === "throw") this.name = `${this.name}`;
    task.coroEnded(kind, value, undelivered);
  }
}

/** The same in debug mode: a step that takes long causes a warning. */
export class WatchedTaskCoro<T = unknown> extends TaskCoro<T> {
  readonly #loop: LoopServices;
  #timing = false;

  constructor(loop: LoopServices, target: CoroFunction<[], T>) {
    super(target);
    this.#loop = loop;
  }

  override run(): void {
    // A step that has to enter its host context first calls run() again.
    if (this.#timing) return super.run();
    this.#timing = true;
    try {
      this.#loop.timeStep(`a step of ${this.task}`, () => super.run());
    } finally {
      this.#timing = false;
    }
  }
}

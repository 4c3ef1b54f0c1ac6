import { Coro, type CoroFunction } from "../../coroutine/coro.ts";
import { isInstance } from "../../base/describe.ts";
import type { Ending } from "../../fiber/fiber.ts";
import { CancelledError } from "../errors.ts";
import type { EventLoop } from "./event_loop.ts";
import type { Task } from "./task.ts";

/** The coroutine of a task. It tells the task of its end. */
export class TaskCoro extends Coro {
  /**
   * Set by the task right after it made this, until it has ended: the engine lets an error hold the objects whose
   * methods were on the stack, this among them, and that an error was never retrieved shows when its task is collected.
   */
  declare task: Task | null;

  /** As in `Operation`, a field is set here and not where it is declared. */
  constructor(target: CoroFunction) {
    super(target);
    this.task = null;
  }

  /** A failure is the task's to report. */
  override get unhandled(): boolean {
    return false;
  }

  protected override ended(kind: Ending, value: unknown, undelivered: readonly unknown[]): void {
    // A cancellation that came too late is no error.
    const errors = undelivered.length === 0
      ? undelivered
      : undelivered.filter((error) => !isInstance(error, CancelledError));
    super.ended(kind, value, errors);
    // It may have been given another generator instead, or be one that was restarted after its task had failed.
    if (this.isAlive() || this.task === null) return;
    const { task } = this;
    this.task = null;
    // It may have had its name from the task.
    if (kind === "throw") this.name = `${this.name}`;
    task.coroEnded(kind, value, undelivered);
  }
}

/** The same in debug mode: steps that take long are told of. */
export class WatchedTaskCoro extends TaskCoro {
  readonly #loop: EventLoop;
  #timing = false;

  constructor(loop: EventLoop, target: CoroFunction) {
    super(target);
    this.#loop = loop;
  }

  override run(): void {
    // Run again, within the same step, where it has to enter its context first.
    if (this.#timing) return super.run();
    this.#timing = true;
    try {
      this.#loop.timeStep(`a step of ${this.task}`, () => super.run());
    } finally {
      this.#timing = false;
    }
  }
}

import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { describe, isInstance } from "../../base/describe.ts";
import { isGeneratorFunction } from "../../base/generator.ts";
import type { Coroutine } from "../loop/coroutine.ts";
import { CancelledError } from "../errors.ts";
import type { Future } from "../loop/future.ts";
import { currentTask } from "../loop/tasks.ts";
import type { Task, TaskOptions } from "../loop/task.ts";

/** The block of a task group: a generator function that is called with the group. */
// deno-lint-ignore no-explicit-any -- a generator that uses plain `yield` is sent `any`
export type GroupBlock<T> = (group: TaskGroup) => Generator<unknown, T, any>;

/**
 * Tasks that belong to a block of code: the block ends only when all of them have ended.
 *
 * When a task fails, or the block does, the other tasks and the block are cancelled. When all have ended, the errors are
 * thrown together. The cancellation of a single task does not affect the others.
 *
 * `taskGroup(block)` is the usual way to use it.
 */
export class TaskGroup {
  #parent: Task | null = null;
  #state: "new" | "active" | "ending" | "ended" = "new";
  #aborting = false;
  // This group has cancelled the parent to end the block; at the end it withdraws that request.
  #cancelledParent = false;
  readonly #tasks = new Set<Task>();
  readonly #errors: unknown[] = [];
  #allDone: Future<void> | null = null;

  /**
   * Makes a task of a coroutine, in this group.
   *
   * @param coroutine A generator function (called with its `Coro`), a generator object or an operation.
   * @param options See {@linkcode TaskOptions}.
   * @throws {TypeError} If `coroutine` is not a coroutine.
   * @throws {Error} If the block of the group does not run, or the group is shutting down.
   */
  createTask<T>(coroutine: Coroutine<T>, options?: TaskOptions): Task<T> {
    if (this.#state === "new") throw new Error(`Cannot create a task as ${this} has not been entered`);
    if (this.#state === "ended" || (this.#state === "ending" && this.#tasks.size === 0)) {
      throw new Error(`Cannot create a task as ${this} is finished`);
    }
    if (this.#aborting) throw new Error(`Cannot create a task as ${this} is shutting down`);
    const task = this.#parent!.loop.createTask(coroutine, options);
    this.#tasks.add(task);
    task.addDoneCallback(this.#taskDone);
    return task;
  }

  /**
   * Runs the block, once, and waits for the tasks.
   *
   * @param block A generator function, called with this group.
   * @returns The result of the block.
   * @throws {AggregateError} At the yield, with the `errors` of the tasks in the order in which they failed, and the
   * error of the block last.
   * @throws {TypeError} If `block` is not a generator function.
   * @throws {Error} At the yield, outside a task or if the group was run before.
   */
  run<T>(block: GroupBlock<T>): Operation<T> {
    if (!isGeneratorFunction(block)) {
      throw new TypeError(
        `Cannot run a task group as its block must be a generator function: current value is ${describe(block)}`,
      );
    }
    return call(this.#run(block));
  }

  *#run<T>(block: GroupBlock<T>): Generator<unknown, T, unknown> {
    this.#enter();
    let value: T;
    try {
      let failure: Failure | null = null;
      try {
        value = yield* call(block(this));
      } catch (error) {
        failure = { error };
      }
      this.#state = "ending";
      yield* this.#conclude(failure);
    } finally {
      // The coroutine is being terminated, in the block or while it waits for the tasks.
      if (this.#state !== "ended") yield* this.#closeDown();
    }
    return value!;
  }

  #enter(): void {
    if (this.#state !== "new") throw new Error(`Cannot enter ${this} again as a group is used once`);
    const parent = currentTask();
    if (parent === null) throw new Error(`Cannot enter ${this} as no task runs here: use it inside a task`);
    this.#parent = parent;
    this.#state = "active";
  }

  *#closeDown(): Generator<unknown, void, unknown> {
    this.#state = "ending";
    this.#abort();
    while (this.#tasks.size > 0) yield* this.#allEnded();
    this.#state = "ended";
  }

  *#conclude(failure: Failure | null): Generator<unknown, void, unknown> {
    let cancellation = failure !== null && isInstance(failure.error, CancelledError) ? failure.error : null;
    if (failure !== null) this.#abort();
    while (this.#tasks.size > 0) {
      try {
        yield* this.#allEnded();
      } catch (error) {
        if (!isInstance(error, CancelledError)) throw error;
        // The cancellation comes from outside, unless the group is aborting.
        if (!this.#aborting) cancellation = error;
        this.#abort();
      }
    }
    this.#state = "ended";
    const parent = this.#parent!;
    if (this.#cancelledParent && parent.uncancel() === 0) cancellation = null;
    if (failure !== null && !isInstance(failure.error, CancelledError)) this.#errors.push(failure.error);
    if (this.#errors.length > 0) throw this.#failure(parent);
    if (cancellation !== null) throw cancellation;
  }

  #failure(parent: Task): AggregateError {
    // The errors take precedence over a cancellation from outside, which is thrown at the next wait.
    if (parent.cancelling() > 0) {
      parent.uncancel();
      parent.cancel();
    }
    return new AggregateError(this.#errors, `Unhandled errors in a task group: ${this.#errors.length}`);
  }

  #allEnded(): Future<void> {
    return this.#allDone = this.#parent!.loop.createFuture<void>();
  }

  #abort(): void {
    if (this.#aborting) return;
    this.#aborting = true;
    for (const task of this.#tasks) task.cancel();
  }

  readonly #taskDone = (task: Task): void => {
    this.#tasks.delete(task);
    if (this.#tasks.size === 0 && this.#allDone !== null && !this.#allDone.done()) this.#allDone.setResult();
    if (!task.failed()) return;
    this.#errors.push(task.exception());
    if (this.#aborting || this.#cancelledParent) return;
    this.#abort();
    this.#cancelledParent = true;
    this.#parent!.cancel();
  };

  /** Text for messages. */
  toString(): string {
    return `a task group of ${this.#tasks.size}`;
  }
}

interface Failure {
  readonly error: unknown;
}

/**
 * Runs a block of code with tasks of its own, and waits until all of them have ended. When the block or a task fails, the
 * block and all other tasks are cancelled.
 *
 * @param block A generator function, called with the {@linkcode TaskGroup}, whose `createTask` it uses.
 * @returns The result of the block.
 * @throws {AggregateError} At the yield, with the `errors` of the tasks in the order in which they failed, and the error
 * of the block last.
 * @throws {TypeError} If `block` is not a generator function.
 * @throws {Error} At the yield, outside a task.
 *
 * @example
 * ```ts
 * import { run, sleep, taskGroup } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * await run(function* () {
 *   yield* taskGroup(function* (group) {
 *     for (const name of ["one", "two"]) {
 *       group.createTask(function* () {
 *         yield* sleep(0.01);
 *         log.push(name);
 *       });
 *     }
 *   });
 *   log.push("all done");
 * });
 * assertEquals(log, ["one", "two", "all done"]);
 * ```
 */
export function taskGroup<T>(block: GroupBlock<T>): Operation<T> {
  return new TaskGroup().run(block);
}

import { describe } from "../base/describe.ts";
import { mustBeObject } from "../base/options.ts";
import { type Coroutine, isCoroutine, isCoroutineFunction } from "./loop/coroutine.ts";
import type { EventLoop } from "./loop/event_loop.ts";
import { gather } from "./await/gather.ts";
import { InterruptibleRun } from "./interrupt.ts";
import { newEventLoop } from "./loop/policy.ts";
import { runningLoop } from "./loop/running.ts";
import { allTasks } from "./loop/tasks.ts";
import { TaskCoro } from "./loop/task_coro.ts";

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Whether the loop is in debug mode; see `EventLoop.setDebug`. */
  readonly debug?: boolean;
  /** Makes the event loop; `newEventLoop` by default. */
  readonly loopFactory?: () => EventLoop;
}

/**
 * Runs a program: a coroutine, on an event loop of its own, which is closed at the end.
 *
 * When the coroutine ends, all remaining tasks are cancelled, and `run` waits until they have cleaned up. SIGINT cancels
 * the coroutine; when everything has cleaned up, the process exits with code 130. A second SIGINT makes it exit at once.
 *
 * @param main A generator function (called with its `Coro`), a generator object or an operation.
 * @param options See {@linkcode RunOptions}.
 * @returns A promise of its result. It is rejected with the error of the coroutine, or with `DeadlockError` if nothing can
 * become ready any more.
 * @throws {TypeError} As a rejection, if `main` is not a coroutine.
 * @throws {Error} As a rejection, if it is called inside a coroutine or callback of an event loop.
 *
 * @example
 * ```ts
 * import { run, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await run(function* () {
 *   yield* sleep(0.01);
 *   return 42;
 * });
 * assertEquals(answer, 42);
 * ```
 */
export async function run<T>(main: Coroutine<T>, options: RunOptions = {}): Promise<T> {
  if (runningLoop() !== null) {
    throw new Error("Cannot call run() inside a running event loop: make a task with createTask(), or await it");
  }
  if (!isCoroutine(main) && !isCoroutineFunction(main)) {
    throw new TypeError(
      `Cannot run as 'main' must be a generator function, a generator object or an operation: ` +
        `current value is ${describe(main)}`,
    );
  }
  const { debug, loopFactory = newEventLoop } = mustBeObject(options, "run");
  const loop = loopFactory();
  if (debug !== undefined) loop.setDebug(debug);
  const task = loop.createTask(main);
  const interruptible = new InterruptibleRun(() => task.cancel());
  try {
    return await loop.runUntilComplete(task);
  } finally {
    try {
      await cleanUp(loop);
    } finally {
      interruptible.ended(task.cancelled() && task.uncancel() === 0);
    }
  }
}

/** Ends everything that still runs, waits for its cleanup, and closes the loop. */
async function cleanUp(loop: EventLoop): Promise<void> {
  try {
    await cancelAll(loop);
    await terminateAll(loop);
    await loop.shutdownDefaultExecutor();
  } finally {
    loop.close();
  }
}

async function cancelAll(loop: EventLoop): Promise<void> {
  const tasks = [...allTasks(loop)];
  if (tasks.length === 0) return;
  for (const task of tasks) task.cancel();
  await loop.runUntilComplete(gather(tasks, { returnExceptions: true }));
  for (const task of tasks) {
    if (!task.failed()) continue;
    const exception = task.exception();
    loop.callExceptionHandler({ message: `Unhandled error of ${task} at the end of run()`, exception, task });
  }
}

/** Terminates the coroutines that are not tasks. */
async function terminateAll(loop: EventLoop): Promise<void> {
  const coros = [...loop.scheduler.coros()].filter((coro) => !(coro instanceof TaskCoro));
  if (coros.length === 0) return;
  for (const coro of coros) coro.terminate();
  const ends = coros.map((coro) => loop.createTask(coro.finish()));
  await loop.runUntilComplete(gather(ends, { returnExceptions: true }));
}

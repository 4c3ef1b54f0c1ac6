import type { CoroFunction } from "../coroutine/coro.ts";
import { checkRun, runOn, type RunOptions } from "../coroutine/run_with.ts";
import { Scheduler } from "../coroutine/scheduler.ts";

/**
 * Runs a coroutine from async code, on a scheduler of its own, and waits for its result.
 *
 * An edge runtime serves many requests in one isolate, and host objects of one request, timers included, must not be
 * used by another. So every call has its own scheduler, on which coroutines created inside run too. When the first
 * coroutine ends, those that still run are terminated: their `finally` blocks run, for up to five seconds. The promise
 * is settled after that, and nothing is left running.
 *
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @returns A promise of its result; rejected with the error that ended it, unchanged. The result of a coroutine that was
 * terminated is the last value that one of its yields evaluated to.
 * @throws {TypeError} If `target` is not a generator function.
 *
 * @example
 * ```ts
 * import { Coro, run } from "@asyncoro/asyncoro/edge";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * await run(function* (coro) {
 *   new Coro(function* (child) {
 *     try {
 *       yield* child.sleep(60);
 *     } finally {
 *       log.push("cleaned up");
 *     }
 *   });
 *   yield* coro.sleep(0.01);
 * });
 * assertEquals(log, ["cleaned up"]);
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export async function run<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Promise<R> {
  const scheduler = new Scheduler({ name: "run" });
  try {
    return await scheduler.spawn(target, ...args).value();
  } finally {
    await scheduler.terminate();
  }
}

/**
 * The same as {@linkcode run}, with options. With the option `scheduler` it runs on that scheduler, which is not
 * terminated.
 *
 * When the signal, such as that of a request, is aborted, the coroutine is terminated: its `finally` blocks run, for up
 * to five seconds. Once everything has ended, the promise is rejected with the reason of the signal.
 *
 * @param options See {@linkcode RunOptions}.
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @returns A promise of its result; rejected with the error that ended it, or with the reason of the signal.
 * @throws {TypeError} If `target` is not a generator function, or an option is of the wrong type or not known.
 * @throws {RangeError} If the priority is not an integer from 0 to 7.
 *
 * @example
 * ```ts
 * import { runWith } from "@asyncoro/asyncoro/edge";
 * import { assertRejects } from "@std/assert";
 *
 * const request = new AbortController();
 * const response = runWith({ signal: request.signal }, function* (coro) {
 *   yield* coro.sleep(60);
 * });
 * request.abort(new Error("the client disconnected"));
 * await assertRejects(() => response, Error, "the client disconnected");
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function runWith<A extends readonly any[], R>(
  options: RunOptions,
  target: CoroFunction<A, R>,
  ...args: A
): Promise<R> {
  checkRun(options, target);
  const scheduler = options.scheduler ?? new Scheduler({ name: "run" });
  const result = runOn(scheduler, options, target, args);
  if (options.scheduler !== undefined) return result;
  return result.finally(() => scheduler.terminate());
}

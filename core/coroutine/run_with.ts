import { describe } from "../base/describe.ts";
import { isSignal } from "../base/limit.ts";
import { checkOptions } from "../base/options.ts";
import type { Coro, CoroFunction } from "./coro.ts";
import { Scheduler, type SpawnOptions } from "./scheduler.ts";
import { checkPriority, checkTarget, currentLoop } from "./spawn_options.ts";

/** Options of {@linkcode runWith}. */
export interface RunOptions extends Pick<SpawnOptions, "name" | "priority" | "daemon"> {
  /** Terminates the coroutine when it is aborted. */
  readonly signal?: AbortSignal;
  /** The scheduler; the default one, or that of the coroutine which runs, by default. */
  readonly scheduler?: Scheduler;
  /** Switches `debug` of the scheduler on or off, before the coroutine is created. */
  readonly debug?: boolean;
}

const OPTIONS = ["signal", "name", "priority", "daemon", "scheduler", "debug"];

/** Throws unless the options and the target are valid. */
export function checkRun(options: RunOptions, target: unknown): void {
  checkOptions(options, OPTIONS, "run a coroutine");
  const { signal, name, priority, scheduler, debug } = options;
  if (signal !== undefined && !isSignal(signal)) throw invalid("signal", "an AbortSignal", signal);
  if (scheduler !== undefined && !(scheduler instanceof Scheduler)) {
    throw invalid("scheduler", "a Scheduler", scheduler);
  }
  if (name !== undefined && typeof name !== "string") throw invalid("name", "a string", name);
  if (priority !== undefined) checkPriority(priority);
  checkDebug(debug, "run a coroutine");
  checkTarget(target);
}

/** Throws unless the option `debug` is valid. */
export function checkDebug(debug: unknown, action: string): void {
  if (debug === undefined || typeof debug === "boolean") return;
  throw new TypeError(`Cannot ${action} as 'debug' must be a boolean: current value is ${describe(debug)}`);
}

function invalid(option: string, wanted: string, value: unknown): TypeError {
  return new TypeError(
    `Cannot run a coroutine as '${option}' must be ${wanted}: current value is ${describe(value)}`,
  );
}

/**
 * Runs a coroutine from async code, with options, and waits for its result.
 *
 * When the signal is aborted, the coroutine is terminated: its `finally` blocks run, for up to five seconds. Once it has
 * ended, the promise is rejected with the reason of the signal; an error by which the coroutine ends meanwhile is
 * reported as uncaught. If the signal is aborted already, the coroutine is not created.
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
 * import { runWith } from "@asyncoro/asyncoro";
 * import { assertRejects } from "@std/assert";
 *
 * const work = runWith({ signal: AbortSignal.timeout(10), name: "work" }, function* (coro) {
 *   yield* coro.sleep(60);
 * });
 * await assertRejects(() => work, DOMException, "timeout");
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function runWith<A extends readonly any[], R>(
  options: RunOptions,
  target: CoroFunction<A, R>,
  ...args: A
): Promise<R> {
  checkRun(options, target);
  return runOn(options.scheduler ?? currentLoop().scheduler, options, target, args);
}

/** Runs a coroutine on a scheduler. Options and target have been checked. */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function runOn<A extends readonly any[], R>(
  scheduler: Scheduler,
  { signal, debug, name, priority, daemon }: RunOptions,
  target: CoroFunction<A, R>,
  args: A,
): Promise<R> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (debug !== undefined) scheduler.debug = debug;
  const coro = scheduler.spawnWith({ name, priority, daemon }, target, ...args);
  return signal === undefined ? coro.value() : valueUnless(signal, coro);
}

async function valueUnless<R>(signal: AbortSignal, coro: Coro<R>): Promise<R> {
  let terminated = false;
  const abort = (): void => {
    terminated = coro.terminate();
  };
  signal.addEventListener("abort", abort);
  try {
    const value = await coro.value();
    if (!terminated) return value;
  } catch (error) {
    if (!terminated) throw error;
    coro.loop.reportError(error, coro as Coro);
  } finally {
    signal.removeEventListener("abort", abort);
  }
  throw signal.reason;
}

import { type Timeout, toSeconds } from "../base/duration.ts";
import { checkOptions } from "../base/options.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import type { Coro, CoroFunction } from "./coro.ts";
import { isInstance } from "../base/describe.ts";
import { DeadlockError } from "./errors.ts";
import { exitProcess, onTermination, setExitCode } from "../host/process.ts";
import { checkDebug } from "./run_with.ts";
import { Scheduler } from "./scheduler.ts";
import { checkTarget } from "./spawn_options.ts";
import { printUncaught } from "../base/error_report.ts";

// Exit codes as of shells: 128 plus the number of the signal.
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs a program: its first coroutine, until that and all other coroutines but daemons have ended.
 *
 * It needs no `await`. An uncaught error of any coroutine or a deadlock is printed, and the exit code is 1. SIGINT and
 * SIGTERM terminate the coroutines, so that their `finally` blocks run (for up to five seconds), and then the process
 * ends with code 130 or 143; a second signal ends it at once. A signal to which a coroutine listens with `signals` does
 * not end the program. When the program ends, daemons are terminated and functions registered with `atexit` run.
 *
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @throws {TypeError} If `target` is not a generator function.
 *
 * @example
 * ```ts
 * import { main } from "@asyncoro/asyncoro";
 *
 * if (import.meta.main) {
 *   main(function* (coro) {
 *     yield* coro.sleep(0.01);
 *     console.log("done");
 *   });
 * }
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function main<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): void {
  start(GRACE_SECONDS, target, args);
}

/** Options of {@linkcode mainWith}. */
export interface MainOptions {
  /** Seconds, or a duration, that `finally` blocks may take when the program is asked to end; 5 by default. */
  readonly grace?: Timeout;
  /** Switches `debug` of the default scheduler on or off. */
  readonly debug?: boolean;
}

/**
 * The same as {@linkcode main}, with options.
 *
 * @param options See {@linkcode MainOptions}.
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @throws {TypeError} If `target` is not a generator function, or an option is of the wrong type or not known.
 *
 * @example
 * ```ts
 * import { mainWith } from "@asyncoro/asyncoro";
 *
 * if (import.meta.main) {
 *   mainWith({ grace: 30, debug: Deno.args.includes("--debug") }, function* (coro) {
 *     yield* coro.sleep(0.01);
 *     console.log("done");
 *   });
 * }
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function mainWith<A extends readonly any[], R>(
  options: MainOptions,
  target: CoroFunction<A, R>,
  ...args: A
): void {
  checkOptions(options, ["grace", "debug"], "run a program");
  const { grace = GRACE_SECONDS, debug } = options;
  const seconds = toSeconds(grace, "run a program", "grace");
  checkDebug(debug, "run a program");
  checkTarget(target);
  if (debug !== undefined) Scheduler.instance().debug = debug;
  start(seconds, target, args);
}

// deno-lint-ignore no-explicit-any -- as in CoroFunction
function start<A extends readonly any[], R>(grace: number, target: CoroFunction<A, R>, args: A): void {
  const scheduler = Scheduler.instance();
  const coro = scheduler.spawn(target, ...args);
  scheduler.loop.onErrorPrinted = () => setExitCode(1);
  const signals = new Signals(scheduler, grace);
  conclude(scheduler, coro as Coro, grace).finally(() => signals.stop());
}

/** Ends the program on a signal: the first signal terminates the scheduler, the second ends the process at once. */
class Signals {
  #stop: () => void;
  #received: "SIGINT" | "SIGTERM" | null = null;

  constructor(scheduler: Scheduler, grace: number) {
    this.#stop = onTermination((signal) => {
      if (this.#received !== null) return exitProcess(EXIT_CODES[signal]);
      this.#received = signal;
      scheduler.terminate(grace).finally(() => exitProcess(EXIT_CODES[signal]));
    });
  }

  stop(): void {
    this.#stop();
  }
}

async function conclude(scheduler: Scheduler, coro: Coro, grace: number): Promise<void> {
  let deadlocked = false;
  await coro.value().catch((error: unknown) => {
    setExitCode(1);
    deadlocked = isInstance(error, DeadlockError);
    if (deadlocked && coro.isAlive()) console.error(String(error));
    else printUncaught(error, coro);
  });
  await scheduler.join().catch((error: unknown) => {
    setExitCode(1);
    // A deadlock that was printed is not printed again.
    if (!deadlocked) console.error(String(error));
  });
  await scheduler.terminate(grace);
}

import type { Coro, CoroFunction } from "./coro.ts";
import { isInstance } from "../base/describe.ts";
import { DeadlockError } from "./errors.ts";
import { exitProcess, onTermination, setExitCode } from "../host/process.ts";
import { Scheduler } from "./scheduler.ts";
import { printUncaught } from "../base/error_report.ts";

// Exit codes as of shells: 128 plus the number of the signal.
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs a program: its first coroutine, until that and all other coroutines but daemons have ended.
 *
 * It needs no `await`. An uncaught error of any coroutine or a deadlock is printed, and the exit code is 1. SIGINT and
 * SIGTERM terminate the coroutines, so that their `finally` blocks run (for up to five seconds), and then the process
 * ends with code 130 or 143; a second signal ends it at once. When the program ends, daemons are terminated and functions
 * registered with `atexit` run.
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
  const scheduler = Scheduler.instance();
  const coro = scheduler.spawn(target, ...args);
  scheduler.loop.onErrorPrinted = () => setExitCode(1);
  const signals = new Signals(scheduler);
  conclude(scheduler, coro as Coro).finally(() => signals.stop());
}

/** Ends the program on a signal: the first signal terminates the scheduler, the second ends the process at once. */
class Signals {
  #stop: () => void;
  #received: "SIGINT" | "SIGTERM" | null = null;

  constructor(scheduler: Scheduler) {
    this.#stop = onTermination((signal) => {
      if (this.#received !== null) return exitProcess(EXIT_CODES[signal]);
      this.#received = signal;
      scheduler.terminate().finally(() => exitProcess(EXIT_CODES[signal]));
    });
  }

  stop(): void {
    this.#stop();
  }
}

async function conclude(scheduler: Scheduler, coro: Coro): Promise<void> {
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
  await scheduler.terminate();
}

import { captureContext, type HostContext, withinContext } from "../host/async_context.ts";
import { printError } from "../base/error_report.ts";

interface ExitFunction {
  readonly fn: () => unknown;
  readonly priority: number;
  readonly hostContext: HostContext;
}

/** The functions that run when a scheduler ends, see `Scheduler.atexit`. */
export class ExitFunctions {
  #functions: ExitFunction[] = [];

  /** Whether there are any. */
  get any(): boolean {
    return this.#functions.length > 0;
  }

  /** Adds a function. */
  add(fn: () => unknown, priority: number): void {
    this.#functions.push({ fn, priority, hostContext: captureContext() });
  }

  /** Runs them all, those with a lower priority number first. Errors are printed. `owner` is named in the message. */
  async run(owner: string): Promise<void> {
    const functions = this.#functions.splice(0).sort((a, b) => a.priority - b.priority);
    for (const { fn, hostContext } of functions) {
      try {
        await withinContext(hostContext, fn);
      } catch (error) {
        printError(`Error in a function of atexit() of ${owner}`, error);
      }
    }
  }
}

/**
 * Errors of futures that were never retrieved: reported when the future is garbage-collected, or when the loop closes.
 */
import { captureContext, type HostContext, withinContext } from "../../host/async_context.ts";
import type { LoopServices, PendingReport } from "./loop_services.ts";

/** What a report says of a future. */
interface Failed {
  readonly kind: string;
  toString(): string;
}

/** An error that is reported unless it is retrieved before. */
export class Unretrieved implements PendingReport {
  readonly #loop: LoopServices;
  readonly #kind: string;
  readonly #name: string;
  readonly #exception: unknown;
  // Weak, as the report is made when the future is collected. Runtimes without finalization report when the loop closes.
  readonly #future: WeakRef<Failed>;
  readonly #hostContext: HostContext = captureContext();

  constructor(future: Failed, loop: LoopServices, exception: unknown) {
    this.#loop = loop;
    this.#kind = future.kind;
    this.#name = `${future}`;
    this.#exception = exception;
    this.#future = new WeakRef(future);
    loop.unretrieved.add(this);
    registry()?.register(future, this, this);
  }

  /** The error was retrieved: there is nothing to report. */
  retrieved(): void {
    this.#loop.unretrieved.delete(this);
    registry()?.unregister(this);
  }

  /** Reports the error: it cannot be retrieved any more, or the loop closes. */
  report(): void {
    this.retrieved();
    withinContext(this.#hostContext, () =>
      this.#loop.callExceptionHandler({
        message: `${this.#kind} exception was never retrieved: ${this.#name}`,
        exception: this.#exception,
        future: this.#future.deref(),
      }));
  }
}

let finalization: FinalizationRegistry<Unretrieved> | undefined;

function registry(): FinalizationRegistry<Unretrieved> | undefined {
  if (typeof FinalizationRegistry !== "function") return undefined;
  return finalization ??= new FinalizationRegistry((unretrieved) => unretrieved.report());
}

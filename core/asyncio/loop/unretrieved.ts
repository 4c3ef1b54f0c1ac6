/**
 * Errors of futures that nobody asked for: reported when the future is collected as garbage, or when the loop closes.
 */
import { captureContext, type HostContext, withinContext } from "../../host/async_context.ts";
import type { EventLoop } from "./event_loop.ts";
import type { Future } from "./future.ts";

/** What is to be reported unless somebody asks. */
export class Unretrieved {
  readonly #loop: EventLoop;
  readonly #kind: string;
  readonly #name: string;
  readonly #exception: unknown;
  // Weak, as it must be collected to be reported; runtimes without finalization report at the close of the loop.
  readonly #future: WeakRef<Future>;
  readonly #hostContext: HostContext = captureContext();

  constructor(future: Future, loop: EventLoop, exception: unknown) {
    this.#loop = loop;
    this.#kind = future.kind;
    this.#name = `${future}`;
    this.#exception = exception;
    this.#future = new WeakRef(future);
    loop.unretrieved.add(this);
    registry()?.register(future, this, this);
  }

  /** Somebody asked. */
  retrieved(): void {
    this.#loop.unretrieved.delete(this);
    registry()?.unregister(this);
  }

  /** Nobody can ask any more, or the loop closes. */
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

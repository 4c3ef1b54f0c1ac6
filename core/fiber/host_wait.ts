import { type Abortable, listenToAbort, stopListening } from "./abort_listeners.ts";
import type { WaitingFiber } from "./context.ts";
import { CountedWait } from "./counted_wait.ts";
import { WAITING } from "./operation.ts";

/**
 * A wait that the host ends, such as for data or for a worker, or an `AbortSignal` before.
 *
 * @internal
 */
export abstract class HostWait<T> extends CountedWait<T> implements Abortable {
  /** @internal */
  declare protected readonly signal: AbortSignal | null;

  /** @internal */
  constructor(signal: AbortSignal | null = null) {
    super();
    this.signal = signal;
  }

  /** @internal */
  protected override count(fiber: WaitingFiber): void {
    super.count(fiber);
    if (this.signal !== null) listenToAbort(this.signal, this);
  }

  /** @internal */
  protected override uncount(): boolean {
    if (!super.uncount()) return false;
    if (this.signal !== null) stopListening(this.signal, this);
    return true;
  }

  /** @internal Gives the wait its value, whether it has only begun or waits for the host. */
  settle(value: unknown): void {
    if (this.countedBy !== null) this.resolve(value);
    else this.give(value);
  }

  /** @internal Gives the wait an error instead. */
  settleError(error: unknown): void {
    if (this.countedBy !== null) this.reject(error);
    else this.fail(error);
  }

  /** @internal */
  override resolve(value: unknown): void {
    this.uncount();
    super.resolve(value);
  }

  /** @internal */
  override reject(error: unknown): void {
    this.uncount();
    super.reject(error);
  }

  /** @internal The signal was aborted. */
  aborted(): void {
    if (this.state === WAITING) this.abort(this.signal!.reason);
  }
}

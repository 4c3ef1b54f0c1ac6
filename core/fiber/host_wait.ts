import { type Abortable, listenToAbort, stopListening } from "./abort_listeners.ts";
import type { WaitingFiber } from "./context.ts";
import { Operation, WAITING } from "./operation.ts";
import type { Loop } from "./schedulable.ts";

/**
 * A wait that the host ends, such as for data or for a worker.
 *
 * The run loop counts it: while there are such waits, virtual time stands still for a while in favour of the host, and
 * reports no deadlock (`coroutine/deadlock.ts` says why other clocks do not either). An `AbortSignal` ends it early. While
 * it waits, no hot swap can be proposed.
 *
 * @internal
 */
export abstract class HostWait<T> extends Operation<T> implements Abortable {
  /** @internal */
  declare protected readonly signal: AbortSignal | null;
  /** @internal The run loop that counts it: from `count()` until it has its outcome or is withdrawn. */
  declare protected countedBy: Loop | null;

  /** @internal */
  constructor(signal: AbortSignal | null = null) {
    super();
    this.signal = signal;
    this.countedBy = null;
  }

  /** @internal Begins to wait for the host. */
  protected count(fiber: WaitingFiber): void {
    this.countedBy = fiber.loop;
    fiber.loop.hostOperations++;
    if (this.signal !== null) listenToAbort(this.signal, this);
  }

  /** @internal No longer waits for the host. Returns whether it did. */
  protected uncount(): boolean {
    if (this.countedBy === null) return false;
    this.countedBy.hostOperations--;
    this.countedBy = null;
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

  /** @internal */
  override swappable(): boolean {
    return false;
  }
}

/**
 * SIGINT during `run()`: every run is cancelled, and when all of them have cleaned up, the process exits as it would have
 * without a handler. A second signal makes it exit at once.
 */
import { exitProcess, onTermination } from "../host/process.ts";

// By the convention of shells: 128 plus the number of the signal.
const INTERRUPTED = 130;

const running = new Set<InterruptibleRun>();
let stopListening: () => void = () => {};
let interrupted = false;

/** A run that a signal cancels. */
export class InterruptibleRun {
  readonly #cancel: () => void;

  /** @param cancel Cancels the run. */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
    if (running.size === 0) stopListening = onTermination(interrupt, ["SIGINT"]);
    running.add(this);
  }

  /**
   * The run has ended.
   *
   * @param byCancellation Whether it has ended because it was cancelled here.
   */
  ended(byCancellation: boolean): void {
    running.delete(this);
    if (running.size > 0) return;
    stopListening();
    const exit = interrupted && byCancellation;
    interrupted = false;
    if (exit) exitProcess(INTERRUPTED);
  }

  /** @internal */
  cancel(): void {
    this.#cancel();
  }
}

function interrupt(): void {
  if (interrupted) return exitProcess(INTERRUPTED);
  interrupted = true;
  for (const each of running) each.cancel();
}

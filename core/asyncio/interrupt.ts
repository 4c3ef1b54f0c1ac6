/**
 * SIGINT while `run()` runs: what runs is cancelled, and when all of it has cleaned up, the process ends as the signal
 * would have ended it. A second signal does so at once.
 */
import { exitProcess, onTermination } from "../host/process.ts";

// By the convention of shells: 128 plus the number of the signal.
const INTERRUPTED = 130;

const running = new Set<Interruptible>();
let stopListening: () => void = () => {};
let interrupted = false;

/** A run that can be interrupted, from its creation to its end. */
export class Interruptible {
  readonly #cancel: () => void;

  /** @param cancel Asks it to end. */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
    if (running.size === 0) stopListening = onTermination(interrupt, ["SIGINT"]);
    running.add(this);
  }

  /**
   * It has ended.
   *
   * @param obediently Whether it did so because it was asked to.
   */
  ended(obediently: boolean): void {
    running.delete(this);
    if (running.size > 0) return;
    stopListening();
    const exits = interrupted && obediently;
    interrupted = false;
    if (exits) exitProcess(INTERRUPTED);
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

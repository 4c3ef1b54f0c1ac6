import { type HostTimer, setTimerRef, startTimer, stopTimer } from "../../host/timers.ts";
import { SHORTAGE_PAUSE } from "./accept_errors.ts";

/** The pause of a listener after a shortage of descriptors. Each shortage is reported once, however long it lasts. */
export class ShortagePause {
  #timer: HostTimer | null = null;
  // The shortage was reported, and no connection has been accepted since.
  #reported = false;

  /** Whether the listener pauses now. */
  get active(): boolean {
    return this.#timer !== null;
  }

  /**
   * Begins a pause. Returns whether the shortage has to be reported.
   *
   * @param goOn Called at the end of the pause.
   * @param alive Whether the pause keeps the process alive.
   */
  begin(goOn: () => void, alive: boolean): boolean {
    this.#timer = startTimer(
      () => {
        this.#timer = null;
        goOn();
      },
      SHORTAGE_PAUSE,
      alive,
    );
    const first = !this.#reported;
    this.#reported = true;
    return first;
  }

  /** A connection was accepted: the shortage is over. */
  ended(): void {
    this.#reported = false;
  }

  /** Makes the pause keep the process alive, or not. */
  setRef(alive: boolean): void {
    if (this.#timer !== null) setTimerRef(this.#timer, alive);
  }

  /** Ends the pause without a call of `goOn`. */
  stop(): void {
    if (this.#timer !== null) stopTimer(this.#timer);
  }
}

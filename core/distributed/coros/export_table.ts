import type { Coro } from "../../coroutine/coro.ts";
import type { EndListener } from "../../coroutine/end_listeners.ts";
import { Timer } from "../../fiber/timer.ts";
import { DEFAULT_PRIORITY } from "../../coroutine/spawn_options.ts";
import { Fifo } from "../../base/fifo.ts";

/** Seconds for which the outcome of a coroutine that was given out is kept. */
const KEPT_SECONDS = 60;
/** How many outcomes are kept at the most. */
const KEPT = 10_000;

/**
 * The coroutines of this process that were given out, by the numbers that peers know them by.
 *
 * Only these can be addressed. A coroutine stays here until it has ended, and some time longer for its outcome.
 */
export class ExportTable implements EndListener {
  private readonly byNumber: Map<number, Coro> = new Map();
  private readonly numbers: Map<Coro, number> = new Map();
  /** Those that have ended, oldest first, each with the time until which it is kept. */
  private readonly ended: Fifo<{ readonly coro: Coro; readonly until: number }> = new Fifo();
  private timer: Timer | null = null;
  private last = 0;

  /** How many there are. */
  get size(): number {
    return this.byNumber.size;
  }

  /** The number of a coroutine, which is given out from now on. */
  numberOf(coro: Coro): number {
    const known = this.numbers.get(coro);
    if (known !== undefined) return known;
    const number = ++this.last;
    this.numbers.set(coro, number);
    this.byNumber.set(number, coro);
    if (coro.acceptsMessages) coro.addEndListener(this);
    else this.onEnd(coro);
    return number;
  }

  /** The coroutine of a number, if it was given out and is still known. */
  find(number: number): Coro | undefined {
    return this.byNumber.get(number);
  }

  /** A coroutine has ended. */
  onEnd(coro: Coro): void {
    this.ended.push({ coro, until: coro.loop.now() + KEPT_SECONDS });
    if (this.ended.length > KEPT) this.forget(this.ended.shift()!.coro);
    if (this.timer === null) this.setTimer(coro, KEPT_SECONDS);
  }

  /** Forgets all. */
  clear(): void {
    this.timer?.cancel();
    this.timer = null;
    for (const coro of this.numbers.keys()) coro.removeEndListener(this);
    this.byNumber.clear();
    this.numbers.clear();
    while (this.ended.shift() !== undefined);
  }

  private setTimer({ loop }: Coro, seconds: number): void {
    this.timer = new Timer(loop, DEFAULT_PRIORITY, seconds, () => {
      this.timer = null;
      const now = loop.now();
      while (this.ended.length > 0 && this.ended.at(0).until <= now) this.forget(this.ended.shift()!.coro);
      if (this.ended.length > 0) this.setTimer(this.ended.at(0).coro, this.ended.at(0).until - now);
    });
  }

  private forget(coro: Coro): void {
    const number = this.numbers.get(coro);
    if (number === undefined) return;
    this.numbers.delete(coro);
    this.byNumber.delete(number);
  }
}

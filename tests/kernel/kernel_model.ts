// What the kernel should do, said as plainly as possible: arrays, sort, and no thought for speed. kernel_duel.ts
// plays the same random operations against both.

const FAIR_SHARE = 61;
const EXPIRATIONS = 1024;
const FIRST_SLOT = 8;
const BATCH = 64;

interface Slot {
  readonly slot: number;
  level: number;
  deadline: number | undefined;
  armedAt: number;
}

/** The naive kernel. Its methods are named as the kernel's exports. */
export class KernelModel {
  readonly #used = new Map<number, Slot>();
  // The last one is given out first.
  #free: number[] = [];
  #untouched = FIRST_SLOT;
  #records = 4096;
  #queues: number[][] = Array.from({ length: 8 }, () => []);
  #armings = 0;
  #streak = 0;
  #cursor = 0;
  #chosen: "alone" | "highest" | "lower" = "alone";

  allocate(level: number): number {
    const slot = this.#free.pop();
    if (slot === undefined) return 0;
    this.#used.set(slot, { slot, level, deadline: undefined, armedAt: 0 });
    return slot;
  }

  refill(): number {
    if (this.#untouched === this.#records) this.#records *= 2;
    const end = Math.min(this.#untouched + BATCH, this.#records);
    for (let slot = end - 1; slot >= this.#untouched; slot--) this.#free.push(slot);
    this.#untouched = end;
    return 1;
  }

  free(slot: number): void {
    this.#used.delete(slot);
    this.#free.push(slot);
  }

  capacity(): number {
    return this.#records - FIRST_SLOT;
  }

  push(level: number, slot: number): void {
    this.#queues[level].push(slot);
  }

  unshift(level: number, slot: number): void {
    this.#queues[level].unshift(slot);
  }

  shift(level: number): number {
    return this.#queues[level].shift() ?? 0;
  }

  setLevel(slot: number, level: number): void {
    this.#used.get(slot)!.level = level;
  }

  arm(slot: number, deadline: number): void {
    if (Number.isNaN(deadline)) return;
    const known = this.#used.get(slot)!;
    known.deadline = deadline === Infinity ? undefined : deadline;
    known.armedAt = this.#armings++;
  }

  disarm(slot: number): void {
    this.#used.get(slot)!.deadline = undefined;
  }

  deadline(slot: number): number {
    return this.#used.get(slot)!.deadline ?? Infinity;
  }

  nextDeadline(): number {
    return Math.min(Infinity, ...this.#timers().slice(0, 1).map((slot) => slot.deadline!));
  }

  timerCount(): number {
    return this.#timers().length;
  }

  readyCount(): number {
    return this.#queues.flat().length;
  }

  expire(now: number): void {
    for (const slot of this.#timers().slice(0, EXPIRATIONS)) {
      if (slot.deadline! > now) return;
      slot.deadline = undefined;
      this.push(slot.level, slot.slot);
    }
  }

  turn(now: number, ran: number, limit: number): number {
    this.expire(now);
    if (this.#chosen === "highest") this.#streak += ran;
    if (this.#chosen === "lower" && ran > 0) this.#streak = 0;
    this.#chosen = "alone";
    const [top, ...lower] = [0, 1, 2, 3, 4, 5, 6, 7].filter((level) => this.#queues[level].length > 0);
    if (top === undefined) return -1;
    if (lower.length === 0) return top + 8 * limit;
    if (this.#streak < FAIR_SHARE) {
      this.#chosen = "highest";
      return top + 8 * Math.min(limit, FAIR_SHARE - this.#streak);
    }
    this.#chosen = "lower";
    this.#cursor = lower.find((level) => level > this.#cursor) ?? lower[0];
    return this.#cursor + 8 * Math.min(limit, 1);
  }

  recycle(): number {
    if (this.#used.size > 0) return 0;
    this.#free = [];
    this.#untouched = FIRST_SLOT;
    this.#streak = 0;
    this.#cursor = 0;
    this.#chosen = "alone";
    return 1;
  }

  /** The slots in use. */
  slots(): number[] {
    return [...this.#used.keys()];
  }

  /** The level of a slot. */
  level(slot: number): number {
    return this.#used.get(slot)!.level;
  }

  /** Whether a slot is in a queue. */
  isReady(slot: number): boolean {
    return this.#queues.some((queue) => queue.includes(slot));
  }

  #timers(): Slot[] {
    return [...this.#used.values()].filter((slot) => slot.deadline !== undefined)
      .sort((a, b) => a.deadline! - b.deadline! || a.armedAt - b.armedAt);
  }
}

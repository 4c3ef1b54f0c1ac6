// What the kernel should do, said as plainly as possible: arrays, sort, and no thought for speed. kernel_duel.ts
// plays the same random operations against both.

const STEP_BUDGET = 61;
const WINDOW = 1024;
const EXPIRATIONS = WINDOW;
const LAST_GENERATION = 2 ** 31 - 1;

interface Coroutine {
  readonly slot: number;
  readonly generation: number;
  live: boolean;
  level: number;
  queued: "no" | "ready" | "due";
  /** The window it was picked for and has not been queued since. */
  pickedFor: Entry | undefined;
  deadline: number | undefined;
  armedAt: number;
}

/** Who is to run. */
interface Entry {
  readonly coroutine: Coroutine;
  readonly byTimer: boolean;
}

/** What is remembered of a pick, in case it is not run. */
interface Memory {
  readonly streak: number;
  readonly cursor: number;
}

/** The naive kernel. Its methods are named as the kernel's exports. */
export class KernelModel {
  readonly #slots: Coroutine[] = [];
  readonly #free: number[] = [];
  readonly #queues: Coroutine[][] = Array.from({ length: 8 }, () => []);
  #capacity = 2048;
  #armings = 0;
  #window: Entry[] = [];
  #memories: Memory[] = [];
  #streak = 0;
  #cursor = 0;

  allocate(level: number): number {
    if (this.#free.length === 0 && this.#slots.length === this.#capacity) {
      return -1;
    }
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[slot] = {
      slot,
      generation: this.generation(slot),
      live: true,
      level,
      queued: "no",
      pickedFor: undefined,
      deadline: undefined,
      armedAt: 0,
    };
    return slot;
  }

  grow(): number {
    this.#capacity *= 2;
    return 1;
  }

  generation(slot: number): number {
    const last = this.#slots[slot];
    if (last === undefined) return 0;
    return last.live ? last.generation : Math.min(last.generation + 1, LAST_GENERATION);
  }

  isCurrent(slot: number, generation: number): number {
    return this.#find(slot, generation) === undefined ? 0 : 1;
  }

  drain(submissions: [number, number][]): void {
    for (const [code, generation] of submissions) {
      const coroutine = this.#find(code < 0 ? ~code : code, generation);
      if (coroutine === undefined) continue;
      if (code < 0) this.#release(coroutine);
      else this.#wake(coroutine);
    }
  }

  /** Returns the window. */
  turn(now: number, submissions: [number, number][], consumed: number, limit: number): number[] {
    this.#putBack(consumed);
    this.drain(submissions);
    for (const coroutine of this.#timers().slice(0, EXPIRATIONS)) {
      if (coroutine.deadline! <= now) this.#enqueue(coroutine, "due", "tail");
    }
    this.#pick(Math.min(limit, WINDOW));
    return this.window();
  }

  /** The window as it stands. */
  window(): number[] {
    return this.#window.map((entry) => entry.coroutine.slot * 2 + (entry.byTimer ? 1 : 0));
  }

  /** What the caller does itself, in the kernel's memory: exchanges two entries. */
  swap(one: number, other: number): void {
    const window = this.#window;
    [window[one], window[other]] = [window[other], window[one]];
  }

  recycle(): number {
    if (this.liveCount() > 0) return 0;
    this.#window = [];
    this.#memories = [];
    this.#streak = 0;
    this.#cursor = 0;
    return 1;
  }

  /** The ids of those that are live. */
  live(): [number, number][] {
    return this.#slots.filter((coroutine) => coroutine.live).map(({ slot, generation }) => [slot, generation]);
  }

  arm(slot: number, generation: number, deadline: number): void {
    const coroutine = this.#find(slot, generation);
    if (coroutine === undefined || coroutine.queued !== "no" || Number.isNaN(deadline)) return;
    coroutine.deadline = deadline === Infinity ? undefined : deadline;
    coroutine.armedAt = this.#armings++;
  }

  disarm(slot: number, generation: number): void {
    const coroutine = this.#find(slot, generation);
    if (coroutine !== undefined) coroutine.deadline = undefined;
  }

  setLevel(slot: number, generation: number, level: number): void {
    const coroutine = this.#find(slot, generation);
    if (coroutine === undefined || level < 0 || level > 7) return;
    const { queued } = coroutine;
    this.#unqueue(coroutine);
    coroutine.level = level;
    if (queued !== "no") this.#enqueue(coroutine, queued, "tail");
  }

  deadline(slot: number, generation: number): number {
    return this.#find(slot, generation)?.deadline ?? Infinity;
  }

  nextDeadline(): number {
    return Math.min(...this.#timers().slice(0, 1).map((coroutine) => coroutine.deadline!), Infinity);
  }

  readyCount(): number {
    return this.#queues.flat().length;
  }

  liveCount(): number {
    return this.#slots.filter((coroutine) => coroutine.live).length;
  }

  timerCount(): number {
    return this.#timers().length;
  }

  capacity(): number {
    return this.#capacity;
  }

  #find(slot: number, generation: number): Coroutine | undefined {
    const coroutine = this.#slots[slot];
    return coroutine?.live && coroutine.generation === generation ? coroutine : undefined;
  }

  #timers(): Coroutine[] {
    return this.#slots.filter((coroutine) => coroutine.deadline !== undefined)
      .sort((a, b) => a.deadline! - b.deadline! || a.armedAt - b.armedAt);
  }

  #release(coroutine: Coroutine): void {
    this.#unqueue(coroutine);
    coroutine.deadline = undefined;
    coroutine.live = false;
    if (coroutine.generation < LAST_GENERATION) this.#free.push(coroutine.slot);
  }

  #wake(coroutine: Coroutine): void {
    if (coroutine.queued === "no") this.#enqueue(coroutine, "ready", "tail");
    coroutine.queued = "ready";
  }

  #enqueue(coroutine: Coroutine, state: "ready" | "due", end: "head" | "tail"): void {
    coroutine.deadline = undefined;
    coroutine.pickedFor = undefined;
    coroutine.queued = state;
    if (end === "head") this.#queues[coroutine.level].unshift(coroutine);
    else this.#queues[coroutine.level].push(coroutine);
  }

  #unqueue(coroutine: Coroutine): void {
    coroutine.queued = "no";
    for (const queue of this.#queues) {
      const at = queue.indexOf(coroutine);
      if (at >= 0) queue.splice(at, 1);
    }
  }

  /** Whether an entry still stands for its coroutine: it was not queued since, nor released. */
  #stands(entry: Entry): boolean {
    return entry.coroutine.live && entry.coroutine.pickedFor === entry;
  }

  #putBack(consumed: number): void {
    const firstNotRun = this.#memories[Math.max(consumed, 0)];
    if (firstNotRun !== undefined) {
      this.#streak = firstNotRun.streak;
      this.#cursor = firstNotRun.cursor;
    }
    for (const entry of this.#window.slice(Math.max(consumed, 0)).reverse()) {
      if (this.#stands(entry)) this.#enqueue(entry.coroutine, entry.byTimer ? "due" : "ready", "head");
    }
  }

  #pick(limit: number): void {
    this.#window = [];
    this.#memories = [];
    const top = this.#queues.findIndex((queue) => queue.length > 0);
    while (this.#window.length < limit && this.#queues[top]?.length > 0) {
      this.#memories.push({ streak: this.#streak, cursor: this.#cursor });
      const coroutine = this.#queues[this.#chooseLevel(top)].shift()!;
      const entry = { coroutine, byTimer: coroutine.queued === "due" };
      coroutine.queued = "no";
      coroutine.pickedFor = entry;
      this.#window.push(entry);
    }
  }

  #chooseLevel(top: number): number {
    const lower = [1, 2, 3, 4, 5, 6, 7].filter((level) => level > top && this.#queues[level].length > 0);
    if (lower.length === 0) return top;
    if (this.#streak < STEP_BUDGET) {
      this.#streak++;
      return top;
    }
    this.#streak = 0;
    this.#cursor = lower.find((level) => level > this.#cursor) ?? lower[0];
    return this.#cursor;
  }
}

import { describe } from "../base/describe.ts";
import { type DurationLike, toIntervalSeconds } from "../base/duration.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { checkOptions } from "../base/options.ts";
import { context } from "../fiber/context.ts";
import type { Operation } from "../fiber/operation.ts";
import { limited } from "./limited.ts";
import { RESOLUTION, TimedQueue, TimedWait } from "./timed_queue.ts";

/** What happens to ticks that nobody waited for, see {@linkcode every}. */
export type MissedTicks = "skip" | "burst" | "delay";

/** Options of {@linkcode every}. */
export interface EveryOptions {
  /**
   * What happens to ticks that nobody waited for. `"skip"` (the default) forgets them, and a `next` that comes late waits
   * for the next tick; `"burst"` gives each of them at once; `"delay"` gives the late tick at once, and the next tick is
   * an interval later.
   */
  readonly missed?: MissedTicks;
  /**
   * Whether the first tick is at the start, and not an interval later. It is given at once to a `next` that comes before
   * the second one, also with `"skip"`.
   */
  readonly immediate?: boolean;
}

/** The state of a {@linkcode Ticker} at one moment. */
export interface TickerStatistics {
  /** How many operations wait for a tick. */
  readonly waiters: number;
}

const POLICIES: readonly unknown[] = ["skip", "burst", "delay"];

/**
 * Makes a ticker: something happens at a fixed interval, without drift, however long each time takes.
 *
 * It starts now; outside coroutines, which have no clock, with the first `next`. Tick k is k intervals after the start. The
 * first is tick 1, or tick 0 with `immediate`. With `"delay"`, a late tick is a new start. Each tick is for one `next`;
 * those that wait longest are first.
 *
 * @param interval Seconds, or a duration.
 * @param options See {@linkcode EveryOptions}.
 * @throws {TypeError} If `interval` is not a duration, or an option is unknown or of the wrong type.
 * @throws {RangeError} If `interval` is not positive and finite.
 *
 * @example
 * ```ts
 * import { every, sleep } from "@asyncoro/asyncoro";
 * import { runVirtual } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await runVirtual(function* (coro) {
 *   using ticker = every({ seconds: 1 });
 *   assertEquals(yield* ticker.next(), 0);
 *   yield* sleep(2.5);
 *   assertEquals(yield* ticker.next(), 2);
 *   assertEquals(coro.scheduler.now(), 4);
 * });
 * ```
 */
export function every(interval: number | DurationLike, options: EveryOptions = {}): Ticker {
  const seconds = toIntervalSeconds(interval, "tick", "interval");
  checkOptions(options, ["missed", "immediate"], "tick");
  const { missed = "skip", immediate = false } = options;
  if (!POLICIES.includes(missed)) {
    throw new TypeError(
      `Cannot tick as 'missed' must be one of ${POLICIES.join(", ")}: current value is ${describe(missed)}`,
    );
  }
  if (typeof immediate !== "boolean") {
    throw new TypeError(`Cannot tick as 'immediate' must be a boolean: current value is ${describe(immediate)}`);
  }
  return new Ticker(new Ticks(seconds, missed, immediate));
}

/** Ticks at a fixed interval, made by {@linkcode every}. */
export class Ticker implements Disposable {
  readonly #ticks: Ticks;

  /** @internal */
  constructor(ticks: Ticks) {
    this.#ticks = ticks;
  }

  /**
   * Waits for the next tick. One that is cut short takes no tick.
   *
   * @param limit How long to wait at most; zero or less does not wait.
   * @returns How many ticks were missed since the last one that was taken. Only `"skip"` misses ticks.
   * @throws {TimeoutError} At the yield, if there is no tick in time.
   * @throws {Error} If the ticker was disposed of, or is disposed of while this waits.
   * @throws {TypeError} If `limit` is not valid.
   */
  next(limit?: Limit): Operation<number> {
    const seconds = limitSeconds(limit, "wait for a tick");
    this.#ticks.mustBeOpen();
    return limited(new Next(this.#ticks, seconds), limit);
  }

  /** Its state at this moment. */
  statistics(): TickerStatistics {
    return Object.freeze({ waiters: this.#ticks.waiters.length });
  }

  /** Ends it: every `next` that waits fails, as does any later one. Calling it again has no effect. */
  [Symbol.dispose](): void {
    this.#ticks.dispose();
  }
}

/** The ticks, and the `next`s that wait for them. */
class Ticks extends TimedQueue<Next> {
  readonly #interval: number;
  readonly #missed: MissedTicks;
  // Tick k is at `#start + k * #interval`. `null` until the time is known.
  #start: number | null = null;
  // The first tick that is not taken or missed yet.
  #next: number;
  // Ticks that went back, and with "skip" also those that were missed and of which no `next` has told yet.
  #returned = 0;
  #disposed = false;

  constructor(interval: number, missed: MissedTicks, immediate: boolean) {
    super();
    this.#interval = interval;
    this.#missed = missed;
    this.#next = immediate ? 0 : 1;
    const { fiber } = context;
    if (fiber !== null) this.#start = this.clock.now(fiber.loop.clock);
  }

  override timeFor(next: Next, now: number): number {
    this.#start ??= now;
    if (this.#missed === "skip") {
      next.tick = this.#tickAfter(now);
      return this.#timeOf(next.tick);
    }
    const time = this.#returned > 0 ? now : this.#timeOf(this.#next);
    // Seen here and not when it is served, which may be a little after the time of the tick.
    next.late = this.#returned > 0 || time < now - RESOLUTION;
    return time;
  }

  override serve(next: Next, time: number): number {
    if (this.#missed === "skip") {
      next.missed = this.#returned + next.tick - this.#next;
      this.#returned = 0;
      this.#next = next.tick + 1;
      return next.missed;
    }
    if (this.#returned > 0) this.#returned--;
    else this.#next++;
    if (this.#missed === "delay" && next.late) {
      this.#start = time;
      this.#next = 1;
    }
    return 0;
  }

  /** A tick was taken and goes back. */
  giveBack({ tick, missed }: Next): void {
    if (this.#missed === "skip" && tick === this.#next - 1) {
      // It is taken if a `next` comes at its very time, and missed otherwise.
      this.#next = tick;
      this.#returned += missed;
    } else {
      this.#returned += missed + 1;
    }
    this.serveDue();
  }

  mustBeOpen(): void {
    if (this.#disposed) throw disposedError();
  }

  dispose(): void {
    this.#disposed = true;
    for (let next = this.waiters.shift(); next !== null; next = this.waiters.shift()) next.reject(disposedError());
  }

  #timeOf(tick: number): number {
    return this.#start! + tick * this.#interval;
  }

  /** The first tick that is not before `now` and not taken. Tick 0 can be taken until tick 1 is due. */
  #tickAfter(now: number): number {
    const since = now - RESOLUTION;
    if (this.#next === 0 && since < this.#timeOf(1)) return 0;
    const tick = Math.max(this.#next, Math.floor((now - this.#start!) / this.#interval));
    return this.#timeOf(tick) < since ? tick + 1 : tick;
  }
}

/** Waits for a tick. */
class Next extends TimedWait<number> {
  override readonly queue: Ticks;
  /** With "skip", the tick that it takes, and how many were missed before that. */
  tick = 0;
  missed = 0;
  /** With "delay", whether the time of its tick had passed when it began to wait. */
  late = false;

  constructor(ticks: Ticks, seconds: number) {
    super();
    this.queue = ticks;
    this.limit = seconds;
  }

  get label(): string {
    return "next";
  }

  override get waitsFor(): string {
    return "a tick";
  }

  protected override get tooLate(): string {
    return "there was no tick";
  }

  protected override begins(): void {
    this.queue.mustBeOpen();
  }

  override reclaim(): void {
    this.queue.giveBack(this);
  }
}

function disposedError(): Error {
  return new Error("Cannot wait for a tick as the ticker was disposed of: make a new one with every()");
}

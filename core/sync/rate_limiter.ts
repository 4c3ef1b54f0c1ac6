import { checkAmount } from "../base/count.ts";
import { type DurationLike, toIntervalSeconds } from "../base/duration.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { checkOptions } from "../base/options.ts";
import { context } from "../fiber/context.ts";
import type { Operation } from "../fiber/operation.ts";
import { hostClock } from "../host/clock.ts";
import { limited } from "../operations/limited.ts";
import { RESOLUTION, TimedQueue, TimedWait } from "../operations/timed_queue.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Options of a {@linkcode RateLimiter}. */
export interface RateLimiterOptions {
  /** How many tokens come in each period of `per`. */
  readonly rate: number;
  /** The length of the period: seconds, or a duration; one second by default. */
  readonly per?: number | DurationLike;
  /** How many tokens it holds at most, and at first; `rate` by default. */
  readonly burst?: number;
}

/** The state of a {@linkcode RateLimiter} at one moment. */
export interface RateLimiterStatistics {
  /** Tokens that are in it, which may be a fraction. */
  readonly available: number;
  /** How many operations wait for tokens. */
  readonly waiters: number;
}

/**
 * Limits how often something happens: a bucket into which tokens come at a rate, up to a number, and from which they are
 * taken. It is full at first.
 *
 * Those that wait get their tokens in the order in which they came: one that takes many is not overtaken by others that
 * take few. The tokens of a `take` that is cut short after it was granted go back.
 *
 * Time is that of the scheduler whose coroutine uses it. Coroutines of several schedulers may share it; it then goes by
 * the clock of the one that used it last. Outside coroutines it goes by the last of these clocks, too.
 *
 * @example
 * ```ts
 * import { RateLimiter } from "@asyncoro/asyncoro";
 * import { runVirtual } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await runVirtual(function* (coro) {
 *   const requests = new RateLimiter({ rate: 10, burst: 2 });
 *   const times: number[] = [];
 *   for (let i = 0; i < 4; i++) {
 *     yield* requests.take();
 *     times.push(coro.scheduler.now());
 *   }
 *   assertEquals(times, [0, 0, 0.1, 0.2]);
 * });
 * ```
 */
export class RateLimiter {
  readonly #bucket: TokenBucket;
  readonly #takes: Takes;

  /**
   * Makes a rate limiter that is full.
   *
   * @param options See {@linkcode RateLimiterOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong type.
   * @throws {RangeError} If a number or a duration is not positive and finite.
   */
  constructor(options: RateLimiterOptions) {
    checkOptions(options, ["rate", "per", "burst"], "create a rate limiter");
    const rate = checkAmount(options.rate, "create a rate limiter as 'rate'");
    const per = toIntervalSeconds(options.per === undefined ? 1 : options.per, "create a rate limiter", "per");
    const burst = checkAmount(options.burst === undefined ? rate : options.burst, "create a rate limiter as 'burst'");
    this.#bucket = new TokenBucket(rate, per, burst);
    this.#takes = new Takes(this.#bucket);
  }

  /**
   * Takes tokens, and waits until there are so many and those that came before have got theirs.
   *
   * @param n How many; a fraction is allowed.
   * @param limit How long to wait at most; zero or less does not wait.
   * @throws {TimeoutError} At the yield, if the tokens do not come in time.
   * @throws {TypeError} If `n` is not a number, or `limit` is not valid.
   * @throws {RangeError} If `n` is not positive, or more than `burst`: so many will never be there.
   */
  take(n = 1, limit?: Limit): Operation<void> {
    this.#check(n);
    return limited(new Take(this.#takes, n, limitSeconds(limit, "take tokens")), limit);
  }

  /**
   * Takes tokens if they are there and no `take` waits.
   *
   * @param n How many; a fraction is allowed.
   * @returns Whether it took them.
   * @throws {TypeError} If `n` is not a number.
   * @throws {RangeError} If `n` is not positive, or more than `burst`.
   */
  tryTake(n = 1): boolean {
    this.#check(n);
    const now = this.#now();
    if (this.#takes.waiters.length > 0 || this.#bucket.readyAt(n, now) > now + RESOLUTION) return false;
    this.#bucket.take(n, now);
    return true;
  }

  /** Its state at this moment. */
  statistics(): RateLimiterStatistics {
    return Object.freeze({ available: this.#bucket.available(this.#now()), waiters: this.#takes.waiters.length });
  }

  #now(): number {
    const { clock } = this.#takes;
    return clock.now(context.fiber?.loop.clock ?? clock.clock ?? hostClock);
  }

  #check(n: number): void {
    checkAmount(n, "take tokens as 'n'");
    const { burst } = this.#bucket;
    if (n <= burst) return;
    throw new RangeError(
      `Cannot take ${n} tokens as a rate limiter with a 'burst' of ${burst} never has so many: ` +
        "take fewer at once, or make one with more",
    );
  }
}

/** The takes that wait. */
class Takes extends TimedQueue<Take> {
  readonly bucket: TokenBucket;

  constructor(bucket: TokenBucket) {
    super();
    this.bucket = bucket;
  }

  override timeFor({ n }: Take, now: number): number {
    return this.bucket.readyAt(n, now);
  }

  override serve({ n }: Take, time: number): void {
    this.bucket.take(n, time);
  }
}

/** Waits for tokens. */
class Take extends TimedWait<void> {
  override readonly queue: Takes;
  readonly n: number;

  constructor(takes: Takes, n: number, seconds: number) {
    super();
    this.queue = takes;
    this.n = n;
    this.limit = seconds;
  }

  get label(): string {
    return "take";
  }

  override get waitsFor(): string {
    return `${this.n} ${this.n === 1 ? "token" : "tokens"} of a rate limiter`;
  }

  protected override get tooLate(): string {
    return `a rate limiter had no ${this.n === 1 ? "token" : `${this.n} tokens`} to take`;
  }

  override reclaim(): void {
    const { queue } = this;
    queue.bucket.giveBack(this.n, queue.clock.now(this.fiber!.loop.clock));
    queue.serveDue();
  }
}

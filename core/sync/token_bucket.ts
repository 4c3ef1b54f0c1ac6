/**
 * Tokens that come at a rate, up to a number.
 *
 * What was taken is counted since the bucket was last full, and is not added up as time passes: so a token comes exactly
 * at its time, however many were taken before.
 */
export class TokenBucket {
  readonly #rate: number;
  readonly #per: number;
  /** How many tokens it holds at most, and at first. */
  readonly burst: number;
  // When it was last known to be full, and how many tokens were taken since.
  #full = 0;
  #taken = 0;

  /** `rate` tokens come in each period of `per` seconds. */
  constructor(rate: number, per: number, burst: number) {
    this.#rate = rate;
    this.#per = per;
    this.burst = burst;
  }

  /** How many tokens are in it. */
  available(now: number): number {
    this.#refill(now);
    return Math.max(0, this.burst - this.#missing(now));
  }

  /** From when on `n` tokens are in it, if none are taken before. `n` is not more than `burst`. */
  readyAt(n: number, now: number): number {
    this.#refill(now);
    return this.#full + Math.max(0, this.#taken + n - this.burst) * this.#per / this.#rate;
  }

  /** Takes tokens, which are in it. */
  take(n: number, now: number): void {
    this.#refill(now);
    this.#taken += n;
  }

  /** Returns tokens that were taken. What does not fit in is dropped. */
  giveBack(n: number, now: number): void {
    this.#refill(now);
    this.#taken = Math.max(0, this.#taken - n);
  }

  #missing(now: number): number {
    return this.#taken - (now - this.#full) * this.#rate / this.#per;
  }

  #refill(now: number): void {
    if (this.#taken > 0 && this.#missing(now) > 0) return;
    this.#full = now;
    this.#taken = 0;
  }
}

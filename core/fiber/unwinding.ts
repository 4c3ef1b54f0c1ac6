import type { Timer } from "./timer.ts";

/** Seconds that the cleanup code of cancelled work may take before its waits are cut short. */
export const GRACE_SECONDS = 5;

/** An unwinding that was asked for, until the frames it concerns are closed. */
export class Unwinding {
  /** How many suspended frames stay; -1 closes everything. */
  declare depth: number;
  /** How many suspended frames are beneath the one that is being closed; frames above that one are its cleanup. */
  closing = -1;
  /** Seconds for which waits of cleanup code are honoured. */
  declare grace: number;
  /** When waits are no longer honoured, in seconds of the scheduler's clock. */
  declare until: number;
  /** Fires at `until`. */
  timer: Timer | null = null;
  /** How many suspended frames it leaves as far as the subroutines above know. */
  announced = Infinity;
  /** `return()` is due at the next step. */
  due = true;
  /** How often a wait was cut short with `return()` after the grace. */
  forced = 0;
  /** The first error that cleanup code threw. */
  failure: { error: unknown } | null = null;
  /** Asyncoro's "last value" when the unwinding was asked for: a value that cleanup code waits for is no result. */
  declare readonly last: unknown;
  /** The error for the operation that called, if a deadline or a signal unwinds. */
  declare reason: unknown;
  /** The unwinding in whose cleanup this one happens. */
  declare readonly outer: Unwinding | null;

  constructor(depth: number, grace: number, now: number, last: unknown, reason: unknown, outer: Unwinding | null) {
    this.depth = depth;
    this.grace = grace;
    this.until = now + grace;
    this.last = last;
    this.reason = reason;
    this.outer = outer;
  }

  /** Whether closing frames down to `depth` concerns only the cleanup that runs now. */
  hasInCleanup(depth: number): boolean {
    return !this.due && depth >= this.closing;
  }

  /** Makes it close more frames, or end earlier. */
  extend(depth: number, grace: number, now: number, reason: unknown): void {
    const until = now + grace;
    if (depth < this.depth) {
      this.depth = depth;
      this.reason = reason;
      this.grace = grace;
      this.until = until;
    } else if (reason === null) {
      this.until = Math.min(this.until, until);
    }
    this.cancelTimer();
  }

  /** When the first grace ends, of this unwinding and those around it. */
  graceEnd(): number {
    let end = this.until;
    for (let { outer } = this; outer !== null; outer = outer.outer) end = Math.min(end, outer.until);
    return end;
  }

  /** Takes the failure of an unwinding within its cleanup, unless it has one. */
  takeFailure(inner: Unwinding): void {
    if (this.failure !== null) return;
    this.failure = inner.failure;
    inner.failure = null;
  }

  cancelTimer(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}

/** The unwinding that closing frames down to `depth` belongs to: the innermost one, or one around it. */
export function unwindingFor(depth: number, innermost: Unwinding): Unwinding {
  let unwinding = innermost;
  while (unwinding.outer !== null && depth < unwinding.outer.closing) unwinding = unwinding.outer;
  return unwinding;
}

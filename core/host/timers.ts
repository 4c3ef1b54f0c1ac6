/**
 * Host timers, which keep the process alive or do not.
 */
import { host } from "./runtime.ts";

/** A host timer: a number in Deno and browsers, an object in Node.js and Bun. */
export type HostTimer = number | NodeTimer;

interface NodeTimer {
  ref(): void;
  unref(): void;
}

// setTimeout takes 32-bit milliseconds; longer delays fire at once (https://html.spec.whatwg.org/#timers).
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Starts a host timer.
 *
 * @param callback What to call.
 * @param seconds The delay. A delay that is too long for the host is shortened to the longest that it takes.
 * @param alive Whether the timer keeps the process alive.
 */
export function startTimer(callback: () => void, seconds: number, alive: boolean): HostTimer {
  const delayMs = Math.max(0, Math.min(MAX_DELAY_MS, seconds * 1000));
  const timer = setTimeout(callback, delayMs) as unknown as HostTimer;
  if (!alive) setTimerRef(timer, false);
  return timer;
}

/**
 * Rounds a delay in seconds up to whole milliseconds, for a timer that must not fire early: hosts round down. An excess
 * of up to 0.05 ms is ignored: it may be a rounding error, and timers are late by more than that.
 */
export function roundUpDelay(seconds: number): number {
  return Math.ceil(seconds * 1000 - 0.05) / 1000;
}

/** Stops a host timer. */
export function stopTimer(timer: HostTimer): void {
  clearTimeout(timer as unknown as number);
}

/** Sets whether a host timer keeps the process alive. */
export function setTimerRef(timer: HostTimer, alive: boolean): void {
  if (typeof timer === "number") {
    if (alive) host.Deno?.refTimer(timer);
    else host.Deno?.unrefTimer(timer);
  } else if (alive) timer.ref();
  else timer.unref();
}

/** Keeps the process alive until the returned function is called, for a host operation that does not do so itself. */
export function keepAlive(): () => void {
  let timer: HostTimer;
  const start = (): void => {
    timer = startTimer(start, Infinity, true);
  };
  start();
  return () => stopTimer(timer);
}

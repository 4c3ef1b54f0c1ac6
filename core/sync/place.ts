import { context } from "../context.ts";
import type { Scheduler } from "../scheduler.ts";

/** Whether the running coroutine belongs to a scheduler with `debug`. */
export function isDebugging(): boolean {
  const strand = context.strand;
  return strand !== null && (strand.loop as Scheduler).debug;
}

/** Where the caller of the function `above` is, as the engine writes it; `null` if the engine does not tell. */
export function callerOf(above: (...args: never[]) => unknown): string | null {
  if (!("captureStackTrace" in Error)) return null;
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, above);
  return here.stack?.split("\n").find((line) => line.trimStart().startsWith("at "))?.trim() ?? null;
}

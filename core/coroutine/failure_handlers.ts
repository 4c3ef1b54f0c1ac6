/**
 * What handles the failure of a coroutine, so that it need not be reported.
 *
 * A wait in `finish()` that was given the error may be cut short before it passes the error on; then it no longer counts
 * as a handler. When no handler is left, the failure is unhandled again.
 */
import { SPENT } from "../fiber/operation.ts";
import { Finish } from "../operations/finish.ts";

/** The waits that were given the failure of a coroutine, as long as no handler has certainly received it. */
const waits = new WeakMap<object, Set<Finish<unknown>>>();

/** Adds a handler, the first one or another. Any handler but a wait in `finish()` has certainly received the error. */
export function addHandler(coro: object, handler: unknown, isFirst: boolean): void {
  const given = isFirst ? new Set<Finish<unknown>>() : waits.get(coro);
  if (given === undefined) return;
  // A wait that has ended and was not removed has received the error. Looking at the oldest is enough to keep the set
  // from growing without end.
  const { value: oldest } = given.values().next();
  if (handler instanceof Finish && oldest?.state !== SPENT) waits.set(coro, given.add(handler));
  else waits.delete(coro);
}

/** Removes a wait that was cut short. Returns whether no handler is left. */
export function removeHandler(coro: object, wait: unknown): boolean {
  const given = waits.get(coro);
  return given !== undefined && given.delete(wait as Finish<unknown>) && given.size === 0;
}

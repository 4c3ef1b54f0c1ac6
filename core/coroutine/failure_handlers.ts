/**
 * What handles the failure of a coroutine, so that it need not be reported.
 *
 * A wait in `finish()` that was given the error may be cut short before it passes the error on; then it no longer counts
 * as a handler. When no handler is left, the failure is unhandled again.
 */
import { SPENT } from "../fiber/operation.ts";
import { Finish } from "../operations/finish.ts";

/** Some handler has certainly received the error. */
const DELIVERED: unique symbol = Symbol("delivered");

/**
 * The waits that were given the error: none (`null`), one or several; or the mark that some handler has certainly
 * received it.
 */
export type FailureHandlers = null | Finish<unknown> | Set<Finish<unknown>> | typeof DELIVERED;

/** Adds a handler. Any handler but a wait in `finish()` has certainly received the error. */
export function addHandler(handlers: FailureHandlers, handler: unknown): FailureHandlers {
  if (handlers === DELIVERED || !(handler instanceof Finish)) return DELIVERED;
  if (handlers === null) return handler;
  const waits = handlers instanceof Finish ? new Set([handlers]) : handlers;
  // A wait that has ended and was not removed has received the error. Looking at the oldest is enough to keep the set
  // from growing without end.
  const { value: oldest } = waits.values().next();
  return oldest?.state === SPENT ? DELIVERED : waits.add(handler);
}

/** Removes a wait that was cut short. */
export function removeHandler(handlers: FailureHandlers, wait: unknown): FailureHandlers {
  if (handlers === wait) return null;
  if (!(handlers instanceof Set)) return handlers;
  handlers.delete(wait as Finish<unknown>);
  return handlers.size === 0 ? null : handlers;
}

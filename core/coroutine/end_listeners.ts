/**
 * What refers to a coroutine as a recipient (a channel, a registry, a coroutine that it monitors) and must drop the
 * reference when the coroutine can receive no more messages: nothing with a long life may keep coroutines that ended.
 */
import type { Owner } from "../fiber/owner.ts";

/** Is notified of the end of a coroutine. */
export interface EndListener {
  /** The coroutine has ended and cannot be restarted. */
  onEnd(coro: Owner): void;
  /**
   * The coroutine has failed and may be restarted. `messages` are those that are still in its mailbox; only they survive a
   * restart.
   */
  onFailure?(messages: ReadonlySet<unknown>): void;
}

/** Most coroutines have one listener at most, and a set takes ten times the memory. */
export type EndListeners = null | EndListener | Set<EndListener>;

/** Adds a listener; adding it again has no effect. */
export function addEndListener(listeners: EndListeners, listener: EndListener): EndListeners {
  if (listeners instanceof Set) return listeners.add(listener);
  return listeners === null || listeners === listener ? listener : new Set([listeners, listener]);
}

/** Removes a listener, if it is there. */
export function removeEndListener(listeners: EndListeners, listener: EndListener): EndListeners {
  if (listeners === listener) return null;
  return listeners instanceof Set && listeners.delete(listener) && listeners.size === 0 ? null : listeners;
}

/** Notifies all listeners. */
export function notifyEndListeners(listeners: EndListeners, coro: Owner): void {
  if (listeners instanceof Set) { for (const listener of listeners) listener.onEnd(coro); }
  else listeners?.onEnd(coro);
}

/** Notifies all listeners of a failure that may be followed by a restart. */
export function notifyOfFailure(listeners: EndListeners, messages: Iterable<unknown>): void {
  if (listeners === null) return;
  const kept = new Set(messages);
  for (const listener of listeners instanceof Set ? [...listeners] : [listeners]) listener.onFailure?.(kept);
}

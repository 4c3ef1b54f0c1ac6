/**
 * The signals of coroutines, for APIs of the host that take one. Few coroutines have one, so they have no field for it.
 */
import { getOrMake } from "../base/get_or_make.ts";

const controllers = new WeakMap<object, AbortController>();

/** The signal of a coroutine, made on first use. */
export function endSignalOf(coro: object): AbortSignal {
  return getOrMake(controllers, coro, () => new AbortController()).signal;
}

/** Aborts the signal of a coroutine, which has one. The first reason stands. */
export function abortEndSignal(coro: object, reason: string): void {
  controllers.get(coro)!.abort(new Error(reason));
}

/** The coroutine begins anew: it gets another signal when that is used. */
export function forgetEndSignal(coro: object): void {
  controllers.delete(coro);
}

import { runningCoro } from "../coroutine/coro_of.ts";
import { ClosedWithOwner } from "../coroutine/owned_resource.ts";

/**
 * Calls a function when the coroutine that runs now ends; outside coroutines it is never called.
 *
 * @returns A function by which it need not be called any more.
 */
export function whileOwned(close: () => void): () => void {
  const coro = runningCoro();
  if (coro === null) return () => {};
  const resource = new ClosedWithOwner(coro, close);
  return () => resource.detach();
}

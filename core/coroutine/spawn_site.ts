/** Where coroutines were created, for `dump()`: recorded while their scheduler has `debug`. */
import { callOfProgram } from "../base/call_site.ts";
import type { Coro } from "./coro.ts";

const sites = new WeakMap<Coro, string | null>();

/** Records the call of the program that creates a coroutine. */
export function recordSpawnSite(coro: Coro): void {
  sites.set(coro, callOfProgram());
}

/** Where a coroutine was created; `null` if that was not recorded. */
export function spawnSite(coro: Coro): string | null {
  return sites.get(coro) ?? null;
}

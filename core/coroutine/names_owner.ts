import { callbackContext } from "./callback_loop.ts";
import { runningCoro } from "./coro_of.ts";
import type { NamesOwner } from "./names.ts";

/** Code outside coroutines: it has the names of the default scheduler once that has joined a network. */
export const outside: NamesOwner = { names: null };

/** Whose names the code that runs now uses: those of the scheduler of its coroutine or callback, if it runs in one. */
export function currentNamesOwner(): NamesOwner {
  return runningCoro()?.loop ?? callbackContext.loop ?? outside;
}

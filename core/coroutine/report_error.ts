/** The end of an error that no code of the program handles: the hook of the scheduler, or else stderr. */
import { printError, printUncaught } from "../base/error_report.ts";
import { withinContext } from "../host/async_context.ts";
import type { Coro } from "./coro.ts";
import { runningCoro } from "./coro_of.ts";

/** Reports an error of a coroutine, in the host's asynchronous context of that. */
export function reportError(error: unknown, coro: Coro): void {
  if (runningCoro() === coro) callHook(error, coro);
  else withinContext(coro.hostContext, () => callHook(error, coro));
}

function callHook(error: unknown, coro: Coro): void {
  const { scheduler } = coro;
  if (scheduler.onError === null) {
    coro.loop.onErrorPrinted?.();
    return printUncaught(error, coro);
  }
  try {
    scheduler.onError(error, coro);
  } catch (failure) {
    printUncaught(error, coro);
    printError("Error in the onError hook", failure);
  }
}

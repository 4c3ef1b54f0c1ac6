import type { CompletionWaiter } from "../../fiber/completion_waiter.ts";
import type { LoopServices } from "./loop_services.ts";

/** @internal What a wait needs of the future that it waits for. */
export interface AwaitedFuture {
  /** The event loop that it belongs to. */
  readonly loop: LoopServices;
  /** Settles a waiter if the future is done, and returns whether it is. */
  settleIfDone(waiter: { give(value: unknown): unknown; fail(error: unknown): unknown }): boolean;
  /** Adds a waiter. */
  addWaiter(waiter: CompletionWaiter): void;
  /** Removes a waiter. */
  removeWaiter(waiter: CompletionWaiter): void;
  /** The error was retrieved. */
  markRetrieved(): void;
  /** Cancels it, unless it is done. */
  cancel(message?: string): boolean;
}

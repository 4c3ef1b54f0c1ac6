import type { CompletionWaiter } from "../fiber/completion_waiter.ts";
import type { Owner } from "../fiber/owner.ts";

/** Something whose end can be waited for: a coroutine. */
export interface Joinable {
  /** The coroutine itself, as locks and the search for deadlocks name it. */
  readonly owner: Owner;
  /** Gives `waiter` the outcome, if there is one. Returns whether there is. */
  giveOutcome(waiter: OutcomeReceiver): boolean;
  /** Adds a waiter, which is settled at the end. */
  addCompletionWaiter(waiter: CompletionWaiter): void;
  /** Removes a waiter. */
  removeCompletionWaiter(waiter: CompletionWaiter): void;
  /** The failure was given to `waiter`, which was cut short before it could pass it on. */
  markUnhandled(waiter: CompletionWaiter): void;
  /** How it reads in messages. */
  toString(): string;
}

/** Whether the end of a value can be waited for: it is a coroutine. */
export function isJoinable(value: unknown): value is Joinable {
  return typeof value === "object" && value !== null && "giveOutcome" in value;
}

/** Takes an outcome that is there at once. */
export interface OutcomeReceiver {
  /** Takes a result. */
  give(value: unknown): unknown;
  /** Takes an error. */
  fail(error: unknown): unknown;
}

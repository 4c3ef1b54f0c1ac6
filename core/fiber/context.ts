import type { HostContext } from "../host/async_context.ts";
import type { Owner } from "./owner.ts";
import type { Schedulable } from "./schedulable.ts";

/** A fiber, as the operations that it waits for see it. */
export interface WaitingFiber extends Schedulable {
  /** The coroutine it belongs to. */
  readonly owner: Owner;
  /** The fiber of whose waits it is a branch; `null` for the main fiber of a coroutine. */
  readonly parentFiber: WaitingFiber | null;
  /** The host's asynchronous context in which its coroutine was created. */
  readonly hostContext: HostContext;
  /** The operation it waits for. */
  wait: object | null;
  /** The suspended callers of the running generator; `null` while there is none. */
  readonly frames: readonly unknown[] | null;
  /** Asyncoro's "last value": what the latest yield of the outermost generator evaluated to. */
  last: unknown;
  /** Seconds that cleanup may still take, if the fiber is being unwound. */
  graceLeft(): number | null;
}

/**
 * The fiber whose step runs now in this isolate; `null` between steps and in callbacks. JavaScript runs one thing at a
 * time, so one variable serves every scheduler. The run loop sets it before a step and clears it after.
 */
export const context: { fiber: WaitingFiber | null } = { fiber: null };

/**
 * What mailboxes must know of some messages of the library. The messages have these properties, so that mailboxes need
 * not know their classes.
 */

/** A property: a bounded mailbox takes the message even if it is full, and never drops it. */
export const IGNORES_CAPACITY: unique symbol = Symbol();
/** A method, called when a bounded mailbox drops the message to make room. */
export const DROPPED: unique symbol = Symbol();
/** A method, called before code of the program looks at the message in the mailbox, without receiving it. */
export const SHOWN: unique symbol = Symbol();

/** Whether a message has a property; `false` if it is a proxy that refuses to tell. */
export function hasHook(message: unknown, hook: symbol): boolean {
  try {
    return typeof message === "object" && message !== null && hook in message;
  } catch {
    return false;
  }
}

/** Calls a method of a message, if it has it. */
export function callHook(message: unknown, hook: typeof DROPPED | typeof SHOWN): void {
  if (hasHook(message, hook)) (message as Record<typeof hook, () => void>)[hook]();
}

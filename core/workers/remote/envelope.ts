/**
 * How a value travels by message port: in a Map, under a number.
 *
 * Deno searches every value that it receives from a port for message ports, property by property and element by
 * element: that takes a second for ten million bytes in a typed array, and no time for the same bytes in a buffer. It
 * does not search a Map. Moved objects are beside the Map, so that Deno finds the ports among them.
 *
 * The number is also in the ring. If a limit stops a task while it sends, there is a message whose number is not in the
 * ring; it is skipped.
 *
 * The functions are sent to the worker as source, so they refer to nothing outside themselves.
 */

/** The message that carries `value`. */
export function seal(number: number, value: unknown, transfer: readonly Transferable[]): unknown {
  const content = new Map([[number, value]]);
  return transfer.length === 0 ? content : [content, ...transfer];
}

/** The content of a message: a value by its number. */
export function unseal(message: unknown): Map<number, unknown> {
  return (Array.isArray(message) ? message[0] : message) as Map<number, unknown>;
}

/**
 * How a value travels by message port: in a Map, under a number.
 *
 * Deno looks for message ports in whatever it takes from a port, property by property and element by element: a second
 * for ten million bytes in a typed array, none for the same bytes in a buffer. It does not look into a Map. What is
 * moved stands beside the Map, so that Deno finds the ports in it.
 *
 * The number is also in the ring. A task that its limit stops in the middle of sending leaves a message that no word
 * in the ring announces; it is skipped by that.
 *
 * The functions are sent to the worker as source, so they refer to nothing outside themselves.
 */

/** The message that carries `value`. */
export function seal(number: number, value: unknown, transfer: readonly Transferable[]): unknown {
  const content = new Map([[number, value]]);
  return transfer.length === 0 ? content : [content, ...transfer];
}

/** What a message carries, by its number. */
export function unseal(message: unknown): Map<number, unknown> {
  return (Array.isArray(message) ? message[0] : message) as Map<number, unknown>;
}

/** The stand-in for `tests/helpers/signals.ts`: here the process lists its listeners. */

/** Calls `use` with a function that counts the listeners of a signal. */
export async function countingListeners(
  counted: "SIGINT" | "SIGTERM",
  use: (count: () => number) => Promise<void>,
): Promise<void> {
  await use(() => process.listenerCount(counted));
}

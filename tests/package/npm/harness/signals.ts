/** The stand-in for `tests/helpers/signals.ts`: here the process knows its listeners. */

/** Runs `use` with a way to ask how many listeners of a signal there are. */
export async function countingListeners(
  counted: "SIGINT" | "SIGTERM",
  use: (count: () => number) => Promise<void>,
): Promise<void> {
  await use(() => process.listenerCount(counted));
}

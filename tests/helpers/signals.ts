/** Calls `use` with a function that counts the listeners of a signal that were added meanwhile. */
export async function countingListeners(
  counted: "SIGINT" | "SIGTERM",
  use: (count: () => number) => Promise<void>,
): Promise<void> {
  const { addSignalListener, removeSignalListener } = Deno;
  let count = 0;
  Deno.addSignalListener = (signal, handler) => {
    if (signal === counted) count++;
    addSignalListener(signal, handler);
  };
  Deno.removeSignalListener = (signal, handler) => {
    if (signal === counted) count--;
    removeSignalListener(signal, handler);
  };
  try {
    await use(() => count);
  } finally {
    Object.assign(Deno, { addSignalListener, removeSignalListener });
  }
}

// The cell on which the thread waits; nothing wakes it. `null` where the host does not let this thread wait.
let cell: Int32Array<SharedArrayBuffer> | null | undefined;

/** Blocks the thread for some seconds. Does nothing where the host forbids that, as browsers do in pages. */
export function blockThread(seconds: number): void {
  if (cell === undefined) cell = makeCell();
  if (cell !== null) Atomics.wait(cell, 0, 0, seconds * 1000);
}

function makeCell(): Int32Array<SharedArrayBuffer> | null {
  try {
    const made = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(made, 0, 0, 0);
    return made;
  } catch {
    return null;
  }
}

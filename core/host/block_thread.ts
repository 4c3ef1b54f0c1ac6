// The cell on which the thread waits; nothing wakes it.
let cell: Int32Array<SharedArrayBuffer> | undefined;

/** Blocks the thread for some seconds. Does nothing where the host forbids that, as browsers do in pages. */
export function blockThread(seconds: number): void {
  try {
    cell ??= new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, seconds * 1000);
  } catch {
    // A page has no such buffer, or must not wait.
  }
}

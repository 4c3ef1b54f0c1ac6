/** The tasks that all contenders run. */

/** Does nothing. */
export function empty(): void {}

/** Computes for a millisecond. */
export function compute(): void {
  for (const end = performance.now() + 1; performance.now() < end;);
}

/** Gives the buffer back. */
export function bounce(buffer: ArrayBuffer): ArrayBuffer {
  return buffer;
}

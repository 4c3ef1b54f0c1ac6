const MIN_SIZE = 2048;
const MAX_SIZE = 65_536;
// After this many small reads in a row, a large buffer is given up.
const SMALL_READS = 8;

/** The buffer of a connection's host reads: it grows while reads fill it, and shrinks when they no longer do. */
export class AdaptiveBuffer {
  /** The buffer for the next read. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(MIN_SIZE);
  #smallReads = 0;

  /** Chooses the next buffer. `count` bytes were read; `inUse` tells whether the old buffer must not be used again. */
  adapt(count: number, inUse: boolean): void {
    const size = this.bytes.length;
    if (count > MIN_SIZE) this.#smallReads = 0;
    else this.#smallReads++;
    if (count === size && size < MAX_SIZE) this.bytes = new Uint8Array(Math.min(MAX_SIZE, size * 8));
    else if (size > MIN_SIZE && this.#smallReads > SMALL_READS) this.bytes = new Uint8Array(MIN_SIZE);
    else if (inUse) this.bytes = new Uint8Array(size);
  }
}

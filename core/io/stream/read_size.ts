const LEAST_SIZE = 1024;
const GREATEST_SIZE = 65_536;
// After this many small reads in a row, the size is the least again.
const SMALL_READS = 8;

/** How many bytes a host read has room for: more while reads fill it, and few again when they no longer do. */
export class ReadSize {
  /** The size of the next read. */
  bytes: number;
  private readonly least: number;
  private readonly greatest: number;
  private smallReads = 0;

  /** `least` is the size at first, and that of an idle connection. */
  constructor(least = LEAST_SIZE, greatest = GREATEST_SIZE) {
    this.bytes = this.least = least;
    this.greatest = greatest;
  }

  /** Adapts to a read of `count` bytes. `full`: it used all its room. */
  adapt(count: number, full: boolean): void {
    this.smallReads = count > this.least ? 0 : this.smallReads + 1;
    if (full) this.bytes = Math.min(this.greatest, this.bytes * 8);
    else if (this.smallReads > SMALL_READS) this.bytes = this.least;
  }

  /** An array of this size: the given one, or a new one. */
  fit(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    return array.length === this.bytes ? array : new Uint8Array(this.bytes);
  }
}

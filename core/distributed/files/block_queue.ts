/** Bytes that wait to be written, in blocks. However small the parts are in which they come, they take no more memory. */
export class BlockQueue {
  private readonly blockBytes: number;
  private readonly blocks: Block[] = [];
  /** The block that was returned last, and one that is free again. */
  private current: Block | null = null;
  private free: Block | null = null;

  /** `blockBytes` is how large a block may be. */
  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
  }

  /** Adds bytes, as a copy. */
  push(bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length;) {
      let last = this.blocks.at(-1);
      if (last === undefined || last.length === this.blockBytes) this.blocks.push(last = this.newBlock());
      const part = bytes.subarray(start, start + this.blockBytes - last.length);
      last.bytes.set(part, last.length);
      last.length += part.length;
      start += part.length;
    }
  }

  /** Removes and returns the first bytes; `null` if there are none. They are valid until the next call. */
  shift(): Uint8Array | null {
    this.free ??= this.current;
    this.current = this.blocks.shift() ?? null;
    return this.current === null ? null : this.current.bytes.subarray(0, this.current.length);
  }

  /** Drops all. */
  clear(): void {
    this.blocks.length = 0;
  }

  private newBlock(): Block {
    const bytes = this.free?.bytes ?? new Uint8Array(this.blockBytes);
    this.free = null;
    return { bytes, length: 0 };
  }
}

interface Block {
  readonly bytes: Uint8Array;
  length: number;
}

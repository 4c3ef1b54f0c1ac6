import { Fifo } from "../../base/fifo.ts";

// A frame of this size is not worth copying: a host write for it alone costs less.
const LARGE = 32 * 1024;
// The greatest number of bytes that are gathered for one host write.
const GATHERED = 256 * 1024;

/** Frames that wait to be written to a stream, in order. Small ones are gathered: a host write costs as much as 64 KiB. */
export class FrameQueue {
  readonly #frames = new Fifo<Uint8Array>();

  /** Whether no frame waits. */
  get empty(): boolean {
    return this.#frames.length === 0;
  }

  /** Adds a frame, which must not be changed any more. */
  push(frame: Uint8Array): void {
    this.#frames.push(frame);
  }

  /** Removes the frames for the next host write, and returns their bytes. There is one at least. */
  take(): Uint8Array {
    const first = this.#frames.shift()!;
    if (first.length >= LARGE) return first;
    const [count, total] = this.#gatherable(first.length);
    if (count === 0) return first;
    const bytes = new Uint8Array(total);
    bytes.set(first);
    for (let i = 0, end = first.length; i < count; i++) {
      const frame = this.#frames.shift()!;
      bytes.set(frame, end);
      end += frame.length;
    }
    return bytes;
  }

  /** Drops all frames. */
  clear(): void {
    while (!this.empty) this.#frames.shift();
  }

  /** How many frames can be added to a number of bytes, and the bytes that they make together. */
  #gatherable(bytes: number): [count: number, total: number] {
    let count = 0;
    let total = bytes;
    for (; count < this.#frames.length; count++) {
      const { length } = this.#frames.at(count);
      if (length >= LARGE || total + length > GATHERED) break;
      total += length;
    }
    return [count, total];
  }
}

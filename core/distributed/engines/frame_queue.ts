/**
 * Frames that wait to be written to a stream, in order.
 *
 * Small ones are gathered: copying costs less than a host write, up to about 128 KiB. One buffer is enough for a link, as
 * the host writes one thing at a time, and a link that is idle leaves its buffer to the others.
 */
import { Fifo } from "../../base/fifo.ts";

// A frame of this size is written without a copy.
const LARGE = 128 * 1024;
// The size of a buffer. Longer host writes are not faster.
const GATHERED = 256 * 1024;

// The buffer of a link that became idle.
let spare: Uint8Array<ArrayBuffer> | null = null;

/** See the head of this file. */
export class FrameQueue {
  readonly #frames = new Fifo<Uint8Array>();
  #buffer: Uint8Array<ArrayBuffer> | null = null;

  /** Whether no frame waits. */
  get empty(): boolean {
    return this.#frames.length === 0;
  }

  /** Adds a frame, which must not be changed any more. */
  push(frame: Uint8Array): void {
    this.#frames.push(frame);
  }

  /**
   * Removes the frames for the next host write, and returns their bytes, which are valid until the next call of any
   * method but `push`. There is one frame at least.
   */
  take(): Uint8Array {
    const first = this.#frames.shift()!;
    if (first.length >= LARGE || !this.#nextFits(first.length)) return first;
    const buffer = this.#takeBuffer();
    buffer.set(first);
    let end = first.length;
    while (this.#nextFits(end)) {
      const frame = this.#frames.shift()!;
      buffer.set(frame, end);
      end += frame.length;
    }
    return buffer.subarray(0, end);
  }

  /** The host writes nothing at the moment, and no frame waits. */
  idle(): void {
    spare ??= this.#buffer;
    this.#buffer = null;
  }

  /** Drops all frames. */
  clear(): void {
    while (!this.empty) this.#frames.shift();
  }

  /** Whether the next frame is to be copied behind so many bytes. */
  #nextFits(bytes: number): boolean {
    if (this.empty) return false;
    const { length } = this.#frames.at(0);
    return length < LARGE && bytes + length <= GATHERED;
  }

  #takeBuffer(): Uint8Array<ArrayBuffer> {
    if (this.#buffer === null) {
      this.#buffer = spare ?? new Uint8Array(GATHERED);
      spare = null;
    }
    return this.#buffer;
  }
}

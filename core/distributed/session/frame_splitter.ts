/**
 * Splits what a link brings into frames.
 *
 * A link may bring whole frames, several at once, or any parts of them. Only the frame that has not come in full is
 * kept, in a buffer that grows with what has come, never with what a length promises. A length beyond the limit is
 * refused as soon as its four bytes are there.
 */
import { HEADER_BYTES, LENGTH_BYTES, MalformedFrameError, MAX_HANDSHAKE_FRAME } from "./frame.ts";

const NOTHING = new Uint8Array(0);
const SMALLEST = 64;

/** See the head of this file. */
export class FrameSplitter {
  /** The number of bytes that a frame may have. It is looked at anew for each frame. */
  declare limit: number;
  declare private held: Uint8Array<ArrayBuffer>;
  declare private heldBytes: number;
  declare private stopped: boolean;

  /** Starts with the limit for those who have not been authenticated. */
  constructor() {
    this.limit = MAX_HANDSHAKE_FRAME;
    this.held = NOTHING;
    this.heldBytes = 0;
    this.stopped = false;
  }

  /**
   * Takes bytes and passes each frame that is complete. A frame is valid during the call only.
   *
   * @throws {MalformedFrameError} If a length is not possible.
   */
  push(bytes: Uint8Array, take: (frame: Uint8Array) => void): void {
    let at = 0;
    while (!this.stopped && this.heldBytes > 0 && at < bytes.length) at = this.completeHeld(bytes, at, take);
    while (!this.stopped && at < bytes.length) {
      const total = bytes.length - at < LENGTH_BYTES ? Infinity : this.frameBytes(bytes, at);
      if (total > bytes.length - at) return this.hold(bytes.subarray(at), LENGTH_BYTES);
      at += total;
      take(bytes.subarray(at - total, at));
    }
  }

  /** Drops what is kept, and takes nothing more. */
  stop(): void {
    this.stopped = true;
    this.held = NOTHING;
    this.heldBytes = 0;
  }

  /** Adds to the frame that has not come in full. Returns how far the bytes have been read. */
  private completeHeld(bytes: Uint8Array, at: number, take: (frame: Uint8Array) => void): number {
    const wanted = this.heldBytes < LENGTH_BYTES ? LENGTH_BYTES : this.frameBytes(this.held, 0);
    const end = Math.min(bytes.length, at + wanted - this.heldBytes);
    this.hold(bytes.subarray(at, end), wanted);
    if (wanted > LENGTH_BYTES && this.heldBytes === wanted) {
      const frame = this.held.subarray(0, wanted);
      this.held = NOTHING;
      this.heldBytes = 0;
      take(frame);
    } else if (this.heldBytes === LENGTH_BYTES) {
      this.frameBytes(this.held, 0);
    }
    return end;
  }

  private hold(bytes: Uint8Array, most: number): void {
    const needed = this.heldBytes + bytes.length;
    if (needed > this.held.length) {
      const larger = new Uint8Array(Math.max(needed, SMALLEST, Math.min(most, 2 * this.held.length)));
      larger.set(this.held.subarray(0, this.heldBytes));
      this.held = larger;
    }
    this.held.set(bytes, this.heldBytes);
    this.heldBytes = needed;
  }

  /** The number of bytes of a frame whose length is there. */
  private frameBytes(bytes: Uint8Array, at: number): number {
    const length = ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
    const total = LENGTH_BYTES + length;
    if (total < HEADER_BYTES) throw new MalformedFrameError("Frame has no kind");
    if (total > this.limit) {
      throw new MalformedFrameError(`Frame is too long: ${total} bytes, ${this.limit} are allowed`);
    }
    return total;
  }
}

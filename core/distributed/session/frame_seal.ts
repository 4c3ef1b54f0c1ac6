/**
 * The seal of a frame: a counter and the first 16 bytes of an HMAC over the frame and the counter.
 *
 * Each direction of a link has a key of its own, made from the secret and the nonces of this link. The counter grows
 * with each frame. A frame whose counter does not exceed that of the frame before is refused, so a frame cannot be
 * replayed or reordered. Gaps are allowed: a link may lose frames, and the sequence numbers find that.
 */
import { equalTags, type Hmac } from "./cryptography.ts";
import { HEADER_BYTES, MalformedFrameError, readU64, writeU64 } from "./frame.ts";

const COUNTER_BYTES = 8;
const MAC_BYTES = 16;

/** The bytes of a seal. */
export const SEAL_BYTES = COUNTER_BYTES + MAC_BYTES;

/** Seals the frames that a side sends. */
export class FrameSealer {
  readonly #key: Uint8Array;
  readonly #hmac: Hmac;
  #counter = 0;

  constructor(key: Uint8Array, hmac: Hmac) {
    this.#key = key;
    this.#hmac = hmac;
  }

  /** Writes the seal into the last bytes of a frame. */
  seal(frame: Uint8Array): void {
    const sealed = frame.length - MAC_BYTES;
    writeU64(viewOf(frame), sealed - COUNTER_BYTES, ++this.#counter);
    frame.set(this.#hmac(this.#key, frame.subarray(0, sealed)).subarray(0, MAC_BYTES), sealed);
  }
}

/** Checks the seals of the frames that a side receives. */
export class FrameOpener {
  readonly #key: Uint8Array;
  readonly #hmac: Hmac;
  #counter = 0;

  constructor(key: Uint8Array, hmac: Hmac) {
    this.#key = key;
    this.#hmac = hmac;
  }

  /**
   * Returns the frame without its seal.
   *
   * @throws {MalformedFrameError} If the seal is not right, or the frame has come before.
   */
  open(frame: Uint8Array): Uint8Array {
    const sealed = frame.length - MAC_BYTES;
    const end = sealed - COUNTER_BYTES;
    if (end < HEADER_BYTES) throw new MalformedFrameError("Frame has no seal");
    const mac = this.#hmac(this.#key, frame.subarray(0, sealed)).subarray(0, MAC_BYTES);
    if (!equalTags(mac, frame.subarray(sealed))) throw new MalformedFrameError("Frame has a wrong MAC");
    const counter = readU64(viewOf(frame), end);
    if (counter <= this.#counter) throw new MalformedFrameError("Frame has come before");
    this.#counter = counter;
    return frame.subarray(0, end);
  }
}

function viewOf(frame: Uint8Array): DataView {
  return new DataView(frame.buffer, frame.byteOffset, frame.length);
}

/**
 * Frames: a length, a kind, a body. Numbers are big-endian.
 *
 *     u32 length    of what follows it
 *     u8  kind
 *     ...           the body
 *     u64 counter, 16 bytes of MAC    at the end, on a sealed link and after the handshake: `frame_seal.ts`
 *
 * Reading is strict: a body that is too short, too long or has a number out of range is a {@linkcode MalformedFrameError}.
 */

/** The bytes before the body: length and kind. */
export const HEADER_BYTES = 5;
/** The bytes of the length. */
export const LENGTH_BYTES = 4;
/** What a link must take at the least, and what a frame may have at the most before its sender has been authenticated. */
export const MAX_HANDSHAKE_FRAME = 512;

/** The kinds of frames. */
export const Kind = {
  HELLO: 1,
  PROOF: 2,
  WELCOME: 3,
  REFUSE: 4,
  DATA: 5,
  PART: 6,
  PING: 7,
  BYE: 8,
} as const;

const KIND_AT = LENGTH_BYTES;
const WORD = 2 ** 32;

/** A peer sent bytes that the protocol does not allow, or not now. Its link is closed; the session remains. */
export class MalformedFrameError extends Error {
  /** Always `"MalformedFrameError"`. */
  override name = "MalformedFrameError";
}

/** The kind of a whole frame. */
export function kindOf(frame: Uint8Array): number {
  return frame[KIND_AT];
}

/** The body of a whole frame that has no seal. */
export function bodyOf(frame: Uint8Array): Uint8Array {
  return frame.subarray(HEADER_BYTES);
}

/** Writes the body of one frame, front to back. */
export class FrameWriter {
  /** The frame. Its seal, if any, is at the end, not yet written. */
  declare readonly frame: Uint8Array<ArrayBuffer>;
  declare private readonly view: DataView;
  declare private at: number;

  /** Allocates a frame, with room for its body and seal. */
  constructor(kind: number, bodyBytes: number, sealBytes = 0) {
    const total = HEADER_BYTES + bodyBytes + sealBytes;
    this.frame = new Uint8Array(total);
    this.view = new DataView(this.frame.buffer);
    this.view.setUint32(0, total - LENGTH_BYTES);
    this.frame[KIND_AT] = kind;
    this.at = HEADER_BYTES;
  }

  /** Writes a byte. */
  u8(value: number): this {
    this.frame[this.at++] = value;
    return this;
  }

  /** Writes two bytes. */
  u16(value: number): this {
    this.view.setUint16(this.at, value);
    this.at += 2;
    return this;
  }

  /** Writes four bytes. */
  u32(value: number): this {
    this.view.setUint32(this.at, value);
    this.at += 4;
    return this;
  }

  /** Writes a safe integer into eight bytes. */
  u64(value: number): this {
    writeU64(this.view, this.at, value);
    this.at += 8;
    return this;
  }

  /** Copies bytes. */
  bytes(bytes: Uint8Array): this {
    this.frame.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }
}

/** Reads a body, front to back. */
export class BodyReader {
  declare private readonly body: Uint8Array;
  declare private readonly view: DataView;
  declare private at: number;

  /** Starts at the front of a body. */
  constructor(body: Uint8Array) {
    this.body = body;
    this.view = new DataView(body.buffer, body.byteOffset, body.length);
    this.at = 0;
  }

  /** How many bytes have not been read. */
  get left(): number {
    return this.body.length - this.at;
  }

  /** Reads a byte. */
  u8(): number {
    return this.body[this.take(1)];
  }

  /** Reads two bytes. */
  u16(): number {
    return this.view.getUint16(this.take(2));
  }

  /** Reads four bytes. */
  u32(): number {
    return this.view.getUint32(this.take(4));
  }

  /** Reads eight bytes, which must be a safe integer. */
  u64(): number {
    return readU64(this.view, this.take(8));
  }

  /** Returns so many bytes, without a copy. */
  bytes(count: number): Uint8Array {
    const start = this.take(count);
    return this.body.subarray(start, start + count);
  }

  /** Checks that nothing is left. */
  end(): void {
    if (this.left !== 0) throw new MalformedFrameError(`Frame has ${this.left} bytes too many`);
  }

  private take(count: number): number {
    if (count > this.left) throw new MalformedFrameError(`Frame ends ${count - this.left} bytes too early`);
    const start = this.at;
    this.at += count;
    return start;
  }
}

/** Writes a safe integer as eight bytes. */
export function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / WORD));
  view.setUint32(at + 4, value >>> 0);
}

/** Reads eight bytes as a safe integer. */
export function readU64(view: DataView, at: number): number {
  const value = view.getUint32(at) * WORD + view.getUint32(at + 4);
  if (value > Number.MAX_SAFE_INTEGER) throw new MalformedFrameError(`Frame has a number that is too large: ${value}`);
  return value;
}

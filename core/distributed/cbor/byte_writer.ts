/**
 * A buffer that grows, and the parts of CBOR that are written into it: heads, numbers, text, bytes.
 *
 * Each method reserves the bytes that it needs at most and then writes them. The limit is looked at
 * when the buffer grows, so that an endless value ends, and by the encoder when the value is complete.
 */
import { MessageTooLargeError } from "../../io/errors.ts";
import { toBigEndian } from "./bigint_bytes.ts";
import { toHalf } from "./half.ts";
import { Major, Simple, Tag } from "./wire_format.ts";
import { toWtf8 } from "./wtf8.ts";

const SMALLEST = 256;
/** What may be kept for the next turn. */
const KEPT = 1 << 20;
/** The first byte, and the longest count or number after it. */
const HEAD = 9;
/** Text up to this is copied unit by unit, which is faster than a call of the host. */
const SHORT_TEXT = 48;

/** Small values that are taken share buffers of so many bytes. */
const SLAB = 32 * 1024;
/** The bytes of a value that is taken as a buffer of its own, if it has more. */
const LARGEST_IN_SLAB = 2048;
/** Up to so many bytes, copying each is faster than a call of the host. */
const SHORT_COPY = 64;

let slab: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let slabUsed = 0;

const LONE_SURROGATE = /\p{Surrogate}/u;
const utf8 = new TextEncoder();
const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

/** Writes bytes into a buffer that grows. */
export class ByteWriter {
  /** The number of bytes that have been written. */
  declare position: number;
  /** The position that may not be passed. */
  declare private limit: number;
  /** The bytes that a value may have, for the message of the error. */
  declare private allowed: number;
  declare private bytes: Uint8Array<ArrayBuffer>;
  declare private view: DataView;

  /** Creates an empty buffer. */
  constructor(capacity = SMALLEST) {
    this.position = 0;
    this.limit = Infinity;
    this.allowed = Infinity;
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** The bytes from a position on. They are valid until more are written or taken. */
  written(start = 0): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(start, this.position);
  }

  /** Returns a copy of the bytes and empties the buffer. */
  take(): Uint8Array<ArrayBuffer> {
    const { position } = this;
    this.position = 0;
    if (position <= LARGEST_IN_SLAB) return copyToSlab(this.bytes, position);
    const taken = this.bytes.slice(0, position);
    if (this.bytes.length > KEPT) this.replace(new Uint8Array(SMALLEST));
    return taken;
  }

  /** Drops what was written after a position. */
  truncate(position: number): void {
    this.position = position;
  }

  /** Makes sure that so many bytes can be written. */
  reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.grow(count);
  }

  /** Allows so many bytes from here on. */
  allow(count: number): void {
    this.limit = this.position + count;
    this.allowed = count;
  }

  /** Throws if at least so many bytes more would pass the limit. */
  checkLimit(count = 0): void {
    if (this.position + count <= this.limit) return;
    throw new MessageTooLargeError(
      `Cannot send a value as it is larger than maxMessageSize of this side or the peer: the limit is ${this.allowed} ` +
        `bytes, send less, or in parts`,
    );
  }

  /** Writes a byte. */
  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  /** Writes bytes as they are. */
  append(bytes: Uint8Array): void {
    this.checkLimit(bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** Writes a major type with its argument, which is a safe integer. */
  head(major: number, argument: number): void {
    this.reserve(HEAD);
    const { bytes, position } = this;
    if (argument < 24) {
      bytes[position] = major | argument;
      this.position = position + 1;
    } else if (argument < 0x100) {
      bytes[position] = major | 24;
      bytes[position + 1] = argument;
      this.position = position + 2;
    } else if (argument < 0x10000) {
      bytes[position] = major | 25;
      bytes[position + 1] = argument >>> 8;
      bytes[position + 2] = argument;
      this.position = position + 3;
    } else if (argument < 0x100000000) {
      bytes[position] = major | 26;
      this.view.setUint32(position + 1, argument);
      this.position = position + 5;
    } else {
      bytes[position] = major | 27;
      this.view.setUint32(position + 1, argument / 0x100000000);
      this.view.setUint32(position + 5, argument);
      this.position = position + 9;
    }
  }

  /** Writes a tag. */
  tag(tag: number): void {
    this.head(Major.TAG, tag);
  }

  /** Writes a number: as an integer if it is a safe one and not -0. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || (value === 0 && 1 / value < 0)) this.float(value);
    else if (value >= 0) this.head(Major.UNSIGNED, value);
    else this.head(Major.NEGATIVE, -1 - value);
  }

  /** Writes a bigint, also a small one, with its tag. */
  bigint(value: bigint): void {
    this.tag(value < 0n ? Tag.NEGATIVE_BIGINT : Tag.POSITIVE_BIGINT);
    this.byteString(toBigEndian(value < 0n ? -1n - value : value));
  }

  /** Writes a byte string. */
  byteString(bytes: Uint8Array): void {
    this.head(Major.BYTES, bytes.length);
    this.append(bytes);
  }

  /** Writes a string. */
  text(text: string): void {
    const length = text.length;
    if (length > SHORT_TEXT) return this.longText(text);
    this.reserve(length + 2);
    const { bytes, position } = this;
    let end = position;
    if (length < 24) {
      bytes[end++] = Major.TEXT | length;
    } else {
      bytes[end++] = Major.TEXT | 24;
      bytes[end++] = length;
    }
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return this.longText(text);
      bytes[end++] = code;
    }
    this.position = end;
  }

  private float(value: number): void {
    this.reserve(HEAD);
    const { view, position } = this;
    float32[0] = value;
    const half = value !== value ? 0x7e00 : float32[0] === value ? toHalf(float32Bits[0]) : -1;
    if (half >= 0) {
      view.setUint8(position, Simple.FLOAT16);
      view.setUint16(position + 1, half);
      this.position = position + 3;
    } else if (float32[0] === value) {
      view.setUint8(position, Simple.FLOAT32);
      view.setFloat32(position + 1, value);
      this.position = position + 5;
    } else {
      view.setUint8(position, Simple.FLOAT64);
      view.setFloat64(position + 1, value);
      this.position = position + 9;
    }
  }

  /** Text of any length and any characters. Its bytes go behind the longest head, then the head is put before them. */
  private longText(text: string): void {
    this.checkLimit(text.length);
    this.reserve(HEAD + 3 * text.length);
    const { position } = this;
    const { written } = utf8.encodeInto(text, this.bytes.subarray(position + HEAD));
    if (written !== text.length && LONE_SURROGATE.test(text)) {
      this.tag(Tag.WTF8);
      this.byteString(toWtf8(text));
      return;
    }
    this.head(Major.TEXT, written);
    this.bytes.copyWithin(this.position, position + HEAD, position + HEAD + written);
    this.position += written;
  }

  private grow(count: number): void {
    this.checkLimit();
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.position + count));
    larger.set(this.written());
    this.replace(larger);
  }

  private replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** A buffer of its own for each small value would cost more than its encoding. */
function copyToSlab(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (slabUsed + length > slab.length) {
    slab = new Uint8Array(SLAB);
    slabUsed = 0;
  }
  const start = slabUsed;
  slabUsed += length;
  if (length > SHORT_COPY) slab.set(bytes.subarray(0, length), start);
  else for (let i = 0; i < length; i++) slab[start + i] = bytes[i];
  return slab.subarray(start, slabUsed);
}

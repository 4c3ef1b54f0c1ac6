/** The parts of CBOR, read from bytes that cannot be trusted: nothing is read or allocated beyond them. */
import { Buffer, isAscii, isUtf8 } from "node:buffer";
import { fromBigEndian } from "./bigint_bytes.ts";
import { DecodeError } from "./decode_error.ts";
import { fromHalf } from "./half.ts";
import { recall, remember } from "./short_strings.ts";
import { Major, Simple, Tag } from "./wire_format.ts";
import { fromWtf8 } from "./wtf8.ts";

/** ASCII text up to this is made from its codes, which is faster than a call of the host. */
const SHORT_TEXT = 12;
/** Up to so many bytes, looking at each is faster than a call of the host. */
const SHORT_SCAN = 100;

const scratch = new DataView(new ArrayBuffer(8));

/** Reads bytes from the first to the last. */
export class ByteReader {
  /** The next byte to read. */
  declare position: number;
  declare private readonly bytes: Uint8Array;
  declare private readonly end: number;
  /** The same bytes with faster reads of text, made when there is longer text. */
  declare private buffer: Buffer | null;

  /** Creates a reader of bytes, which must not change while they are read. */
  constructor(bytes: Uint8Array) {
    this.position = 0;
    this.bytes = bytes;
    this.end = bytes.length;
    this.buffer = null;
  }

  /** The number of bytes that are left. */
  get left(): number {
    return this.end - this.position;
  }

  /** Reads a byte. */
  byte(): number {
    if (this.position >= this.end) throw truncated();
    return this.bytes[this.position++];
  }

  /** The next byte, which is read again, or -1 at the end. */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position] : -1;
  }

  /** Reads the argument of a first byte: exact if it is a safe integer, otherwise greater than any. */
  argument(first: number): number {
    const info = first & 31;
    if (info < 24) return info;
    const size = 1 << (info - 24);
    if (info > 27) throw new DecodeError(`Cannot decode a value as its length is not given: first byte is ${first}`);
    const { bytes, position } = this;
    if (size > this.left) throw truncated();
    this.position = position + size;
    if (size === 1) return bytes[position];
    if (size === 2) return (bytes[position] << 8) | bytes[position + 1];
    const upper = uint32(bytes, position);
    return size === 4 ? upper : upper * 0x100000000 + uint32(bytes, position + 4);
  }

  /** Reads how many items follow, each of so many bytes at least. */
  count(first: number, size = 1): number {
    const count = this.argument(first);
    if (count * size > this.end - this.position) throw truncated();
    return count;
  }

  /** Reads the head of a certain major type, and how many items follow. */
  countOf(major: number, size = 1): number {
    const first = this.byte();
    if ((first & 0xe0) !== major) throw unexpected(first);
    return this.count(first, size);
  }

  /** Reads an integer whose first byte was read; a bigint if it is not safe. */
  integer(first: number): number | bigint {
    const argument = this.argument(first);
    if (argument < Number.MAX_SAFE_INTEGER) return first < Major.NEGATIVE ? argument : -1 - argument;
    const exact = fromBigEndian(this.bytes.subarray(this.position - 8, this.position));
    const value = first < Major.NEGATIVE ? exact : -1n - exact;
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** Reads an integer or a float. */
  number(): number {
    const first = this.byte();
    if (first < Major.BYTES) return Number(this.integer(first));
    return this.float(first);
  }

  /** Reads a float whose first byte was read. */
  float(first: number): number {
    if (first < Simple.FLOAT16 || first > Simple.FLOAT64) throw unexpected(first);
    const { bytes, position } = this;
    const size = 2 << (first - Simple.FLOAT16);
    if (size > this.left) throw truncated();
    this.position = position + size;
    if (size === 2) return fromHalf((bytes[position] << 8) | bytes[position + 1]);
    for (let i = 0; i < size; i++) scratch.setUint8(i, bytes[position + i]);
    return size === 4 ? scratch.getFloat32(0) : scratch.getFloat64(0);
  }

  /** Reads a byte string, as a copy. */
  byteString(): Uint8Array<ArrayBuffer> {
    return this.copy(this.countOf(Major.BYTES));
  }

  /** Reads a byte string, as a part of the bytes that are read. */
  byteStringView(): Uint8Array {
    const length = this.countOf(Major.BYTES);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** Reads so many bytes, as a copy. The caller has checked that they are there. */
  copy(length: number): Uint8Array<ArrayBuffer> {
    const start = this.position;
    this.position = start + length;
    return new Uint8Array(this.bytes.subarray(start, start + length));
  }

  /** Reads a string, also one with lone surrogates. */
  string(): string {
    const first = this.byte();
    if ((first & 0xe0) === Major.TEXT) return this.text(this.count(first));
    if ((first & 0xe0) === Major.TAG && this.argument(first) === Tag.WTF8) return this.wtf8();
    throw unexpected(first);
  }

  /** Reads a string that probably came before. */
  key(): string {
    const first = this.peek();
    if ((first & 0xe0) !== Major.TEXT) return this.string();
    this.position++;
    const length = this.count(first);
    const start = this.position;
    const known = recall(this.bytes, start, length);
    if (known === null) {
      const text = this.text(length);
      remember(text, this.bytes, start, length);
      return text;
    }
    this.position = start + length;
    return known;
  }

  /** Reads text of so many bytes. The caller has checked that they are there. */
  text(length: number): string {
    const { bytes, position } = this;
    const end = position + length;
    this.position = end;
    if (length <= SHORT_TEXT) {
      const text = shortText(bytes, position, end);
      if (text !== null) return text;
    }
    this.buffer ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (isAsciiPart(bytes, position, end)) return this.buffer.toString("latin1", position, end);
    const text = this.buffer.toString("utf8", position, end);
    // It stands for bytes that are not UTF-8, or for itself.
    if (text.includes("\ufffd") && !isUtf8(bytes.subarray(position, end))) {
      throw new DecodeError("Cannot decode a string as it is not UTF-8");
    }
    return text;
  }

  /** Reads the byte string of a text in WTF-8. */
  wtf8(): string {
    const length = this.countOf(Major.BYTES);
    const start = this.position;
    this.position = start + length;
    const text = fromWtf8(this.bytes.subarray(start, start + length));
    if (text === null) throw new DecodeError("Cannot decode a string as it is not WTF-8");
    return text;
  }
}

/** The error for bytes that end too early. */
export function truncated(): DecodeError {
  return new DecodeError("Cannot decode a value as its bytes end before it does");
}

/** The error for a first byte that may not be where it is. */
export function unexpected(first: number): DecodeError {
  return new DecodeError(`Cannot decode a value as another type is expected: first byte is ${first}`);
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function isAsciiPart(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > SHORT_SCAN) return isAscii(bytes.subarray(start, end));
  for (let at = start; at < end; at++) if (bytes[at] >= 0x80) return false;
  return true;
}

/** Returns the text of few bytes, or `null` if they are not ASCII. */
function shortText(bytes: Uint8Array, start: number, end: number): string | null {
  let text = "";
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if ((a | b | c | d) >= 0x80) return null;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; at < end; at++) {
    if (bytes[at] >= 0x80) return null;
    text += String.fromCharCode(bytes[at]);
  }
  return text;
}

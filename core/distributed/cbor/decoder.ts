/**
 * CBOR to values, as `wire_format.ts` says. The bytes cannot be trusted: counts are checked against the bytes left
 * before anything is made, nothing grows faster than bytes are read, depth is limited, no property is set but as data,
 * and no code is looked up but by {@linkcode Handles}.
 */
import { ByteReader, unexpected } from "./byte_reader.ts";
import { fromBigEndian } from "./bigint_bytes.ts";
import { dateOfSeconds, millisecondsOf } from "./dates.ts";
import { DecodeError } from "./decode_error.ts";
import { type ErrorText, makeDOMException, makeError, setErrorProperty } from "./error_classes.ts";
import { type Handles, NO_HANDLES } from "./handles.ts";
import { isTypedArrayTag, makeTypedArray } from "./typed_arrays.ts";
import { Major, MAX_DEPTH, Simple, Tag } from "./wire_format.ts";

/** The place of a marked object that has not been made yet. */
const NOT_MADE = Symbol("not made");
const NO_MARK = -1;

/** Reads values one after the other. */
export class Decoder {
  declare private readonly handles: Handles;
  declare private reader: ByteReader;
  /** The marked objects, by number. */
  declare private marked: unknown[];
  /** The number of the mark whose object comes next, for what is made before what is in it. */
  declare private mark: number;
  declare private depth: number;
  /** What `unpack` threw first, in an array of one. */
  declare private failure: readonly [unknown] | null;

  /**
   * Creates a decoder.
   *
   * @param handles Makes the objects that have no form of their own.
   */
  constructor(handles: Handles = NO_HANDLES) {
    this.handles = handles;
    this.marked = [];
    this.reset(NOTHING);
  }

  /**
   * Reads the next value. The reader is behind it afterwards, but after a `DecodeError`.
   *
   * @throws {DecodeError} if the bytes are not a value: nothing more can be read.
   * @throws what `unpack` threw, such as a `SerializationError` for an unknown class.
   */
  decode(reader: ByteReader): unknown {
    this.reset(reader);
    try {
      const value = this.value();
      if (this.failure !== null) throw this.failure[0];
      return value;
    } finally {
      this.reset(NOTHING);
    }
  }

  private value(): unknown {
    const first = this.reader.byte();
    switch (first & 0xe0) {
      case Major.UNSIGNED:
      case Major.NEGATIVE:
        return this.reader.integer(first);
      case Major.BYTES:
        return this.reader.copy(this.reader.count(first)).buffer;
      case Major.TEXT:
        return this.reader.text(this.reader.count(first));
      case Major.ARRAY:
        return this.array(this.reader.count(first));
      case Major.MAP:
        return this.object(this.reader.count(first, 2));
      case Major.TAG:
        return this.tagged(this.reader.argument(first));
      default:
        return this.simple(first);
    }
  }

  private simple(first: number): unknown {
    switch (first) {
      case Simple.FALSE:
        return false;
      case Simple.TRUE:
        return true;
      case Simple.NULL:
        return null;
      case Simple.UNDEFINED:
        return undefined;
      default:
        return this.reader.float(first);
    }
  }

  // It grows with its items: a count that is not true yet would allow arrays within each other to allocate the sum.
  private array(count: number): unknown[] {
    const array = this.made<unknown[]>([]);
    this.enter();
    for (let i = 0; i < count; i++) {
      if (this.isHole()) continue;
      array[i] = this.value();
    }
    if (array.length < count) array.length = count;
    this.depth--;
    return array;
  }

  /** Reads a hole if one is next. */
  private isHole(): boolean {
    const { reader } = this;
    const start = reader.position;
    if (reader.peek() !== HOLE_HEAD) return false;
    if (reader.argument(reader.byte()) === Tag.HOLE && reader.byte() === Simple.UNDEFINED) return true;
    reader.position = start;
    return false;
  }

  private object(count: number): Record<string, unknown> {
    const object = this.made<Record<string, unknown>>({});
    this.enter();
    for (let i = 0; i < count; i++) {
      const key = this.reader.key();
      const value = this.value();
      if (key === "__proto__") defineProto(object, value);
      else object[key] = value;
    }
    this.depth--;
    return object;
  }

  private tagged(tag: number): unknown {
    const { reader } = this;
    switch (tag) {
      case Tag.DATE:
        return dateOfSeconds(reader.number());
      case Tag.POSITIVE_BIGINT:
        return fromBigEndian(reader.byteString());
      case Tag.NEGATIVE_BIGINT:
        return -1n - fromBigEndian(reader.byteString());
      case Tag.OBJECT:
        return this.named();
      case Tag.SHARED:
        return this.shared();
      case Tag.REFERENCE:
        return this.reference();
      case Tag.SET:
        return this.set();
      case Tag.MAP:
        return this.map();
      case Tag.WTF8:
        return reader.wtf8();
      case Tag.EXTENDED_TIME:
        return this.extendedTime();
      case Tag.REGEXP:
        return this.regExp();
      default:
        if (isTypedArrayTag(tag)) return this.typedArray(tag);
        throw new DecodeError(`Cannot decode a value as its tag is not known or not allowed here: tag is ${tag}`);
    }
  }

  private set(): Set<unknown> {
    const set = this.made(new Set());
    const count = this.reader.countOf(Major.ARRAY);
    this.enter();
    for (let i = 0; i < count; i++) set.add(this.value());
    this.depth--;
    return set;
  }

  private map(): Map<unknown, unknown> {
    const map = this.made(new Map());
    const count = this.reader.countOf(Major.MAP, 2);
    this.enter();
    for (let i = 0; i < count; i++) {
      const key = this.value();
      map.set(key, this.value());
    }
    this.depth--;
    return map;
  }

  private typedArray(tag: number): ArrayBufferView {
    const array = makeTypedArray(tag, this.reader.byteString());
    if (array === null) throw new DecodeError("Cannot decode a typed array as its last element is not complete");
    return array;
  }

  private extendedTime(): Date {
    const { reader } = this;
    let milliseconds = 0;
    for (let count = reader.countOf(Major.MAP, 2); count > 0; count--) {
      const unit = millisecondsOf(reader.number());
      if (unit === 0) throw new DecodeError("Cannot decode a time as it has a part that is not known");
      milliseconds += unit * reader.number();
    }
    return new Date(Math.round(milliseconds));
  }

  private regExp(): RegExp {
    const { reader } = this;
    checkParts("RegExp", reader.countOf(Major.ARRAY), 2);
    const source = reader.string();
    const flags = reader.string();
    try {
      return new RegExp(source, flags);
    } catch {
      throw new DecodeError("Cannot decode a RegExp as it is not valid");
    }
  }

  /** Tag 27: a name, then arguments. */
  private named(): unknown {
    const { reader } = this;
    const mark = this.takeMark();
    const count = reader.countOf(Major.ARRAY);
    if (count === 0) throw new DecodeError("Cannot decode an object as it has no name");
    const name = reader.key();
    switch (name) {
      case "Error":
        return this.error(makeError, count, mark);
      case "DOMException":
        return this.error(makeDOMException, count, mark);
      case "DataView":
        checkParts(name, count, 2);
        return new DataView(reader.byteString().buffer);
      default:
        return this.unpack(name, this.args(count - 1));
    }
  }

  private args(count: number): unknown[] {
    const args: unknown[] = [];
    this.enter();
    for (let i = 0; i < count; i++) args.push(this.value());
    this.depth--;
    return args;
  }

  /** Makes the error before its properties, which may lead back to it. */
  private error(make: (text: ErrorText) => Error, parts: number, mark: number): Error {
    const { reader } = this;
    checkParts("Error", parts, 5);
    const error = make({ name: reader.string(), message: reader.string(), stack: this.optionalString() });
    if (mark !== NO_MARK) this.marked[mark] = error;
    this.enter();
    for (let count = reader.countOf(Major.MAP, 2); count > 0; count--) {
      const key = reader.key();
      setErrorProperty(error, key, this.value());
    }
    this.depth--;
    return error;
  }

  private optionalString(): string | undefined {
    if (this.reader.peek() !== Simple.UNDEFINED) return this.reader.string();
    this.reader.byte();
    return undefined;
  }

  // After a failure nothing more is unpacked: it would be given what is not complete.
  private unpack(name: string, args: readonly unknown[]): unknown {
    if (this.failure !== null) return undefined;
    try {
      return this.handles.unpack(name, args);
    } catch (error) {
      this.failure = [error];
      return undefined;
    }
  }

  private shared(): unknown {
    this.checkNoMark();
    const mark = this.marked.push(NOT_MADE) - 1;
    this.mark = mark;
    const value = this.value();
    this.mark = NO_MARK;
    return this.marked[mark] = value;
  }

  private reference(): unknown {
    this.checkNoMark();
    const first = this.reader.byte();
    if ((first & 0xe0) !== Major.UNSIGNED) throw unexpected(first);
    const number = this.reader.argument(first);
    if (number >= this.marked.length || this.marked[number] === NOT_MADE) {
      throw new DecodeError(`Cannot decode a reference as its value has not been made: its number is ${number}`);
    }
    return this.marked[number];
  }

  /** Lets references find a container that is about to be filled. */
  private made<T>(container: T): T {
    if (this.mark !== NO_MARK) this.marked[this.takeMark()] = container;
    return container;
  }

  private takeMark(): number {
    const { mark } = this;
    this.mark = NO_MARK;
    return mark;
  }

  private checkNoMark(): void {
    if (this.mark !== NO_MARK) throw new DecodeError("Cannot decode a value as it is marked as shared twice");
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) throw new DecodeError(`Cannot decode a value as it is deeper than ${MAX_DEPTH}`);
  }

  private reset(reader: ByteReader): void {
    this.reader = reader;
    if (this.marked.length > 0) this.marked = [];
    this.mark = NO_MARK;
    this.depth = 0;
    this.failure = null;
  }
}

/**
 * Returns the value that bytes are.
 *
 * @throws {DecodeError} if they are not one value.
 */
export function decode(bytes: Uint8Array, handles: Handles = NO_HANDLES): unknown {
  const reader = new ByteReader(bytes);
  const value = new Decoder(handles).decode(reader);
  if (reader.left > 0) throw new DecodeError(`Cannot decode a value as ${reader.left} bytes come after it`);
  return value;
}

const NOTHING = new ByteReader(new Uint8Array(0));
const HOLE_HEAD = Major.TAG | 25;

function checkParts(name: string, count: number, expected: number): void {
  if (count !== expected) {
    throw new DecodeError(`Cannot decode a value as its parts are not those of ${name}: their number is ${count}`);
  }
}

function defineProto(object: object, value: unknown): void {
  Object.defineProperty(object, "__proto__", { value, enumerable: true, writable: true, configurable: true });
}

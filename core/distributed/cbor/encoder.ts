/** Values to CBOR, as `wire_format.ts` says. */
import { types } from "node:util";
import { describe, isError } from "../../base/describe.ts";
import { SerializationError } from "../errors.ts";
import { ByteWriter } from "./byte_writer.ts";
import { ExtendedTime, secondsAreExact } from "./dates.ts";
import { isDOMException, sentProperties, textOf } from "./error_classes.ts";
import { type Handles, NO_HANDLES } from "./handles.ts";
import { describeStep, Step } from "./path.ts";
import { SharedObjects } from "./shared_objects.ts";
import { typedArrayTag } from "./typed_arrays.ts";
import { Major, MAX_DEPTH, Simple, Tag } from "./wire_format.ts";

const DATA_VIEW = "DataView";

/**
 * Writes values one after the other into a buffer.
 *
 * The steps from the value to where the encoder is are kept by depth: `containers` are the objects on the way, `steps`
 * and `keys` what was entered last in each. They name the place in an error.
 */
export class Encoder {
  /** Where values are written. */
  declare readonly out: ByteWriter;
  declare private readonly handles: Handles;
  declare private readonly shared: SharedObjects;
  declare private readonly containers: (object | null)[];
  declare private readonly steps: Step[];
  declare private readonly keys: (string | number)[];
  declare private depth: number;
  /** How many instances are being packed, within each other. */
  declare private packing: number;
  declare private busy: boolean;
  /** Whether plain objects inherit enumerable properties. */
  declare private inheriting: boolean;

  /**
   * Creates an encoder.
   *
   * @param out Where it writes.
   * @param handles Takes apart the objects that have no form of their own.
   */
  constructor(out: ByteWriter = new ByteWriter(), handles: Handles = NO_HANDLES) {
    this.out = out;
    this.handles = handles;
    this.shared = new SharedObjects();
    this.containers = new Array(MAX_DEPTH).fill(null);
    this.steps = new Array(MAX_DEPTH).fill(Step.ITEM);
    this.keys = new Array(MAX_DEPTH).fill(0);
    this.depth = 0;
    this.packing = 0;
    this.busy = false;
    this.inheriting = false;
  }

  /**
   * Writes a value. If this throws, nothing has been written.
   *
   * @param value The value.
   * @param limit The number of bytes that it may have.
   * @param root What the value is called in the path of an error.
   * @returns The number of its bytes.
   * @throws {SerializationError} if it or something in it is not sendable.
   * @throws {MessageTooLargeError} if it is larger than `limit`.
   * @throws what a getter or `pack` throws.
   */
  encode(value: unknown, limit = Infinity, root = "message"): number {
    if (this.busy) {
      throw new Error("Cannot send while another value is being sent: do not send from a getter or from pack()");
    }
    const { out } = this;
    const start = out.position;
    this.busy = true;
    this.inheriting = hasEnumerable(Object.prototype);
    out.allow(limit);
    try {
      this.value(value);
      this.shared.insertInto(out);
      out.checkLimit();
      return out.position - start;
    } catch (error) {
      out.truncate(start);
      throw error instanceof Refusal ? this.refused(error, root) : error;
    } finally {
      this.reset();
    }
  }

  private value(value: unknown): void {
    switch (typeof value) {
      case "string":
        return this.out.text(value);
      case "number":
        return this.out.number(value);
      case "boolean":
        return this.out.byte(value ? Simple.TRUE : Simple.FALSE);
      case "undefined":
        return this.out.byte(Simple.UNDEFINED);
      case "object":
        return value === null ? this.out.byte(Simple.NULL) : this.object(value);
      case "bigint":
        return this.out.bigint(value);
      default:
        throw new Refusal(value, "send data instead");
    }
  }

  private object(value: object): void {
    if (this.shared.note(value, this.out.position)) {
      if (this.packing > 0 && this.isAroundInstance(value)) {
        throw new Refusal(value, "a packed instance must not lead back to itself");
      }
      return;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) this.properties(value as Record<string, unknown>);
    else if (prototype === Array.prototype && Array.isArray(value)) this.array(value);
    else this.instance(value, prototype);
  }

  private properties(value: Record<string, unknown>): void {
    this.enter(value, Step.PROPERTY);
    if (this.inheriting) this.entries(value, Object.keys(value));
    else this.ownEntries(value);
    this.leave();
  }

  /** As {@linkcode entries} of all keys, faster, for objects that inherit no enumerable property. */
  private ownEntries(value: Record<string, unknown>): void {
    const { out } = this;
    const level = this.depth - 1;
    let count = 0;
    for (const _ in value) count++;
    out.head(Major.MAP, count);
    for (const key in value) {
      this.keys[level] = key;
      out.text(key);
      this.value(value[key]);
      count--;
    }
    if (count !== 0) throw new Refusal(value, "do not add or remove properties in a getter");
  }

  /** A map of properties, in the container entered last. */
  private entries(value: Record<string, unknown>, keys: readonly string[]): void {
    const { out } = this;
    const level = this.depth - 1;
    out.head(Major.MAP, keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      this.keys[level] = key;
      out.text(key);
      this.value(value[key]);
    }
  }

  private array(value: readonly unknown[]): void {
    const { out } = this;
    const level = this.depth;
    const length = value.length >>> 0;
    this.enter(value, Step.ITEM);
    out.head(Major.ARRAY, length);
    for (let i = 0; i < length; i++) {
      this.keys[level] = i;
      const item = value[i];
      if (item === undefined && !Object.hasOwn(value, i)) out.tag(Tag.HOLE);
      this.value(item);
    }
    this.leave();
  }

  /** What is neither a plain object nor an array. Its class must be exactly one that is known, but for errors. */
  private instance(value: object, prototype: object): void {
    const { out } = this;
    const packed = this.handles.pack(value);
    if (packed !== null) return this.packed(value, packed);
    if (types.isTypedArray(value)) return this.typedArray(value, prototype);
    switch (prototype) {
      case Map.prototype:
        if (types.isMap(value)) return this.map(value);
        break;
      case Set.prototype:
        if (types.isSet(value)) return this.set(value);
        break;
      case Date.prototype:
        if (types.isDate(value)) return this.date(value.getTime());
        break;
      case RegExp.prototype:
        if (types.isRegExp(value)) return this.regExp(value);
        break;
      case ArrayBuffer.prototype:
        if (types.isArrayBuffer(value)) return out.byteString(bytesOf(value));
        break;
      case DataView.prototype:
        if (types.isDataView(value)) return this.dataView(value);
        break;
      default:
        if (isError(value)) return this.error(value);
    }
    throw new Refusal(value, "send its data, or register its class with sendable()");
  }

  private packed(value: object, packed: readonly unknown[]): void {
    this.packing++;
    this.enter(value, Step.PACKED);
    this.out.tag(Tag.OBJECT);
    this.out.head(Major.ARRAY, packed.length);
    for (let i = 0; i < packed.length; i++) this.value(packed[i]);
    this.leave();
    this.packing--;
  }

  private error(error: Error): void {
    const { out } = this;
    const { name, message, stack } = textOf(error);
    const keys = sentProperties(error);
    this.enter(error, Step.PROPERTY);
    out.tag(Tag.OBJECT);
    out.head(Major.ARRAY, 5);
    out.text(isDOMException(error) ? "DOMException" : "Error");
    out.text(name);
    out.text(message);
    this.value(stack);
    this.entries(error as unknown as Record<string, unknown>, keys);
    this.leave();
  }

  private map(map: ReadonlyMap<unknown, unknown>): void {
    const { out } = this;
    const level = this.depth;
    // A copy, as a getter in it may change the map.
    const entries = [...map];
    this.enter(map, Step.MAP_KEY);
    out.tag(Tag.MAP);
    out.head(Major.MAP, entries.length);
    for (let i = 0; i < entries.length; i++) {
      this.keys[level] = i;
      this.steps[level] = Step.MAP_KEY;
      this.value(entries[i][0]);
      this.steps[level] = Step.MAP_VALUE;
      this.value(entries[i][1]);
    }
    this.leave();
  }

  private set(set: ReadonlySet<unknown>): void {
    const { out } = this;
    const level = this.depth;
    const items = [...set];
    this.enter(set, Step.SET_VALUE);
    out.tag(Tag.SET);
    out.head(Major.ARRAY, items.length);
    for (let i = 0; i < items.length; i++) {
      this.keys[level] = i;
      this.value(items[i]);
    }
    this.leave();
  }

  private date(milliseconds: number): void {
    const { out } = this;
    if (Number.isNaN(milliseconds) || secondsAreExact(milliseconds)) {
      out.tag(Tag.DATE);
      out.number(milliseconds / 1000);
      return;
    }
    const seconds = Math.floor(milliseconds / 1000);
    out.tag(Tag.EXTENDED_TIME);
    out.head(Major.MAP, 2);
    out.number(ExtendedTime.SECONDS);
    out.number(seconds);
    out.number(ExtendedTime.MILLISECONDS);
    out.number(milliseconds - 1000 * seconds);
  }

  private regExp(regExp: RegExp): void {
    const { out } = this;
    out.tag(Tag.REGEXP);
    out.head(Major.ARRAY, 2);
    out.text(String(regExp.source));
    out.text(String(regExp.flags));
  }

  private dataView(view: DataView): void {
    const { out } = this;
    out.tag(Tag.OBJECT);
    out.head(Major.ARRAY, 2);
    out.text(DATA_VIEW);
    out.byteString(bytesOf(view));
  }

  private typedArray(array: ArrayBufferView, prototype: object): void {
    const tag = typedArrayTag(prototype);
    if (tag === undefined) throw new Refusal(array, "copy it into an array of a built-in class");
    this.out.tag(tag);
    this.out.byteString(bytesOf(array));
  }

  private enter(container: object, step: Step): void {
    const { depth } = this;
    if (depth === MAX_DEPTH) throw new Refusal(container, `send less than ${MAX_DEPTH + 1} objects within each other`);
    this.containers[depth] = container;
    this.steps[depth] = step;
    this.depth = depth + 1;
  }

  private leave(): void {
    this.containers[--this.depth] = null;
  }

  /** Whether an object is on the way to here, with a packed instance, which may be it, after it. */
  private isAroundInstance(object: object): boolean {
    const level = this.containers.lastIndexOf(object);
    return level >= 0 && this.steps.slice(level, this.depth).includes(Step.PACKED);
  }

  private refused({ value, remedy }: Refusal, root: string): SerializationError {
    let path = root;
    for (let level = 0; level < this.depth; level++) path += describeStep(this.steps[level], this.keys[level]);
    return new SerializationError(
      `Cannot send ${path} as it is not sendable: current value is ${describe(value)}, ${remedy}`,
      path,
    );
  }

  /** Keeps no object of the value alive. */
  private reset(): void {
    this.shared.clear();
    this.containers.fill(null, 0, this.depth);
    this.depth = 0;
    this.packing = 0;
    this.busy = false;
    this.out.allow(Infinity);
  }
}

/** The bytes of a buffer, or of the part of it that a view shows. */
function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  try {
    if (types.isAnyArrayBuffer(value)) return new Uint8Array(value);
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  } catch {
    throw new Refusal(value, "send it before its buffer is transferred or shrunk");
  }
}

function hasEnumerable(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

/** Returns a value as CBOR. */
export function encode(value: unknown, handles: Handles = NO_HANDLES): Uint8Array<ArrayBuffer> {
  const encoder = new Encoder(new ByteWriter(), handles);
  encoder.encode(value);
  return encoder.out.take();
}

/** A value that is not sendable, before its place is named. */
class Refusal {
  readonly value: unknown;
  readonly remedy: string;

  constructor(value: unknown, remedy: string) {
    this.value = value;
    this.remedy = remedy;
  }
}

/** The tags of typed arrays (RFC 8746), for both orders of bytes. */

/** A typed array of any element. */
export type TypedArray = InstanceType<TypedArrayClass>;

type TypedArrayClass = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): ArrayBufferView & { readonly length: number };
};

interface Layout {
  readonly class: TypedArrayClass;
  /** Whether its bytes are in the order of this machine. */
  readonly native: boolean;
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const LITTLE = 4;

/** The classes by tag, of big endian; those of little endian are greater by 4. Not all hosts have `Float16Array`. */
const CLASSES: readonly (readonly [number, TypedArrayClass | undefined])[] = [
  [65, Uint16Array],
  [66, Uint32Array],
  [67, BigUint64Array],
  [73, Int16Array],
  [74, Int32Array],
  [75, BigInt64Array],
  [80, (globalThis as { Float16Array?: TypedArrayClass }).Float16Array],
  [81, Float32Array],
  [82, Float64Array],
];

const layouts = new Map<number, Layout>([
  [64, { class: Uint8Array, native: true }],
  [68, { class: Uint8ClampedArray, native: true }],
  [72, { class: Int8Array, native: true }],
]);
const tags = new Map<object, number>([
  [Uint8Array.prototype, 64],
  [Uint8ClampedArray.prototype, 68],
  [Int8Array.prototype, 72],
]);
for (const [tag, TypedArray] of CLASSES) {
  if (TypedArray === undefined) continue;
  layouts.set(tag, { class: TypedArray, native: !LITTLE_ENDIAN });
  layouts.set(tag + LITTLE, { class: TypedArray, native: LITTLE_ENDIAN });
  tags.set(TypedArray.prototype, LITTLE_ENDIAN ? tag + LITTLE : tag);
}

/** Returns the tag of the typed arrays of this machine that have a prototype, if it is theirs. */
export function typedArrayTag(prototype: object): number | undefined {
  return tags.get(prototype);
}

/** Whether a tag is that of a typed array that this host has. */
export function isTypedArrayTag(tag: number): boolean {
  return layouts.has(tag);
}

/** Returns the typed array of a tag, or `null` if the number of bytes is not a multiple of its elements'. */
export function makeTypedArray(tag: number, bytes: Uint8Array<ArrayBuffer>): TypedArray | null {
  const { class: TypedArray, native } = layouts.get(tag)!;
  const size = TypedArray.BYTES_PER_ELEMENT;
  if (bytes.length % size !== 0) return null;
  if (!native) { for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse(); }
  return new TypedArray(bytes.buffer);
}

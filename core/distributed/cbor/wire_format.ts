/**
 * How values look in CBOR (RFC 8949). Numbers of tags are those of the IANA registry but {@linkcode Tag.HOLE}.
 *
 * | value | CBOR |
 * | --- | --- |
 * | undefined, null, booleans | simple values 23, 22, 20, 21 |
 * | safe integers | integer, the shortest form |
 * | other numbers, -0 and NaN | float of 16, 32 or 64 bits, the shortest that is exact |
 * | bigint | tag 2 or 3, bytes without leading zeros |
 * | string | text; with lone surrogates tag 273, bytes in WTF-8 |
 * | array | array; a hole is tag 49344 of undefined |
 * | plain object | map of text (or tag 273) to values |
 * | Map, Set | tag 259, map; tag 258, array |
 * | Date | tag 1, seconds; or tag 1001, `{ 1: seconds, -3: milliseconds }`: see `dates.ts` |
 * | RegExp | tag 21066, `[source, flags]` |
 * | ArrayBuffer | bytes |
 * | typed array | tags 64 to 86 (RFC 8746), bytes |
 * | DataView | tag 27, `["DataView", bytes]` |
 * | Error | tag 27, `["Error", name, message, stack or undefined, map of own properties]`; also `"DOMException"` |
 * | handle, sendable class | tag 27, `[name, ...arguments]` |
 * | the same object again | tag 28 around its first place, tag 29 of the number of that tag 28 at the others |
 *
 * The encoder writes definite lengths only, and the decoder reads no others. In a map with equal keys the last one
 * counts. A byte string is an ArrayBuffer, as tag 64 is a Uint8Array.
 */

/** The major types, in place: the upper three bits of the first byte. */
export const Major = {
  UNSIGNED: 0x00,
  NEGATIVE: 0x20,
  BYTES: 0x40,
  TEXT: 0x60,
  ARRAY: 0x80,
  MAP: 0xa0,
  TAG: 0xc0,
  SIMPLE: 0xe0,
} as const;

/** The first byte of simple values and floats. */
export const Simple = {
  FALSE: 0xf4,
  TRUE: 0xf5,
  NULL: 0xf6,
  UNDEFINED: 0xf7,
  FLOAT16: 0xf9,
  FLOAT32: 0xfa,
  FLOAT64: 0xfb,
} as const;

/** The tags. */
export const Tag = {
  DATE: 1,
  POSITIVE_BIGINT: 2,
  NEGATIVE_BIGINT: 3,
  OBJECT: 27,
  SHARED: 28,
  REFERENCE: 29,
  SET: 258,
  MAP: 259,
  WTF8: 273,
  EXTENDED_TIME: 1001,
  REGEXP: 21066,
  /**
   * Of undefined, as an item of an array: there is no item. It is ours, from the range that IANA assigns first come,
   * first served, where it is free; a decoder that ignores it reads undefined.
   */
  HOLE: 49344,
} as const;

/** How many arrays, maps, sets, objects and errors may be within each other. */
export const MAX_DEPTH = 256;

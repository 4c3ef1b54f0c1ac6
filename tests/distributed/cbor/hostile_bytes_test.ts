/** Bytes that nobody's encoder writes: they are refused, and cost no more than they are. */
import { isUtf8 } from "node:buffer";
import { assert, assertEquals, assertInstanceOf, assertLess, assertThrows } from "@std/assert";
import { decode } from "../../../core/distributed/cbor/decoder.ts";
import { DecodeError } from "../../../core/distributed/cbor/decode_error.ts";
import { encode } from "../../../core/distributed/cbor/encoder.ts";
import { ProtocolError, SerializationError } from "../../../core/distributed/errors.ts";
import { dice } from "./random_values.ts";

/** Bytes in hexadecimal, by what is wrong. */
const REFUSED: Readonly<Record<string, string>> = {
  "nothing": "",
  "two values": "0000",
  "a reserved length of integers": "1c",
  "an integer without its bytes": "1900",
  "a negative integer without its bytes": "3b00000000000000",
  "text longer than the bytes": "6261",
  "text of 2^32 - 1 bytes": "7affffffff61",
  "text of 2^64 - 1 bytes": "7bffffffffffffffff61",
  "bytes of 2^64 - 1 bytes": "5bffffffffffffffff61",
  "an array of 2^32 - 1 items": "9affffffff00",
  "an array of 2^64 - 1 items": "9bffffffffffffffff00",
  "a map of 2^31 entries": "ba8000000000",
  "a map with a key but no value": "a16161",
  "a Map of 2^32 - 1 entries": "d90103baffffffff00",
  "a Set of 2^32 - 1 items": "d901029affffffff00",
  "text that is not UTF-8": "61ff",
  "text with an overlong form": "62c080",
  "text with a surrogate": "63eda080",
  "longer text that is not UTF-8": "78ff" + "61".repeat(254) + "ff",
  "text beyond the last code point": "64f4908080",
  "a key that is not UTF-8": "a161ff00",
  "a key that is a number": "a10000",
  "a key that is an array": "a18000",
  "WTF-8 that is not": "d9011142eda0",
  "WTF-8 as text": "d901116161",
  "a tag of 2^64 - 1": "dbffffffffffffffff00",
  "a tag that is not known": "d9ffff00",
  "a tag without a value": "c1",
  "a hole that is no item": "d9c0c0f7",
  "a hole in a map": "a16161d9c0c0f7",
  "a hole that is a value": "81d9c0c000",
  "a date of text": "c16161",
  "a date of null": "c1f6",
  "a bigint of text": "c26161",
  "a bigint of text, negative": "c36161",
  "an extended time of an array": "d903e980",
  "an extended time with a part that is not known": "d903e9a1" + "0400",
  "an extended time with a positive fraction": "d903e9a1" + "0300",
  "a RegExp of one part": "d9524a816161",
  "a RegExp that is not valid": "d9524a82612860",
  "a RegExp with flags that are not valid": "d9524a826161617a",
  "a RegExp of numbers": "d9524a820000",
  "a Set of a map": "d90102a0",
  "a Map of an array": "d9010380",
  "a typed array of text": "d84061" + "61",
  "half an element": "d84541" + "00",
  "a typed array of 128-bit floats": "d857" + "40",
  "a reserved typed array": "d84c" + "40",
  "a named object that is a map": "d81ba0",
  "a named object without a name": "d81b80",
  "a named object with a number as name": "d81b8100",
  "an error without its parts": "d81b81654572726f72",
  "an error of other types": "d81b85654572726f72000000a0",
  "an error whose properties are an array": "d81b85654572726f7261616161f780",
  "a DataView of text": "d81b826844617461566965776161",
  "a DataView of two parts": "d81b836844617461566965774040",
  "a reference to nothing": "d81d00",
  "a reference to itself": "d81cd81d00",
  "a reference that is negative": "82d81c80d81d20",
  "a reference that is text": "82d81c80d81d6161",
  "a reference to what comes": "82d81d00d81c80",
  "a reference to what is not complete": "d81cd81b82" + "6178" + "d81d00",
  "a value that is marked twice": "d81cd81c80",
  "a value that is marked and a reference": "82d81c80d81cd81d00",
  "a mark without a value": "d81c",
  "a simple value that is not known": "e0",
  "a break": "ff",
  "a break in an array": "81ff",
};

for (const [what, hex] of Object.entries(REFUSED)) {
  Deno.test(`${what} is a DecodeError`, () => {
    const error = assertThrows(() => decode(Uint8Array.fromHex(hex)));
    assertInstanceOf(error, DecodeError, String(error));
    assertInstanceOf(error, ProtocolError);
  });
}

/** A value of all types. */
function everything(): unknown {
  const shared = { a: 1 };
  const value = [
    1,
    300,
    70_000,
    2 ** 40,
    -1,
    1.5,
    1.1,
    0.1,
    2n ** 80n,
    -5n,
    "text",
    "é",
    "\ud800",
    "x".repeat(300),
    null,
    undefined,
    true,
    new Date(5),
    new Date(1001),
    /a/g,
    [1, , 3],
    new Map([[1, shared]]),
    new Set([shared]),
    new Uint8Array(9),
    new Float64Array(2),
    new DataView(new ArrayBuffer(4)),
    new ArrayBuffer(5),
    new Error("x", { cause: shared }),
    { key: "value", "\udfff": 1 },
    shared,
  ];
  return [value, value];
}

Deno.test("a message that is cut anywhere is a DecodeError", () => {
  const bytes = encode(everything());
  for (let size = 0; size < bytes.length; size++) {
    assertInstanceOf(assertThrows(() => decode(bytes.subarray(0, size))), DecodeError, `${size}`);
  }
});

Deno.test("bytes behind those that are given are not read", () => {
  const bytes = encode(["text", new Uint8Array(8)]);
  for (let size = 0; size < bytes.length; size++) {
    const part = bytes.slice(0, size);
    assertThrows(() => decode(bytes.subarray(0, size)), DecodeError);
    assertThrows(() => decode(part), DecodeError);
  }
});

/** Containers and tags that may be within each other, as what comes before the inner value. */
const SHELLS: Readonly<Record<string, string>> = {
  "arrays": "81",
  "maps": "a16161",
  "Maps, as keys": "d90103a1",
  "Maps, as values": "d90103a100",
  "Sets": "d9010281",
  "named objects": "d81b826178",
  "errors": "d81b85654572726f7261616161f7a16161",
  "shared arrays": "d81c81",
  "arrays that claim all bytes": "9a00030000",
};

for (const [what, shell] of Object.entries(SHELLS)) {
  Deno.test(`a depth bomb of ${what} is a DecodeError`, () => {
    const bytes = Uint8Array.fromHex(shell.repeat(200_000) + "00");
    assertInstanceOf(assertThrows(() => decode(bytes)), DecodeError);
  });
}

Deno.test("chains of tags overflow no stack", () => {
  for (const tag of ["c1", "c2", "d81c", "d81d", "d90102", "d90103", "d90111", "d9c0c0", "d840", "d81b"]) {
    assertThrows(() => decode(Uint8Array.fromHex(tag.repeat(300_000))), DecodeError);
  }
});

Deno.test("counts that are not true allocate nothing", () => {
  // At each of 256 levels the count claims all bytes that are left.
  const size = 2_000_000;
  const bytes = new Uint8Array(size);
  for (let level = 0, at = 0; level < 255; level++, at += 5) {
    bytes[at] = 0x9a;
    new DataView(bytes.buffer).setUint32(at + 1, size - at - 5);
  }
  const before = Deno.memoryUsage().heapUsed;
  assertThrows(() => decode(bytes), DecodeError);
  assertLess(Deno.memoryUsage().heapUsed - before, 200_000_000);
});

Deno.test("many references to one object cost nothing but their bytes", () => {
  const laughs = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner, inner], []);
  const bytes = encode(laughs);
  assertLess(bytes.length, 1000);
  let value = decode(bytes) as unknown[];
  for (let i = 0; i < 60; i++) {
    assert(value[0] === value[1]);
    value = value[0] as unknown[];
  }
});

Deno.test("an array of holes has as many as there are bytes", () => {
  const holes = Uint8Array.fromHex("9a00010000" + "d9c0c0f7".repeat(65536));
  const array = decode(holes) as unknown[];
  assertEquals([array.length, Object.keys(array).length], [65536, 0]);
  assertThrows(() => decode(Uint8Array.fromHex("9a7fffffff" + "d9c0c0f7".repeat(100))), DecodeError);
});

Deno.test("an unknown class is an error of the value, not of the bytes", () => {
  assertThrows(() => decode(Uint8Array.fromHex("d81b826178" + "00")), SerializationError, 'current value is "x"');
});

Deno.test("properties of an error from the wire are data", () => {
  // ["Error", "TypeError", "m", undefined, { __proto__: 1, stack: 2, message: 3, name: 4, constructor: 5 }]
  const properties = "a5695f5f70726f746f5f5f01" + "65737461636b02" + "676d65737361676503" + "646e616d6504" +
    "6b636f6e7374727563746f7205";
  const error = decode(Uint8Array.fromHex("d81b85654572726f726954797065457272" + "6f72616df7" + properties)) as Error;
  assert(Object.getPrototypeOf(error) === TypeError.prototype);
  assertEquals(Object.getOwnPropertyDescriptor(error, "__proto__")?.value, 1);
});

Deno.test("keys that differ but look alike to the cache of strings stay apart", () => {
  const keys = ["abcdefgh", "abXdefgh", "aXcdeXgh", "é", "e", "\u00e9\u00e9", "ab", "ba"];
  for (const key of [...keys, ...keys.toReversed()]) {
    assertEquals(Object.keys(decode(encode({ [key]: 1 })) as object), [key]);
  }
  // Bytes that are no characters, but the codes of those that came just before.
  const roll = dice(1);
  for (let i = 0; i < 10_000; i++) {
    const codes = Array.from({ length: 3 + roll(9) }, () => 0x80 + roll(0x80));
    decode(encode({ [String.fromCharCode(...codes)]: 1 }));
    const bytes = Uint8Array.of(0xa1, 0x60 + codes.length, ...codes, 0);
    if (!isUtf8(bytes.subarray(2, -1))) assertThrows(() => decode(bytes), DecodeError);
  }
});

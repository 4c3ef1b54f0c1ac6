/** Our bytes are those of an independent library, cbor2, for the same value: so each reads what the other writes. */
import { assertEquals } from "@std/assert";
import { decode as cbor2Decode, encode as cbor2Encode, Tag } from "cbor2";
import { secondsAreExact } from "../../../core/distributed/cbor/dates.ts";
import { decode } from "../../../core/distributed/cbor/decoder.ts";
import { encode } from "../../../core/distributed/cbor/encoder.ts";
import { runs } from "../../helpers/runs.ts";
import { dice, RandomValues } from "./random_values.ts";
import { assertSame } from "./same.ts";

const OPTIONS = { collapseBigInts: false, wtf8: true };

/** A value in the types of cbor2: tagged where it has no form of its own, or another one. */
function inTypesOfCbor2(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof RegExp) return value;
  if (Array.isArray(value)) {
    return Array.from(value, (item, i) => i in value ? inTypesOfCbor2(item) : new Tag(49344, undefined));
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Uint8Array) return new Tag(64, value);
  if (value instanceof DataView) {
    return new Tag(27, ["DataView", new Uint8Array(value.buffer, value.byteOffset, value.byteLength)]);
  }
  if (ArrayBuffer.isView(value)) return value;
  if (value instanceof Date) return dateInTypesOfCbor2(value);
  if (value instanceof Set) return new Tag(258, Array.from(value, inTypesOfCbor2));
  if (value instanceof Map) return new Tag(259, mapOf(value));
  if (value instanceof Error) return errorInTypesOfCbor2(value);
  return mapOf(Object.entries(value));
}

/** A Map, as the objects of cbor2 lose the order of keys that are numbers. */
function mapOf(entries: Iterable<readonly [unknown, unknown]>): Map<unknown, unknown> {
  return new Map(Array.from(entries, ([key, item]) => [inTypesOfCbor2(key), inTypesOfCbor2(item)]));
}

function dateInTypesOfCbor2(date: Date): unknown {
  const time = date.getTime();
  if (Number.isNaN(time) || secondsAreExact(time)) return date;
  const seconds = Math.floor(time / 1000);
  return new Tag(1001, new Map([[1, seconds], [-3, time - 1000 * seconds]]));
}

function errorInTypesOfCbor2(error: Error): unknown {
  const properties = Object.entries(error);
  for (const key of ["cause", "errors"]) if (Object.hasOwn(error, key)) properties.push([key, Reflect.get(error, key)]);
  return new Tag(27, ["Error", error.name, error.message, error.stack, mapOf(properties)]);
}

Deno.test("random values have the same bytes in cbor2, and each reads the other's", () => {
  for (let seed = 1; seed <= runs(3000); seed++) {
    const value = new RandomValues(dice(seed), false).value();
    try {
      const [ours, theirs] = [encode(value), cbor2Encode(inTypesOfCbor2(value), OPTIONS)];
      assertEquals(ours.toHex(), theirs.toHex());
      assertSame(decode(theirs), value);
      cbor2Decode(ours);
    } catch (error) {
      throw new Error(`Seed ${seed} fails`, { cause: error });
    }
  }
});

Deno.test("cbor2 reads our values as those that they were", () => {
  const values = [
    [1, -1, 1.1, 2 ** 53 - 1, 1e300, true, false, null, undefined, "text", "é😀"],
    { a: { b: [1, "2"] }, c: {} },
    2n ** 70n,
    -(2n ** 70n),
    "lone \ud800",
    new Date(1_700_000_000_123),
    /a+/gi,
    new Set([1, "a"]),
    Uint8Array.of(1, 2),
    Float64Array.of(1.5, -0),
    Int16Array.of(-1, 5),
    BigUint64Array.of(2n ** 64n - 1n),
  ];
  for (const value of values) assertEquals(cbor2Decode(encode(value)), value);
});

Deno.test("we read values of cbor2 as those that they were", () => {
  const values = [
    0,
    -1,
    1.1,
    "é",
    [1, [2]],
    { a: 1 },
    new Date(1_700_000_000_123),
    /a+/gi,
    new Set([1]),
    Float32Array.of(1.5),
  ];
  for (const value of values) assertEquals(decode(cbor2Encode(value)), value);
  assertEquals(decode(cbor2Encode(2n ** 60n)), 2n ** 60n);
  assertEquals(decode(cbor2Encode(Uint8Array.of(1, 2))), Uint8Array.of(1, 2).buffer);
});

Deno.test("shared references are the tags 28 and 29 to cbor2", () => {
  const shared = [1];
  assertEquals(cbor2Decode(encode({ a: shared, b: shared })), { a: new Tag(28, [1]), b: new Tag(29, 0) });
});

/** The bytes of values: those of RFC 8949, appendix A, and the forms that `wire_format.ts` promises. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { decode } from "../../../core/distributed/cbor/decoder.ts";
import { encode } from "../../../core/distributed/cbor/encoder.ts";
import { assertSame } from "./same.ts";

/** Those that are written so and read so. */
const BOTH_WAYS: readonly (readonly [unknown, string])[] = [
  [0, "00"],
  [1, "01"],
  [10, "0a"],
  [23, "17"],
  [24, "1818"],
  [25, "1819"],
  [100, "1864"],
  [1000, "1903e8"],
  [1_000_000, "1a000f4240"],
  [1_000_000_000_000, "1b000000e8d4a51000"],
  [2n ** 64n, "c249010000000000000000"],
  [-(2n ** 64n) - 1n, "c349010000000000000000"],
  [-1, "20"],
  [-10, "29"],
  [-100, "3863"],
  [-1000, "3903e7"],
  [-0, "f98000"],
  [1.1, "fb3ff199999999999a"],
  [1.5, "f93e00"],
  [0.00006103515625, "f90400"],
  [5.960464477539063e-8, "f90001"],
  [3.4028234663852886e38, "fa7f7fffff"],
  [1.0e300, "fb7e37e43c8800759c"],
  [-4.1, "fbc010666666666666"],
  [Infinity, "f97c00"],
  [NaN, "f97e00"],
  [-Infinity, "f9fc00"],
  [false, "f4"],
  [true, "f5"],
  [null, "f6"],
  [undefined, "f7"],
  [new ArrayBuffer(0), "40"],
  [Uint8Array.of(1, 2, 3, 4).buffer, "4401020304"],
  ["", "60"],
  ["a", "6161"],
  ["IETF", "6449455446"],
  ['"\\', "62225c"],
  ["\u00fc", "62c3bc"],
  ["\u6c34", "63e6b0b4"],
  ["\ud800\udd51", "64f0908591"],
  [[], "80"],
  [[1, 2, 3], "83010203"],
  [[1, [2, 3], [4, 5]], "8301820203820405"],
  [Array.from({ length: 25 }, (_, i) => i + 1), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"],
  [{}, "a0"],
  [{ a: 1, b: [2, 3] }, "a26161016162820203"],
  [["a", { b: "c" }], "826161a161626163"],
  [{ a: "A", b: "B", c: "C", d: "D", e: "E" }, "a56161614161626142616361436164614461656145"],
  [new Date(1_363_896_240_000), "c11a514b67b0"],
  [new Date(1_363_896_240_500), "c1fb41d452d9ec200000"],
  // Of this package.
  [0n, "c240"],
  [-1n, "c340"],
  [2 ** 53 - 1, "1b001fffffffffffff"],
  [-(2 ** 53 - 1), "3b001ffffffffffffe"],
  [2 ** 53, "fa5a000000"],
  [new Date(NaN), "c1f97e00"],
  [new Date(1_001), "d903e9a201012201"],
  [new Date(-4_489_474_853_529_345), "d903e9a2013b00000415498dca992219028f"],
  [new Date(-999), "c1fbbfeff7ced916872b"],
  ["a\ud800", "d9011144" + "61eda080"],
  [/a+/gi, "d9524a8262612b626769"],
  [new Map<unknown, unknown>([[1, "a"], ["1", 2]]), "d90103a2016161613102"],
  [new Set([1, "a"]), "d9010282016161"],
  [[1, , undefined], "8301d9c0c0f7f7"],
  [Uint8Array.of(1, 2), "d840420102"],
  [Uint8ClampedArray.of(1), "d8444101"],
  [Int8Array.of(-1), "d84841ff"],
  [Uint16Array.of(1), "d845420100"],
  [Uint32Array.of(1), "d8464401000000"],
  [BigUint64Array.of(1n), "d847480100000000000000"],
  [Int16Array.of(-1), "d84d42ffff"],
  [Int32Array.of(-1), "d84e44ffffffff"],
  [BigInt64Array.of(-1n), "d84f48ffffffffffffffff"],
  [Float16Array.of(1.5), "d85442003e"],
  [Float32Array.of(1.5), "d855440000c03f"],
  [Float64Array.of(1.5), "d85648000000000000f83f"],
  [new DataView(Uint8Array.of(1, 2).buffer), "d81b82684461746156696577420102"],
];

/** Those that others may write. */
const READ_ONLY: readonly (readonly [unknown, string])[] = [
  [0.0, "f90000"],
  [1.0, "f93c00"],
  [65504.0, "f97bff"],
  [100000.0, "fa47c35000"],
  [-4.0, "f9c400"],
  [Infinity, "fa7f800000"],
  [NaN, "fb7ff8000000000000"],
  [2n ** 64n - 1n, "1bffffffffffffffff"],
  [-(2n ** 64n), "3bffffffffffffffff"],
  [2 ** 53 - 1, "1b001fffffffffffff"],
  [2n ** 53n, "1b0020000000000000"],
  [-(2n ** 53n), "3b001fffffffffffff"],
  [0, "1b0000000000000000"],
  [5n, "c2420005"],
  [new Date(1_363_896_240_123), "c1fb41d452d9ec07df3b"],
  [new Date(1_500), "d903e9a2010122" + "1901f4"],
  [new Date(1_001), "d903e9a20101251903e8"],
  [Uint16Array.of(1), "d841420001"],
  [Float64Array.of(1.5), "d852483ff8000000000000"],
  [BigInt64Array.of(-2n), "d84b48fffffffffffffffe"],
  [{ a: 2 }, "a2616101616102"],
];

/** Those of the appendix that are no value of ours. */
const NOT_READ: Readonly<Record<string, string>> = {
  "simple value 16": "f0",
  "simple value 255": "f8ff",
  "a date as text": "c074323031332d30332d32315432303a30343a30305a",
  "bytes that will be base16": "d74401020304",
  "a URL": "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
  "a map of numbers that is not a Map": "a201020304",
  "bytes of indefinite length": "5f42010243030405ff",
  "text of indefinite length": "7f657374726561646d696e67ff",
  "an array of indefinite length": "9fff",
  "a map of indefinite length": "bf61610161629f0203ffff",
};

for (const [value, hex] of BOTH_WAYS) {
  Deno.test(`${hex} is written and read`, () => {
    assertEquals(encode(value).toHex(), hex);
    assertSame(decode(Uint8Array.fromHex(hex)), value);
  });
}

for (const [value, hex] of READ_ONLY) {
  Deno.test(`${hex} is read`, () => assertSame(decode(Uint8Array.fromHex(hex)), value));
}

for (const [what, hex] of Object.entries(NOT_READ)) {
  Deno.test(`${what} is refused`, () => {
    assertStrictEquals(failureOf(() => decode(Uint8Array.fromHex(hex))), "DecodeError");
  });
}

Deno.test("an object that is there twice is marked at its first place, and a number at the others", () => {
  const [a, b] = [{}, [] as unknown[]];
  assertEquals(encode([b, a, b, a, a]).toHex(), "85d81c80d81ca0d81d00d81d01d81d01");
  b.push(b);
  assertEquals(encode(b).toHex(), "d81c81d81d00");
});

Deno.test("every half is read as the number that the host reads, and written again as it was", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = new Float16Array(Uint16Array.of(bits).buffer)[0];
    const bytes = Uint8Array.of(0xf9, bits >> 8, bits & 255);
    assertStrictEquals(decode(bytes), value);
    if (Number.isNaN(value) || (Number.isInteger(value) && !Object.is(value, -0))) continue;
    assertEquals(encode(value), bytes);
  }
});

Deno.test("a Date is tag 1 unless seconds times 1000 lose its millisecond", () => {
  let extended = 0;
  for (let n = 0; n < 20_000; n++) {
    const date = new Date(n % 2 ? n : 1_700_000_000_000 - 7919 * n * n);
    const bytes = encode(date);
    assertEquals(decode(bytes), date);
    if (bytes[0] === 0xd9) extended++;
    else assertEquals(new Date((decode(bytes.subarray(1)) as number) * 1000), date);
  }
  assertEquals(extended > 0 && extended < 10_000, true);
});

function failureOf(work: () => unknown): string {
  try {
    return `returned ${work()}`;
  } catch (error) {
    return (error as Error).name;
  }
}

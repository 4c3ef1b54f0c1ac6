/** Every sendable type arrives as it was sent. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { ByteReader } from "../../../core/distributed/cbor/byte_reader.ts";
import { decode, Decoder } from "../../../core/distributed/cbor/decoder.ts";
import { encode, Encoder } from "../../../core/distributed/cbor/encoder.ts";
import { assertSame } from "./same.ts";

const INTEGERS = [0, 1, 10, 23, 24, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, 2 ** 53 - 1];
const FLOATS = [-0, NaN, Infinity, -Infinity, 0.5, 1.1, 2 ** 53, 1e300, 5e-324, 65504, 65505.5, 2 ** -24, 2 ** -25];
const BUFFER = Uint8Array.from({ length: 64 }, (_, i) => 7 * i).buffer;

/** A value of each type, by what it is. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  "undefined, null and booleans": [undefined, null, true, false],
  "integers": [...INTEGERS, ...INTEGERS.map((n) => -n)],
  "-0, NaN, fractions and numbers that are not safe": [...FLOATS, ...FLOATS.map((n) => -n)],
  "bigints": [0n, 1n, -1n, 255n, 256n, -256n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 64n), 3n ** 999n, -(3n ** 999n)],
  "strings": [
    "",
    "a",
    "é",
    "日本語",
    "😀",
    "\0",
    "\ufeffx",
    "\ufffd",
    ...[12, 13, 23, 24, 48, 49, 255, 256, 70_000].map((n) => "x".repeat(n)),
  ],
  "long strings that are not ASCII": [
    "é".repeat(30),
    "é".repeat(100_000),
    "x".repeat(47) + "é",
    "x".repeat(300) + "😀",
  ],
  "strings with lone surrogates": [
    "\ud800",
    "\udfff",
    "a\udc00b",
    "\ud83d",
    "😀\ud83d😀",
    "\udc00\ud800",
    "\ud800".repeat(99),
  ],
  "dates": [0, -1, 1, 1.5e12, 1_700_000_000_123, 1_700_000_000_001, -8.64e15, 8.64e15, 8.64e15 - 1, -999, NaN].map((
    t,
  ) => new Date(t)),
  "regular expressions": [/a/, /[/\]]\/é/giu, new RegExp(""), /(?<x>.)\k<x>/dsvy],
  "arrays": [[], [1, "a", null], Array.from({ length: 1000 }, (_, i) => i)],
  "arrays with holes": [[, 1, , undefined, ,], new Array(5), [1, , 3]],
  "maps": [new Map(), new Map<unknown, unknown>([[1, "a"], ["1", "b"], [NaN, 0], [{ a: 1 }, [1]], [undefined, null]])],
  "sets": [new Set(), new Set<unknown>([1, "1", NaN, { a: 1 }, undefined])],
  "plain objects": [{}, { a: 1, "b c": { d: [] }, 7: 8, "": 9, "é\ud800": 10, constructor: 1, toString: 2 }],
  "buffers": [new ArrayBuffer(0), BUFFER],
  "typed arrays": [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array].map((T) =>
      new T(BUFFER, 8, 5)
    ),
    ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array, Float16Array].map((T) => new T(BUFFER, 8, 5)),
    new Float64Array([NaN, -0, Infinity]),
  ],
  "data views": [new DataView(BUFFER, 3, 9), new DataView(new ArrayBuffer(0))],
  "errors": [
    new Error("plain"),
    new TypeError("type", { cause: new RangeError("range") }),
    new AggregateError([1, new Error("x")], "all"),
  ],
};

/** Puts a value into each container. */
const NESTINGS: Readonly<Record<string, (value: unknown) => unknown>> = {
  "alone": (value) => value,
  "in an array": (value) => [0, value, 1],
  "in an object": (value) => ({ before: 0, value, after: 1 }),
  "as a key of a Map": (value) => new Map([[value, 0]]),
  "as a value of a Map": (value) => new Map([[0, value]]),
  "in a Set": (value) => new Set([value]),
  "as the cause of an error": (value) => new Error("outer", { cause: value }),
  "as data of an error": (value) => Object.assign(new Error("outer"), { value }),
  "shared": (value) => [value, value, { value }],
  "in depth": (value) => [new Map([[{ a: [value] }, new Set([[value]])]])],
};

for (const [type, values] of Object.entries(VALUES)) {
  Deno.test(`${type} arrive as they were sent, in every container`, () => {
    for (const value of values) {
      for (const nest of Object.values(NESTINGS)) {
        const sent = nest(value);
        // A Set and a Map have no -0.
        assertSame(decode(encode(sent)), sent);
      }
    }
  });
}

Deno.test("objects without a prototype arrive as plain ones", () => {
  const sent = Object.assign(Object.create(null), { a: 1 });
  const arrived = decode(encode(sent));
  assertStrictEquals(Object.getPrototypeOf(arrived), Object.prototype);
  assertEquals(arrived, { a: 1 });
});

Deno.test("`__proto__` is data and pollutes nothing", () => {
  const sent = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
  const arrived = decode(encode(sent)) as Record<string, unknown>;
  assertStrictEquals(Object.getPrototypeOf(arrived), Object.prototype);
  assertEquals(Object.keys(arrived), ["__proto__", "constructor"]);
  assertEquals(Object.getOwnPropertyDescriptor(arrived, "__proto__")?.value, { polluted: true });
  assertEquals(({} as { polluted?: boolean }).polluted, undefined);
});

Deno.test("`__proto__` is data where the host gives it a meaning", () => {
  // As in Node; Deno has none.
  const before = Object.getOwnPropertyDescriptor(Object.prototype, "__proto__");
  const set = () => {
    throw new Error("The prototype was set");
  };
  Object.defineProperty(Object.prototype, "__proto__", { get: () => null, set, configurable: true });
  try {
    const arrived = decode(encode(JSON.parse('{"__proto__":{"a":1}}'))) as object;
    assertEquals(Object.getOwnPropertyDescriptor(arrived, "__proto__")?.value, { a: 1 });
  } finally {
    delete (Object.prototype as { __proto__?: unknown }).__proto__;
    if (before !== undefined) Object.defineProperty(Object.prototype, "__proto__", before);
  }
});

Deno.test("own enumerable properties with text keys are sent, and no others", () => {
  const sent = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", { value: 3 });
  assertSame(decode(encode(sent)), { a: 1 });
});

Deno.test("inherited enumerable properties are not sent", () => {
  Object.defineProperty(Object.prototype, "inherited", { value: 1, enumerable: true, configurable: true });
  try {
    assertEquals(Object.keys(decode(encode({ a: 1 })) as object), ["a"]);
  } finally {
    delete (Object.prototype as { inherited?: number }).inherited;
  }
});

Deno.test("getters are read once, and toJSON is not called", () => {
  let reads = 0;
  const sent = {
    get now() {
      return ++reads;
    },
  };
  assertSame(
    decode(encode([sent, sent])),
    (() => {
      const once = { now: 1 };
      return [once, once];
    })(),
  );
  const date = Object.assign(new Date(5), { toJSON: () => "called" });
  assertSame(decode(encode(date)), new Date(5));
});

Deno.test("arrays keep no other properties", () => {
  const arrived = decode(encode(Object.assign([1, 2], { extra: 3 })));
  assertEquals(Object.keys(arrived as object), ["0", "1"]);
});

Deno.test("a view is sent without the rest of its buffer", () => {
  const arrived = decode(encode(new Uint16Array(BUFFER, 2, 3))) as Uint16Array;
  assertEquals([arrived.byteOffset, arrived.buffer.byteLength], [0, 6]);
  assert(encode(new Uint8Array(new ArrayBuffer(100_000), 5, 3)).length < 10);
});

Deno.test("two views on one buffer do not share it any more", () => {
  const [a, b] = decode(encode([new Uint8Array(BUFFER), new Uint8Array(BUFFER)])) as Uint8Array[];
  assert(a.buffer !== b.buffer);
});

Deno.test("the bytes that were decoded can be changed afterwards", () => {
  const bytes = encode([new Uint8Array([1, 2, 3]), new ArrayBuffer(4), "text that is longer than a few bytes"]);
  const arrived = decode(bytes) as [Uint8Array, ArrayBuffer, string];
  bytes.fill(0xff);
  assertEquals(arrived[0], new Uint8Array([1, 2, 3]));
  assertEquals(new Uint8Array(arrived[1]), new Uint8Array(4));
  assertEquals(arrived[2], "text that is longer than a few bytes");
});

Deno.test("an object that is there twice is one object, in any kind of object", () => {
  const shared: object[] = [
    { a: 1 },
    [1],
    new Map([[1, 1]]),
    new Set([1]),
    new Date(1),
    /x/,
    new Uint8Array(3),
    new ArrayBuffer(3),
  ];
  shared.push(new DataView(new ArrayBuffer(3)), new Error("x"), new RangeError("y"));
  const sent = [...shared, ...shared.toReversed(), new Map(shared.map((each) => [each, each]))];
  assertSame(decode(encode(sent)), sent);
});

Deno.test("cycles arrive, through every kind of object", () => {
  const array: unknown[] = [];
  const object = { array, text: "x" } as Record<string, unknown>;
  const map = new Map<unknown, unknown>([[object, array]]);
  const set = new Set<unknown>([map]);
  const error = Object.assign(new Error("loop", { cause: null }), { set, array });
  error.cause = error;
  array.push(array, object, map, set, error);
  map.set(map, set);
  set.add(set);
  object.self = object;
  for (const root of [array, object, map, set, error]) assertSame(decode(encode(root)), root);
});

Deno.test("more than a few objects keep which are one", () => {
  const objects = Array.from({ length: 100 }, (_, id) => ({ id, next: null as unknown }));
  objects.forEach((object, i) => object.next = objects[(7 * i + 3) % 100]);
  assertSame(decode(encode(objects)), objects);
});

Deno.test("256 objects within each other arrive, of every kind", () => {
  const wraps: ((value: unknown) => unknown)[] = [
    (value) => [value],
    (value) => ({ value }),
    (value) => new Map([[1, value]]),
    (value) => new Map([[value, 1]]),
    (value) => new Set([value]),
    (value) => new Error("x", { cause: value }),
  ];
  for (const wrap of [...wraps, (value: unknown) => wraps[depth++ % wraps.length](value)]) {
    for (const innermost of [1, new DataView(new ArrayBuffer(1)), new Date(1), /x/, new Uint8Array(1)]) {
      let sent: unknown = innermost;
      for (let i = 0; i < 256; i++) sent = wrap(sent);
      assertSame(decode(encode(sent)), sent);
    }
  }
});
let depth = 0;

Deno.test("values follow each other in one buffer", () => {
  const encoder = new Encoder();
  const sent = [1, "two", { three: [3] }, null, new Map([[4, 4]])];
  const sizes = sent.map((value) => encoder.encode(value));
  const bytes = encoder.out.take();
  assertEquals(bytes.length, sizes.reduce((a, b) => a + b));
  const reader = new ByteReader(bytes);
  const decoder = new Decoder();
  assertSame(sent.map(() => decoder.decode(reader)), sent);
  assertEquals(reader.left, 0);
  assertEquals(encoder.out.position, 0);
});

Deno.test("bytes may lie anywhere in their buffer", () => {
  const bytes = encode({ long: "text of thirteen and more", f: 1.1, é: new Float64Array([1.5]) });
  const frame = new Uint8Array(bytes.length + 10);
  frame.set(bytes, 3);
  assertSame(decode(frame.subarray(3, 3 + bytes.length)), decode(bytes));
});

Deno.test("an array may be as long as there are bytes, and longer than any stack", () => {
  const sent = Array.from({ length: 300_000 }, (_, i) => i % 3 ? i : String(i));
  assertSame(decode(encode(sent)), sent);
  const set = new Set(sent);
  assertSame(decode(encode(set)), set);
});

/** What is not sendable is refused with its path, and nothing is written. */
import { assertEquals, assertInstanceOf, assertLess, assertMatch, assertThrows } from "@std/assert";
import { MessageTooLargeError } from "../../../core/io/errors.ts";
import { SerializationError } from "../../../core/distributed/errors.ts";
import { decode } from "../../../core/distributed/cbor/decoder.ts";
import { encode, Encoder } from "../../../core/distributed/cbor/encoder.ts";

function refusal(value: unknown, root?: string): SerializationError {
  const encoder = new Encoder();
  encoder.encode("before");
  const before = encoder.out.position;
  const error = assertThrows(() => encoder.encode(value, Infinity, root));
  assertInstanceOf(error, SerializationError);
  assertInstanceOf(error, TypeError);
  assertEquals(encoder.out.position, before);
  encoder.encode([1]);
  assertEquals(decode(encoder.out.written(before)), [1]);
  return error;
}

const nothing = () => {};

class Point {
  x = 1;
}

class MyMap extends Map {}

const REFUSED: Readonly<Record<string, unknown>> = {
  "an arrow function": nothing,
  "a generator function": function* () {},
  "a class": Point,
  "a symbol": Symbol("s"),
  "a well-known symbol": Symbol.iterator,
  "an instance of a class": new Point(),
  "an object with another prototype": Object.create({}),
  "a subclass of Map": new MyMap(),
  "a subclass of Array": new (class extends Array {})(),
  "a subclass of Uint8Array": new (class extends Uint8Array {})(),
  "a subclass of Date": new (class extends Date {})(),
  "an object that looks like a Map": Object.create(Map.prototype),
  "an object that looks like an array": Object.create(Array.prototype),
  "an object that looks like a Date": Object.create(Date.prototype),
  "an object that looks like a RegExp": Object.create(RegExp.prototype),
  "a proxy of a Map": new Proxy(new Map(), {}),
  "a boxed number": Object(1),
  "a boxed string": Object("s"),
  "a boxed bigint": Object(1n),
  "a promise": Promise.resolve(),
  "a WeakMap": new WeakMap(),
  "a SharedArrayBuffer": new SharedArrayBuffer(8),
  "a generator": (function* () {})(),
  "a URL": new URL("http://localhost"),
};

for (const [what, value] of Object.entries(REFUSED)) {
  Deno.test(`${what} is refused, wherever it is`, () => {
    assertEquals(refusal(value).path, "message");
    assertEquals(refusal({ items: [0, 1, 2, { socket: value }] }).path, "message.items[3].socket");
  });
}

Deno.test("the path names properties, items, entries, causes and data", () => {
  assertEquals(refusal({ a: { b: nothing } }).path, "message.a.b");
  assertEquals(refusal({ $a_1: { é: nothing } }).path, "message.$a_1.é");
  assertEquals(refusal({ "a b": nothing }).path, 'message["a b"]');
  assertEquals(refusal({ "": { "1a": { 'q"': nothing } } }).path, 'message[""]["1a"]["q\\""]');
  assertEquals(refusal({ 7: nothing }).path, 'message["7"]');
  assertEquals(refusal([[1], [2, nothing]]).path, "message[1][1]");
  assertEquals(refusal([, , nothing]).path, "message[2]");
  assertEquals(refusal(new Map<unknown, unknown>([[1, 2], [nothing, 3]])).path, "message.keys()[1]");
  assertEquals(refusal(new Map<unknown, unknown>([[1, 2], [3, [nothing]]])).path, "message.values()[1][0]");
  assertEquals(refusal(new Set([1, 2, { a: nothing }])).path, "message.values()[2].a");
  assertEquals(refusal(new Error("x", { cause: { a: nothing } })).path, "message.cause.a");
  assertEquals(refusal(new AggregateError([1, nothing])).path, "message.errors[1]");
  assertEquals(refusal(Object.assign(new Error("x"), { data: nothing })).path, "message.data");
});

Deno.test("the path is that of the value that fails, after others that did not", () => {
  assertEquals(refusal({ a: [1, { b: new Map([[1, [2]]]) }], c: { d: 1 }, e: nothing }).path, "message.e");
});

Deno.test("the root of the path is the caller's", () => {
  assertEquals(refusal([nothing], "arguments").path, "arguments[0]");
});

Deno.test("the message names the place, the value and the way out", () => {
  assertMatch(
    refusal({ on: nothing }).message,
    /^Cannot send message\.on as it is not sendable: current value is the function 'nothing', /,
  );
  assertMatch(refusal([new Point()]).message, /an object of Point, send its data, or register its class/);
});

Deno.test("depth above 256 is refused", () => {
  let value: unknown = 1;
  for (let i = 0; i < 257; i++) value = [value];
  assertEquals(refusal(value).path, "message" + "[0]".repeat(256));
});

Deno.test("endless depth ends, without an overflow of the stack", () => {
  const endless: object = {
    get next() {
      return Object.create(null, { next: Object.getOwnPropertyDescriptor(endless, "next")! });
    },
  };
  assertEquals(refusal(endless).path, "message" + ".next".repeat(256));
});

Deno.test("a buffer that was transferred is refused", () => {
  const buffer = new ArrayBuffer(8);
  const values = [buffer, new Uint8Array(buffer), new DataView(buffer)];
  buffer.transfer();
  assertEquals(refusal([values[0]]).path, "message[0]");
  assertEquals(refusal([values[1]]).path, "message[0]");
  assertEquals(refusal([values[2]]).path, "message[0]");
});

Deno.test("a getter that throws lets its error through, and nothing is written", () => {
  const encoder = new Encoder();
  const bad = {
    a: "x".repeat(1000),
    get b() {
      throw new RangeError("own");
    },
  };
  assertThrows(() => encoder.encode([bad]), RangeError, "own");
  assertEquals(encoder.out.position, 0);
});

Deno.test("a getter that removes or adds properties is refused or harmless, never a broken message", () => {
  const removing = {
    get a() {
      return delete (this as { b?: number }).b;
    },
    b: 1,
  };
  assertEquals(refusal([removing]).path, "message[0].a");
  const replacing = {
    get a() {
      Object.defineProperty(this, "a", { value: 2 });
      return 1;
    },
    b: 1,
  };
  assertEquals(decode(encode(replacing)), { a: 1, b: 1 });
  const map = new Map<unknown, unknown>();
  map.set(1, {
    get a() {
      return map.set(map.size + 1, 1).size;
    },
  });
  assertEquals((decode(encode(map)) as Map<unknown, unknown>).size, 1);
  const array: unknown[] = [{
    get a() {
      return array.length = 1;
    },
  }, 2];
  assertEquals(decode(encode(array)), [{ a: 1 }, ,]);
});

Deno.test("sending from a getter is refused, and the outer value is sent", () => {
  const encoder = new Encoder();
  const value = {
    get a() {
      assertThrows(() => encoder.encode(1), Error, "Cannot send while another value is being sent");
      return 5;
    },
  };
  encoder.encode(value);
  assertEquals(decode(encoder.out.take()), { a: 5 });
});

Deno.test("a value at its limit is written, above it refused, and nothing is written", () => {
  const shared = { a: 1 };
  for (
    const value of ["x".repeat(5000), "é".repeat(300), new Uint8Array(5000), [1, 2, 3], [shared, shared], { a: {} }]
  ) {
    const size = encode(value).length;
    const encoder = new Encoder();
    assertThrows(() => encoder.encode(value, size - 1), MessageTooLargeError);
    assertEquals(encoder.out.position, 0);
    encoder.encode(0);
    assertEquals(encoder.encode(value, size), size);
  }
});

Deno.test("an array of many holes ends at the limit", () => {
  const encoder = new Encoder();
  assertThrows(() => encoder.encode(new Array(20_000_000), 100_000), MessageTooLargeError);
  assertEquals(encoder.out.position, 0);
  assertLess(encoder.out.written().buffer.byteLength, 1_000_000);
});

Deno.test("text that cannot fit is refused before there is room for it", () => {
  const encoder = new Encoder();
  assertThrows(() => encoder.encode("x".repeat(3_000_000), 100_000), MessageTooLargeError);
  assertThrows(() => encoder.encode(new Uint8Array(3_000_000), 100_000), MessageTooLargeError);
  assertLess(encoder.out.written().buffer.byteLength, 1_000_000);
});

Deno.test("after a refusal, the encoder knows nothing of the value", () => {
  const encoder = new Encoder();
  const shared = { a: 1 };
  const many = Array.from({ length: 50 }, () => ({}));
  assertThrows(() => encoder.encode([shared, shared, many, nothing]), SerializationError);
  encoder.encode([shared, many[0]]);
  assertEquals(encoder.out.take().toHex(), "82a1616101a0");
  encoder.encode(many);
  assertEquals(encoder.out.take().toHex(), "9832" + "a0".repeat(50));
});

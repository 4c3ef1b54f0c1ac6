/** Objects that have no form of their own: named objects, through the interface and the registry of classes. */
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { ByteReader } from "../../../core/distributed/cbor/byte_reader.ts";
import { ByteWriter } from "../../../core/distributed/cbor/byte_writer.ts";
import { decode, Decoder } from "../../../core/distributed/cbor/decoder.ts";
import { encode, Encoder } from "../../../core/distributed/cbor/encoder.ts";
import type { Handles } from "../../../core/distributed/cbor/handles.ts";
import { SerializationError } from "../../../core/distributed/errors.ts";
import { sendable, sendableClasses } from "../../../core/distributed/sendable.ts";

class Money {
  #cents: number;
  constructor(cents: number) {
    this.#cents = cents;
  }
  static {
    sendable(Money, "Money", { pack: (money) => money.#cents, unpack: (cents) => new Money(cents) });
  }
  get cents(): number {
    return this.#cents;
  }
}

class Box {
  content: unknown;
  constructor(content: unknown) {
    this.content = content;
  }
}
sendable(Box, "Box", { pack: (box) => ({ content: box.content }), unpack: ({ content }) => new Box(content) });

class Tags extends Set<string> {}
sendable(Tags, "Tags", { pack: (tags) => [...tags], unpack: (tags) => new Tags(tags) });

class Broken {}
sendable(Broken, "Broken", {
  pack: () => 1,
  unpack: () => {
    throw new RangeError("cannot unpack");
  },
});

function travel<T>(value: T): T {
  return decode(encode(value, sendableClasses), sendableClasses) as T;
}

Deno.test("an instance of a sendable class arrives as one, wherever it is", () => {
  const arrived = travel({ price: new Money(5), all: new Map([[new Money(1), [new Box(new Money(2))]]]) });
  assertInstanceOf(arrived.price, Money);
  assertEquals(arrived.price.cents, 5);
  const [[key, [box]]] = arrived.all;
  assertEquals([key.cents, (box.content as Money).cents], [1, 2]);
});

Deno.test("a sendable subclass of a built-in class arrives", () => {
  const arrived = travel(new Tags(["a"]));
  assertInstanceOf(arrived, Tags);
  assert(arrived.has("a"));
});

Deno.test("an instance that is there twice is one, and keeps what it shares", () => {
  const shared = { a: 1 };
  const box = new Box([shared]);
  const [a, b, c] = travel([box, box, shared] as const);
  assertStrictEquals(a, b);
  assertStrictEquals((a.content as unknown[])[0], c);
});

Deno.test("an instance within a cycle through itself is refused, and packed no second time", () => {
  const box = new Box(null);
  box.content = [box];
  const refuse = (value: unknown) => assertThrows(() => encode(value, sendableClasses), SerializationError);
  assertEquals(refuse(box).path, "message.content[0]");
  const object = { box };
  box.content = object;
  assertEquals(refuse(object).path, "message.box.content");
  assertEquals(refuse([new Box(1), object]).path, "message[1].box.content");
  const cycle: unknown[] = [];
  cycle.push(cycle);
  box.content = cycle;
  const arrived = travel(box).content as unknown[];
  assertStrictEquals(arrived[0], arrived);
});

Deno.test("the path of a refusal goes through what an instance was packed as", () => {
  const error = assertThrows(() => encode([new Box({ f() {} })], sendableClasses), SerializationError);
  assertEquals(error.path, "message[0].content.f");
});

Deno.test("instances of subclasses of a sendable class are refused", () => {
  assertThrows(() => encode(new (class extends Box {})(1), sendableClasses), SerializationError);
});

Deno.test("what pack throws goes through, and nothing is written", () => {
  const encoder = new Encoder(new ByteWriter(), {
    ...sendableClasses,
    pack: () => {
      throw new RangeError("cannot pack");
    },
  });
  assertThrows(() => encoder.encode([1, new Money(1)]), RangeError, "cannot pack");
  assertEquals(encoder.out.position, 0);
});

Deno.test("what unpack throws comes after the whole value is read, and the next value can be read", () => {
  const encoder = new Encoder(new ByteWriter(), sendableClasses);
  encoder.encode({ a: [new Broken(), { b: 1 }], box: new Box(new Broken()) });
  encoder.encode("next");
  const decoder = new Decoder(sendableClasses);
  const reader = new ByteReader(encoder.out.take());
  assertThrows(() => decoder.decode(reader), RangeError, "cannot unpack");
  assertEquals(decoder.decode(reader), "next");
});

Deno.test("after unpack has thrown, nothing more is unpacked, as it would be given what is not there", () => {
  const names: string[] = [];
  const handles: Handles = {
    pack: sendableClasses.pack,
    unpack(name, args) {
      names.push(name);
      return sendableClasses.unpack(name, args);
    },
  };
  const bytes = encode([new Box(new Broken()), new Money(1)], handles);
  assertThrows(() => decode(bytes, handles), RangeError, "cannot unpack");
  assertEquals(names, ["Broken"]);
});

Deno.test("the registry refuses a name that it does not know", () => {
  const named = { pack: () => ["Nobody", 1], unpack: () => null };
  const error = assertThrows(() => decode(encode(new Box(1), named), sendableClasses), SerializationError);
  assertEquals(error.path, "");
  assert(error.message.endsWith('current value is "Nobody", register the class with sendable()'));
});

Deno.test("a class that is not registered at the receiver is a SerializationError, and the next value can be read", () => {
  const encoder = new Encoder(new ByteWriter(), sendableClasses);
  encoder.encode([new Money(1), new Money(2)]);
  encoder.encode("next");
  const decoder = new Decoder();
  const reader = new ByteReader(encoder.out.take());
  assertThrows(() => decoder.decode(reader), SerializationError, 'no class has its name: current value is "Money"');
  assertEquals(decoder.decode(reader), "next");
});

Deno.test("handles have any number of arguments", () => {
  const handles: Handles = {
    pack: (value) => value instanceof URL ? ["asyncoro.URL", value.protocol, 5, [value.hostname]] : null,
    unpack: (name, args) => [name, ...args],
  };
  assertEquals(decode(encode([new URL("http://a.b")], handles), handles), [["asyncoro.URL", "http:", 5, ["a.b"]]]);
});

Deno.test("sendable() refuses what is no class, no name, a reserved name, and no functions", () => {
  const options = { pack: () => 1, unpack: () => new Box(1) };
  const refused = (...args: unknown[]) => assertThrows(() => Reflect.apply(sendable, null, args), TypeError).message;
  assert(
    refused({}, "X", options).startsWith(
      "Cannot make a class sendable as it must be a class: current value is an object",
    ),
  );
  assert(refused(() => 1, "X", options).includes("must be a class"));
  assert(refused(class Free {}, "", options).includes("'name' must be text: current value is \"\""));
  assert(refused(class Free {}, 5, options).includes("'name' must be text: current value is 5"));
  for (const name of ["Error", "DataView", "DOMException", "asyncoro.Coro"]) {
    assert(refused(class Free {}, name, options).includes("the name is reserved"));
  }
  assert(
    refused(class Free {}, "X", { pack: () => 1 }).includes("'unpack' must be a function: current value is undefined"),
  );
  assert(refused(class Free {}, "X", null).includes("'pack' must be a function"));
});

Deno.test("a name is one class's, and a class has one name; registering it again replaces its functions", () => {
  class Twice {}
  const options = { pack: () => 1, unpack: () => new Twice() };
  sendable(Twice, "Twice", options);
  sendable(Twice, "Twice", { ...options, pack: () => 2 });
  assertEquals(sendableClasses.pack(new Twice()), ["Twice", 2]);
  assertThrows(
    () => sendable(class Other {}, "Twice", { pack: () => 1, unpack: () => ({}) }),
    Error,
    "is the name of the class 'Twice'",
  );
  assertThrows(() => sendable(Twice, "Thrice", options), Error, 'its name is "Twice"');
});

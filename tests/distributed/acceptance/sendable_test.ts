/** DISTRIBUTED.md: "Sendable". */
import { Channel, ChannelClosedError, Coro, DeadlockError, sleep, TimeoutError } from "@asyncoro/asyncoro";
import {
  BackpressureError,
  Location,
  PeerLostError,
  RCI,
  RemoteError,
  sendable,
  SerializationError,
} from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { type Here, simulate, thrown } from "./world.ts";

/** Runs a body that can have values travel to another peer and back. */
async function travelling(
  body: (
    travel: <T>(value: T) => Generator<unknown, T, unknown>,
    server: Coro,
    coro: Coro,
    here: Here,
  ) => Generator<unknown, void, unknown>,
): Promise<void> {
  await simulate({
    *a(coro, here) {
      const server = (yield* Coro.locate("server", 5))!;
      function* travel<T>(value: T): Generator<unknown, T, unknown> {
        assertEquals(server.send([coro, value]), true);
        return yield* coro.receive<T>();
      }
      yield* body(travel, server, coro, here);
    },
    *b(coro, { network, world, reported }) {
      world.shared.reported = reported;
      yield* network.peer("sim:a");
      coro.register("server");
      while (true) {
        const [from, value] = yield* coro.receive<[Coro, unknown]>();
        world.shared.seen = value;
        from.send(value);
      }
    },
  });
}

Deno.test("primitive values travel", () =>
  travelling(function* (travel) {
    const values: unknown[] = [
      undefined,
      null,
      true,
      false,
      0,
      -0,
      1,
      -1,
      0.1,
      NaN,
      Infinity,
      -Infinity,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      -(2 ** 53),
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      Number.MAX_VALUE,
      Number.MIN_VALUE,
      Number.EPSILON,
      65504,
      65505,
      0n,
      1n,
      -1n,
      2n ** 64n,
      2n ** 64n - 1n,
      -(2n ** 64n),
      -(2n ** 64n) - 1n,
      2n ** 300n,
      -(2n ** 300n),
      "",
      "a",
      "é",
      "😀",
      "\ud800",
      "\udc00x",
      "a\udfffb\ud800",
      "\0",
      "x".repeat(100_000),
      "ü".repeat(70_000),
    ];
    for (const value of values) {
      const back = yield* travel(value);
      assert(Object.is(back, value), `${Deno.inspect(value)} came back as ${Deno.inspect(back)}`);
    }
  }));

Deno.test("dates, expressions and bytes travel", () =>
  travelling(function* (travel) {
    for (const time of [0, 1, -1, 1.7e12 + 1, 8.64e15, -8.64e15, 1234567890123, NaN]) {
      const back = yield* travel(new Date(time));
      assertInstanceOf(back, Date);
      assert(Object.is(back.getTime(), time));
    }
    for (const expression of [/a/, /a\/b/gi, /^é$/dgimsuy, new RegExp(""), /[\p{L}--a]/v]) {
      const back = yield* travel(expression);
      assertInstanceOf(back, RegExp);
      assertEquals([back.source, back.flags, back.lastIndex], [expression.source, expression.flags, 0]);
    }
    const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]).buffer;
    assertEquals(yield* travel(buffer), buffer);
    for (
      const Class of [
        Int8Array,
        Uint8Array,
        Uint8ClampedArray,
        Int16Array,
        Uint16Array,
        Int32Array,
        Uint32Array,
        Float32Array,
        Float64Array,
        BigInt64Array,
        BigUint64Array,
        Float16Array,
      ]
    ) {
      const back = yield* travel(new Class(buffer));
      assertInstanceOf(back, Class as typeof Uint8Array);
      assertEquals(
        new Uint8Array(back.buffer as ArrayBuffer, back.byteOffset, back.byteLength),
        new Uint8Array(buffer),
      );
      assertEquals((yield* travel(new Class(0))).length, 0);
    }
    const part = yield* travel(new Uint8Array(buffer, 4, 4));
    assertEquals([...part], [5, 6, 7, 8]);
    const view = yield* travel(new DataView(buffer, 2, 3));
    assertInstanceOf(view, DataView);
    assertEquals([view.byteLength, view.getUint8(0), view.getUint8(2)], [3, 3, 5]);
    const [one, two] = yield* travel([new Uint8Array(buffer), new Uint8Array(buffer)]);
    assert(one.buffer !== two.buffer);
  }));

Deno.test("arrays, maps, sets and objects travel", () =>
  travelling(function* (travel, server) {
    // deno-lint-ignore no-sparse-arrays
    const holes = yield* travel([1, , undefined, , 5, ,]);
    assertEquals(holes.length, 6);
    assertEquals([0, 1, 2, 3, 4, 5].map((i) => i in holes), [true, false, true, false, true, false]);
    const extra = Object.assign([1], { more: 2 });
    assertEquals(Object.keys(yield* travel(extra)), ["0"]);
    const map = yield* travel(new Map<unknown, unknown>([["a", 1], [{ k: 1 }, new Set([1, "2", null])], [NaN, -0]]));
    assertInstanceOf(map, Map);
    assertEquals(map, new Map<unknown, unknown>([["a", 1], [{ k: 1 }, new Set([1, "2", null])], [NaN, -0]]));
    const bare = Object.assign(Object.create(null), { a: 1 });
    const plain = yield* travel(bare);
    assertStrictEquals(Object.getPrototypeOf(plain), Object.prototype);
    assertEquals(plain, { a: 1 });
    const object = {
      b: 1,
      a: undefined,
      2: "two",
      [Symbol("no")]: 1,
      get sum() {
        return this.b + 1;
      },
      toJSON() {
        return "no";
      },
    };
    // A method is a function.
    assertThrows(() => server.send(object), SerializationError);
    Object.defineProperty(object, "toJSON", { enumerable: false });
    Object.defineProperty(object, "hidden", { enumerable: false, value: () => {} });
    const back = yield* travel(object);
    assertEquals(back as unknown, { b: 1, a: undefined, 2: "two", sum: 2 });
    assertEquals(Object.keys(back), ["2", "b", "a", "sum"]);
    assertEquals(Object.getOwnPropertyDescriptor(back, "sum")!.value, 2);
    assertEquals(yield* travel(Object.create(null, {})), {});
    // The boxed and other instances are not sendable.
    const frozen = yield* travel(Object.freeze([Object.freeze({ a: 1 })]));
    assertEquals(frozen, [{ a: 1 }]);
    assert(!Object.isFrozen(frozen[0]));
    const json = yield* travel({ toJSON: 1 });
    assertEquals(json, { toJSON: 1 });
  }));

Deno.test("__proto__ is data and pollutes nothing", () =>
  travelling(function* (travel) {
    const value = JSON.parse(
      '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": 1}}, "a": 1}',
    );
    const back = yield* travel(value);
    assertEquals(Object.keys(back), ["__proto__", "constructor", "a"]);
    assertStrictEquals(Object.getPrototypeOf(back), Object.prototype);
    assertEquals(Object.getOwnPropertyDescriptor(back, "__proto__")!.value, { polluted: true });
    // deno-lint-ignore no-explicit-any
    assertEquals(({} as any).polluted, undefined);
    const error = Object.assign(new Error("x"), JSON.parse('{"__proto__": {"polluted": true}}'));
    Object.defineProperty(error, "__proto__", { value: { polluted: 2 }, enumerable: true, configurable: true });
    const revived = yield* travel(error);
    assertInstanceOf(revived, Error);
    // deno-lint-ignore no-explicit-any
    assertEquals((revived as any).polluted, undefined);
    assertEquals(Object.getOwnPropertyDescriptor(revived, "__proto__")!.value, { polluted: 2 });
  }));

Deno.test("cycles and shared references stay", () =>
  travelling(function* (travel) {
    // deno-lint-ignore no-explicit-any
    const object: any = { name: "loop", list: [] };
    object.self = object;
    object.list.push(object, object.list);
    object.map = new Map([[object, object]]);
    object.set = new Set([object]);
    const error = new Error("round", { cause: object });
    object.error = error;
    const back = yield* travel(object);
    assertStrictEquals(back.self, back);
    assertStrictEquals(back.list[0], back);
    assertStrictEquals(back.list[1], back.list);
    assertStrictEquals(back.map.get(back), back);
    assert(back.set.has(back));
    assertStrictEquals(back.error.cause, back);
    const shared = { x: 1 };
    const date = new Date(5);
    const [a, b, c, d] = yield* travel([shared, shared, date, date] as const);
    assertStrictEquals(a, b);
    assertStrictEquals(c, d);
    const bytes = new Uint8Array(3);
    const [e, f] = yield* travel([bytes, bytes]);
    assertStrictEquals(e, f);
  }));

Deno.test("errors keep class, name, message, stack, cause and own data", () =>
  travelling(function* (travel) {
    const Classes = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError];
    for (const Class of Classes) {
      const error = Object.assign(new Class("of " + Class.name, { cause: new Map([[1, 2]]) }), {
        code: 7,
        at: new Date(3),
      });
      const back = yield* travel(error);
      assertStrictEquals(Object.getPrototypeOf(back), Class.prototype);
      assertEquals([back.name, back.message, back.stack], [error.name, error.message, error.stack]);
      assertEquals(back.cause, new Map([[1, 2]]));
      assertEquals([back.code, back.at], [7, new Date(3)]);
      assertEquals(Object.keys(back), ["code", "at"]);
    }
    const aggregate = yield* travel(new AggregateError([new TypeError("1"), "2"], "all", { cause: 3 }));
    assertInstanceOf(aggregate, AggregateError);
    assertEquals(aggregate.errors.length, 2);
    assertInstanceOf(aggregate.errors[0], TypeError);
    assertEquals([aggregate.message, aggregate.cause, aggregate.errors[1]], ["all", 3, "2"]);
    const dom = yield* travel(new DOMException("stopped", "AbortError"));
    assertInstanceOf(dom, DOMException);
    assertEquals([dom.name, dom.message, dom.code], ["AbortError", "stopped", 20]);
    const timeout = yield* travel(new TimeoutError("late"));
    assertInstanceOf(timeout, TimeoutError);
    assertInstanceOf(yield* travel(new ChannelClosedError("closed")), ChannelClosedError);
    assertInstanceOf(yield* travel(new DeadlockError("stuck")), DeadlockError);
    assertInstanceOf(yield* travel(new BackpressureError("full")), BackpressureError);
    const serialization = yield* travel(new SerializationError("no", "message.a"));
    assertInstanceOf(serialization, SerializationError);
    assertInstanceOf(serialization, TypeError);
    assertEquals(serialization.path, "message.a");
  }));

Deno.test("errors of other classes are RemoteErrors", () =>
  travelling(function* (travel) {
    class StockError extends RangeError {
      override name = "StockError";
      readonly items: readonly string[] = ["a"];
      get total() {
        return 3;
      }
    }
    const error = new StockError("sold out");
    const back = (yield* travel<Error>(error)) as RemoteError;
    assertInstanceOf(back, RemoteError);
    assertEquals([back.name, back.message, back.stack], ["StockError", "sold out", error.stack]);
    assertEquals(back.data, { items: ["a"] });
    // deno-lint-ignore no-explicit-any
    assertEquals((back as any).items, ["a"]);
    // Without an own name, the class is told by the name that it inherits.
    class Unnamed extends TypeError {}
    assertInstanceOf(yield* travel(new Unnamed("x")), TypeError);
  }));

Deno.test("every public error class of the package revives", async () => {
  const asyncoro = await import("@asyncoro/asyncoro");
  const distributed = await import("@asyncoro/asyncoro/distributed");
  const asyncio = await import("@asyncoro/asyncoro/asyncio");
  const classes = Object.values({ ...asyncio, ...distributed, ...asyncoro } as Record<string, unknown>).filter(
    (value): value is new (...args: unknown[]) => Error =>
      typeof value === "function" && value.prototype instanceof Error,
  );
  assert(classes.length > 20);
  await travelling(function* (travel, server, _coro, { network }) {
    for (const Class of classes) {
      const error = Class === PeerLostError as unknown
        ? new PeerLostError(network.location, "left")
        : Class.name === "MonitorException"
        ? new asyncoro.MonitorException(server, { kind: "return", value: 3 })
        : Class.name === "HotSwapException"
        ? null
        : Class.name === "NoReplyError"
        ? new asyncoro.NoReplyError("none", server)
        : Class.name === "EOFError" || Class.name === "IncompleteReadError"
        ? new Class("end", Uint8Array.of(1))
        : Class.name === "SupervisionError"
        ? new Class("gave up", [new Error("1")])
        : Class.name === "RemoteError"
        ? new RemoteError("remote", "OtherError")
        : new Class("text");
      if (error === null) continue;
      const back = yield* travel(error);
      assertStrictEquals(Object.getPrototypeOf(back), Class.prototype, `${Class.name} came back as ${back}`);
      assertEquals(back.message, error.message);
      assertEquals(Object.keys(back).sort(), Object.keys(error).sort());
      if (back instanceof PeerLostError) assert(back.location.equals(network.location) && back.reason === "left");
    }
  });
});

Deno.test("handles travel: coroutines, channels, RCIs, locations", () =>
  travelling(function* (travel, server, coro, { network }) {
    assertStrictEquals(yield* travel(coro), coro);
    assertStrictEquals(yield* travel(server), server);
    const channel = new Channel("of a");
    assertStrictEquals(yield* travel(channel), channel);
    const rci = new RCI(function* f() {});
    rci.register();
    assertStrictEquals(yield* travel(rci), rci);
    const location = yield* travel(network.location);
    assertInstanceOf(location, Location);
    assert(location.equals(network.location));
    assertEquals(String(location), String(network.location));
    assert((yield* travel(server.location!)).equals(server.location));
  }));

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}
class Node {
  next: Node | null = null;
}
sendable(Point, "acceptance.Point", { pack: ({ x, y }) => [x, y], unpack: ([x, y]: number[]) => new Point(x, y) });
sendable(Node, "acceptance.Node", {
  pack: ({ next }) => next,
  unpack: (next: Node | null) => Object.assign(new Node(), { next }),
});

Deno.test("instances of sendable classes travel", () =>
  travelling(function* (travel) {
    const back = yield* travel({ points: [new Point(1, 2), new Point(3, 4)] });
    assertInstanceOf(back.points[1], Point);
    assertEquals([back.points[0].x, back.points[1].y], [1, 4]);
    const point = new Point(5, 6);
    const [one, two] = yield* travel([point, point]);
    assertStrictEquals(one, two);
    const outer = new Node();
    outer.next = new Node();
    assertInstanceOf((yield* travel(outer)).next, Node);
    class Derived extends Point {}
    const error = yield* thrown(() => travel(new Derived(1, 2)));
    assertInstanceOf(error, SerializationError);
    outer.next.next = outer;
    assertInstanceOf(yield* thrown(() => travel(outer)), SerializationError);
  }));

Deno.test("sendable checks its arguments", () => {
  class Other {}
  const options = { pack: () => 1, unpack: () => new Other() };
  assertThrows(() => sendable(Other, "acceptance.Point", options), Error);
  assertThrows(() => sendable(3 as never, "acceptance.Other", options), TypeError);
  assertThrows(() => sendable(Other, "", options), TypeError);
  assertThrows(() => sendable(Other, 3 as never, options), TypeError);
  assertThrows(() => sendable(Other, "acceptance.Other", {} as never), TypeError);
  assertThrows(() => sendable(Other, "acceptance.Other", undefined as never), TypeError);
  sendable(Point, "acceptance.Point", { pack: ({ x, y }) => [x, y], unpack: ([x, y]: number[]) => new Point(x, y) });
});

Deno.test("what is not sendable is refused at the call, with its path", () =>
  travelling(function* (_travel, server, coro, { network }) {
    const f = () => {};
    class Instance {}
    class SubArray extends Array {}
    class SubMap extends Map {}
    class SubDate extends Date {}
    class SubBytes extends Uint8Array {}
    const { sent } = network.stats();
    const cases: [unknown, string][] = [
      [f, "message"],
      [{ items: [1, 2, 3, { socket: f }] }, "message.items[3].socket"],
      [{ items: [0, Symbol("s")] }, "message.items[1]"],
      [{ "a b": { $c_1: f } }, 'message["a b"].$c_1'],
      [{ "": f }, 'message[""]'],
      [{ "1a": f }, 'message["1a"]'],
      [{ 5: f }, 'message["5"]'],
      [{ "é": f }, "message.é"],
      [{ 'q"': f }, 'message["q\\""]'],
      [new Map<unknown, unknown>([["a", 1], ["b", f]]), "message.values()[1]"],
      [new Map<unknown, unknown>([["a", 1], [{ k: f }, 2]]), "message.keys()[1].k"],
      [new Set([1, f]), "message.values()[1]"],
      [new Error("x", { cause: [f] }), "message.cause[0]"],
      [Object.assign(new Error("x"), { data: { f } }), "message.data.f"],
      [new AggregateError([1, f], "x"), "message.errors[1]"],
      [new Instance(), "message"],
      [[new SubArray()], "message[0]"],
      [[new SubMap()], "message[0]"],
      [[new SubDate()], "message[0]"],
      [[new SubBytes(1)], "message[0]"],
      [[new WeakMap()], "message[0]"],
      [[Promise.resolve()], "message[0]"],
      [[new Number(1)], "message[0]"],
      [[new String("1")], "message[0]"],
      [[Object(Symbol())], "message[0]"],
      [[new Proxy({}, {}), f], "message[1]"],
      [[(function* () {})()], "message[0]"],
      [[new URL("http://a.b")], "message[0]"],
      [[new AbortController().signal], "message[0]"],
      [[new SharedArrayBuffer(8)], "message[0]"],
    ];
    for (const [value, path] of cases) {
      for (const call of [() => server.send(value), () => server.deliver(value), () => server.ask(value)]) {
        const error = assertThrows(call, SerializationError);
        assertEquals(error.path, path);
        assert(error.message.includes(path), error.message);
        assertEquals(error.name, "SerializationError");
      }
    }
    const getter = {
      get broken() {
        throw new RangeError("of the getter");
      },
    };
    assertThrows(() => server.send(getter), RangeError, "of the getter");
    assertEquals(network.stats().sent, sent);
    yield* sleep(0);
    assertEquals(yield* server.deliver([coro, "still works"]), 1);
  }));

Deno.test("depth up to 256 is sent, above it is refused", () =>
  travelling(function* (travel, server) {
    const nested = (depth: number): unknown => {
      let value: unknown = [];
      for (let i = 1; i < depth; i++) value = i % 2 ? { value } : [value];
      return value;
    };
    // The message wraps it in one array.
    assertEquals(yield* travel(nested(255)), nested(255));
    assertThrows(() => server.send(nested(257)), SerializationError);
    assertThrows(() => server.send(nested(100_000)), SerializationError);
  }));

Deno.test("a name that is unknown at the receiver drops the message, reports it there; its deliver is -1", () =>
  travelling(function* (travel, server, coro, { world }) {
    // Both peers share this process' registrations, so unpack refuses as the name would.
    class Strange {}
    sendable(Strange, "acceptance.Strange", {
      pack: () => 1,
      unpack: () => {
        throw new SerializationError("unknown here");
      },
    });
    assertEquals(server.send([coro, new Strange()]), true);
    assertEquals(yield* server.deliver([coro, new Strange()]), -1);
    assertEquals(yield* travel("still works"), "still works");
    assertEquals(world.shared.reported.length, 2);
  }));

Deno.test("a message of another scheduler's coroutine: a local coroutine of another joined scheduler", () =>
  travelling(function* (travel, _server, coro) {
    const all = yield* travel({ coro, nested: new Map([["x", [coro]]]) });
    assertStrictEquals(all.nested.get("x")![0], coro);
  }));

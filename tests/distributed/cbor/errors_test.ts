/** Errors keep their class, or become a RemoteError. */
import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { ClosedError, TimeoutError } from "../../../core/base/errors.ts";
import { DeadlockError } from "../../../core/coroutine/errors.ts";
import { EOFError, MessageTooLargeError } from "../../../core/io/errors.ts";
import { ChannelClosedError } from "../../../core/messages/errors.ts";
import { decode } from "../../../core/distributed/cbor/decoder.ts";
import { encode } from "../../../core/distributed/cbor/encoder.ts";
import { BackpressureError, RemoteError, SerializationError } from "../../../core/distributed/errors.ts";
import { assertSame } from "./same.ts";

function travel<T>(value: T): T {
  return decode(encode(value)) as T;
}

const REVIVED: readonly Error[] = [
  ...[Error, TypeError, RangeError, SyntaxError, EvalError, URIError, ReferenceError].map((Class) =>
    new Class("built in")
  ),
  new AggregateError([new TypeError("one"), 2], "all"),
  new SuppressedError(1, new Error("two"), "both"),
  ...[TimeoutError, ClosedError, ChannelClosedError, MessageTooLargeError, BackpressureError].map((Class) =>
    new Class("ours")
  ),
  new EOFError("end", Uint8Array.of(1, 2)),
  new DeadlockError("stuck"),
  new SerializationError("not sendable", "message.a"),
  new Deno.errors.NotFound("file"),
];

for (const error of REVIVED) {
  Deno.test(`${error.name} of ${error.message.split("\n")[0]} arrives as one`, () => {
    assertSame(travel(error), error);
    assert(Error.isError(travel(error)));
    assertSame(Object.keys(travel(error)), Object.keys(error));
  });
}

Deno.test("an error of another class is a RemoteError with name, message, stack, cause and data", () => {
  class StockError extends Error {
    override name = "StockError";
    code = 42;
    items = ["a"];
  }
  const error = new StockError("sold out", { cause: new TypeError("inner") });
  const arrived = travel<unknown>(error) as RemoteError & { code: number };
  assertInstanceOf(arrived, RemoteError);
  assertEquals([arrived.name, arrived.message, arrived.stack], ["StockError", "sold out", error.stack]);
  assertInstanceOf(arrived.cause, TypeError);
  assertEquals(arrived.code, 42);
  assertEquals(arrived.data, { code: 42, items: ["a"] });
  assertSame(travel(arrived), arrived);
});

Deno.test("classes are told by the name of the error", () => {
  const named = Object.assign(new Error("x"), { name: "RangeError" });
  assertInstanceOf(travel<Error>(named), RangeError);
  assertInstanceOf(travel<Error>(new (class Unnamed extends TypeError {})("x")), TypeError);
  const renamed = travel<Error>(Object.assign(new TypeError("x"), { name: "constructor" }));
  assertInstanceOf(renamed, RemoteError);
  assertEquals(renamed.name, "constructor");
});

Deno.test("a DOMException keeps its name and code", () => {
  const error = new DOMException("stopped", "AbortError");
  const arrived = travel(error);
  assertInstanceOf(arrived, DOMException);
  assertEquals([arrived.name, arrived.message, arrived.code, arrived.stack], [
    "AbortError",
    "stopped",
    20,
    error.stack,
  ]);
  const timeout = travel(new DOMException("late", "TimeoutError"));
  assert(timeout instanceof DOMException && !(timeout instanceof TimeoutError));
});

Deno.test("properties that are read by inspection only stay hidden", () => {
  const arrived = travel(new AggregateError([1], "all", { cause: 2 }));
  assertEquals(Object.keys(arrived), []);
  assertEquals([arrived.errors, arrived.cause], [[1], 2]);
});

Deno.test("`errors` of an error that is no AggregateError is data", () => {
  const arrived = travel(Object.assign(new Error("invalid"), { name: "Invalid", errors: ["a"] }));
  assertEquals((arrived as unknown as RemoteError).data, { errors: ["a"] });
});

Deno.test("an error without a cause has none", () => {
  assert(!Object.hasOwn(travel(new Error("x")), "cause"));
  assert(Object.hasOwn(travel(new Error("x", { cause: undefined })), "cause"));
});

Deno.test("an error whose texts are of other types arrives", () => {
  const strange = new Error("x");
  Object.assign(strange, { name: 5, message: { a: 1 }, stack: undefined });
  const arrived = travel(strange);
  assertEquals([arrived.name, arrived.message], ["Error", ""]);
  assertEquals(arrived.stack, "Error: ");
});

Deno.test("a RemoteError's data may be called data", () => {
  const arrived = travel(Object.assign(new Error("x"), { name: "Own", data: 5 }));
  assertStrictEquals((arrived as unknown as { data: number }).data, 5);
});

Deno.test("a RemoteError may be made here, too", () => {
  assertEquals([new RemoteError("x").name, new RemoteError("x", "Own").name], ["RemoteError", "Own"]);
  const error = new RemoteError("x", "Own");
  assertSame(travel(error), error);
});

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CONTROL_WORDS } from "../../core/workers/remote/protocol.ts";
import { Ring } from "../../core/workers/remote/ring.ts";

const HEAD = 0;
const TAIL = 1;

function newRing(words: number): { writer: Ring; reader: Ring } {
  const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
  const memory = new Int32Array(new SharedArrayBuffer(4 * words));
  return { writer: new Ring(control, memory, HEAD, TAIL), reader: new Ring(control, memory, HEAD, TAIL) };
}

const value = fc.oneof(
  fc.constantFrom(undefined, null, true, false, -0, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31) - 1),
  fc.integer(),
  fc.double(),
  fc.string({ unit: "binary", maxLength: 240 }),
  fc.string({ maxLength: 3 }),
);

Deno.test("Ring returns every small value unchanged, at any fill level and when its counters wrap", () => {
  fc.assert(fc.property(fc.array(value), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (values, start) => {
    const { writer, reader } = newRing(512);
    writer.at = reader.at = start;
    writer.publish();
    reader.release();
    const waiting: unknown[] = [];
    const takeAll = () => {
      while (reader.filled()) {
        const got = reader.takeValue(() => "by port");
        assert(Object.is(got, waiting.shift()), String(got));
      }
      reader.release();
    };
    for (const each of values) {
      const size = Ring.sizeOf(each);
      assert(size > 0 && size <= 122);
      if (!writer.hasRoom(size)) takeAll();
      const before = writer.at;
      writer.putValue(each);
      assertEquals((writer.at - before) | 0, size);
      writer.publish();
      waiting.push(each);
    }
    takeAll();
    assertEquals(waiting, []);
  }));
});

Deno.test("Ring.sizeOf() is 0 for values that travel by port", () => {
  for (const each of [1n, {}, [], new Date(), "x".repeat(241), () => 1, Symbol("s")]) {
    assertEquals(Ring.sizeOf(each), 0);
  }
});

Deno.test("words of a Ring are visible when published, and their room is free when released", () => {
  const { writer, reader } = newRing(8);
  for (let i = 0; i < 8; i++) writer.put(i);
  assert(!reader.filled() && !writer.hasRoom(1));
  writer.publish();
  assert(reader.filled());
  const position = reader.at;
  assertEquals([reader.take(), reader.take()], [0, 1]);
  assert(!writer.hasRoom(1) && !writer.passed(position));
  reader.release();
  assert(writer.hasRoom(2) && !writer.hasRoom(3));
  assert(writer.passed(position) && !writer.passed(reader.at));
});

/** The buffer of a StreamReader against a plain string. */
import { assert, assertEquals } from "@std/assert";
import { StreamBuffer } from "../../core/asyncio/streams/stream_buffer.ts";
import { bytes, seeded, text } from "../io/helpers.ts";

Deno.test("a stream's buffer returns what it received, in whatever pieces it is filled, searched and read", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const buffer = new StreamBuffer();
    let model = "";
    for (let step = 0; step < 60; step++) {
      if (random(2) === 0) {
        const piece = Array.from({ length: 1 + random(9) }, () => "ab,\n"[random(4)]).join("");
        buffer.append(bytes(piece));
        model += piece;
      } else if (random(3) === 0) {
        const separators = [",", "a\n", "ab,"].slice(random(3));
        const from = random(model.length + 1);
        const match = buffer.find(separators.map(bytes), from);
        assertEquals(match, matchIn(model, separators, from), `seed ${seed}`);
        if (match !== null) assertEquals(buffer.at(match.start), model.charCodeAt(match.start));
      } else {
        const count = random(model.length + 1);
        assertEquals(text(buffer.take(count)), model.slice(0, count), `seed ${seed}`);
        model = model.slice(count);
      }
      assertEquals(buffer.available, model.length);
    }
    assertEquals(text(buffer.take(buffer.available)), model);
  }
});

function matchIn(model: string, separators: string[], from: number): { start: number; end: number } | null {
  const matches = separators.map((separator) => [model.indexOf(separator, from), separator.length])
    .filter(([start]) => start >= 0).map(([start, length]) => ({ start, end: start + length }));
  return matches.length === 0 ? null : matches.reduce((best, each) => each.end < best.end ? each : best);
}

Deno.test("bytes taken out of a stream's buffer are never changed by it, and changing them does not change it", () => {
  const buffer = new StreamBuffer();
  for (const piece of ["abcdef", "gh"]) buffer.append(bytes(piece));
  const first = buffer.take(5);
  const second = buffer.take(2);
  buffer.append(bytes("i".repeat(10)));
  first.fill(0);
  second.fill(0);
  assertEquals(buffer.find([bytes("ii")], 0), { start: 1, end: 3 });
  assertEquals(text(buffer.take(11)), "h" + "i".repeat(10));
});

Deno.test("few bytes that are left in a stream's buffer do not keep much memory", () => {
  const buffer = new StreamBuffer();
  buffer.append(new Uint8Array(4_000_000).fill(97));
  buffer.take(3_999_990);
  assert(buffer.take(5).buffer.byteLength <= 10);
});

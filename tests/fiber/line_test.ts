import { Line, NONE } from "../../core/line.ts";
import { assertEquals } from "@std/assert";
import fc from "fast-check";

Deno.test("a line gives slots in the order in which they came, however many there are and whenever it grows", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant("push" as const) },
    { weight: 4, arbitrary: fc.constant("shift" as const) },
    { weight: 1, arbitrary: fc.constant("new slots" as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2000, size: "max" }), (steps) => {
      const line = new Line();
      const model: number[] = [];
      const idle = Array.from({ length: 64 }, (_, slot) => slot);
      let slots = idle.length;
      for (const each of steps) {
        if (each === "push" && idle.length > 0) {
          const slot = idle.shift()!;
          line.push(slot);
          model.push(slot);
        } else if (each === "shift") {
          const slot = line.shift();
          assertEquals(slot, model.shift() ?? NONE);
          if (slot !== NONE) idle.push(slot);
        } else if (each === "new slots") {
          for (let left = 40; left > 0; left--) idle.push(slots++);
          line.fit(slots);
        }
        assertEquals(line.length, model.length);
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a line takes every slot at once, also one far beyond all others", () => {
  const line = new Line();
  line.fit(100_000);
  for (let slot = 99_999; slot >= 0; slot--) line.push(slot);
  assertEquals(line.length, 100_000);
  for (let slot = 99_999; slot >= 0; slot--) assertEquals(line.shift(), slot);
  assertEquals([line.length, line.shift()], [0, NONE]);
});

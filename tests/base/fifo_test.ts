import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Fifo } from "../../core/base/fifo.ts";

Deno.test("Fifo behaves like an array under all operations", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("push" as const), times: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant("unshift" as const), times: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant("shift" as const), times: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant("removeAt" as const), times: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant("insertAt" as const), times: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant("replace" as const), times: fc.integer({ min: 1, max: 10 }) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 0;
      for (const { kind, times } of actions) {
        for (let i = 0; i < times; i++) {
          if (kind === "push") {
            fifo.push(next);
            model.push(next++);
          } else if (kind === "unshift") {
            fifo.unshift(next);
            model.unshift(next++);
          } else if (kind === "removeAt") {
            if (model.length === 0) break;
            const index = (times * 7 + i * 5) % model.length;
            assertEquals([fifo.at(index), fifo.indexOf(model[index])], [model[index], index]);
            assertEquals(fifo.removeAt(index), model.splice(index, 1)[0]);
          } else if (kind === "insertAt") {
            const index = (times * 7 + i * 5) % (model.length + 1);
            fifo.insertAt(index, next);
            model.splice(index, 0, next++);
          } else if (kind === "replace") {
            if (model.length === 0) continue;
            const index = (i * 7) % model.length;
            fifo.replace(index, next);
            model[index] = next++;
            assertEquals(fifo.at(index), model[index]);
          } else {
            assertEquals(fifo.shift(), model.shift());
          }
        }
        assertEquals(fifo.length, model.length);
        assertEquals([...fifo], model);
        assertEquals(fifo.indexOf(-1), -1);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("Fifo.shift() of an empty queue is undefined, each time", () => {
  const fifo = new Fifo<number>();
  assertEquals([fifo.shift(), fifo.shift(), fifo.length], [undefined, undefined, 0]);
  fifo.push(1);
  assertEquals([fifo.shift(), fifo.shift(), fifo.length], [1, undefined, 0]);
});

Deno.test("Fifo keeps undefined as an item", () => {
  const fifo = new Fifo<number | undefined>();
  fifo.push(undefined);
  fifo.push(1);
  assertEquals([fifo.length, fifo.shift(), fifo.length, fifo.shift()], [2, undefined, 1, 1]);
});

Deno.test("Fifo takes constant time at both ends at any length", () => {
  const cost = (length: number): number => {
    const fifo = new Fifo<number>();
    const start = performance.now();
    for (let i = 0; i < length; i++) fifo.push(i);
    for (let i = 0; i < length; i++) fifo.unshift(i);
    for (let i = 0; i < 2 * length; i++) fifo.shift();
    return (performance.now() - start) / length;
  };
  cost(10_000);
  const short = Math.max(cost(10_000), 1e-5);
  // A queue that moves its items would take a hundred times as long here.
  assert(cost(1_000_000) < 20 * short);
});

Deno.test("Fifo frees memory when it empties", () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const used = (): number => {
    collect();
    return Deno.memoryUsage().heapUsed;
  };
  const fifo = new Fifo<number>();
  const before = used();
  for (let i = 0; i < 1_000_000; i++) fifo.push(i);
  assert(used() - before > 4e6);
  while (fifo.length > 1) fifo.shift();
  assert(used() - before < 1e6);
  assertEquals(fifo.shift(), 999_999);
});

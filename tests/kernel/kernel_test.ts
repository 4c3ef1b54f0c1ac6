// The kernel seen from TypeScript: random operations against a naive model, then what the model cannot show. The kernel's
// functions one by one are specified in assembly/__tests__/.

import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Kernel, setKernelModule } from "../../core/kernel/kernel.ts";
import { KERNEL_SEAL } from "../../core/kernel/kernel_bytes.ts";
import { kernelBytes, limitedTo } from "../helpers/limited_kernel.ts";
import { Duel, operation } from "./kernel_duel.ts";

const OPERATIONS = 200_000;

function chosenSeed(): number {
  const state = Deno.permissions.querySync({ name: "env", variable: "ASYNCORO_SEED" }).state;
  const given = state === "granted" ? Deno.env.get("ASYNCORO_SEED") : undefined;
  return given === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(given);
}

Deno.test("Kernel agrees with the model over 200,000 random operations", () => {
  const seed = chosenSeed();
  let played = 0;
  const property = fc.property(fc.array(operation, { maxLength: 2000, size: "max" }), (steps) => {
    const duel = new Duel();
    for (const step of steps) duel.play(step);
    played += steps.length;
  });
  for (let round = 0; played < OPERATIONS; round++) {
    try {
      fc.assert(property, { seed: seed + round, numRuns: 20 });
    } catch (error) {
      throw new Error(`Replay with ASYNCORO_SEED=${seed} deno test -A tests/kernel_test.ts`, { cause: error });
    }
  }
});

Deno.test("Kernel agrees with the model on more timers than expire in one turn", () => {
  const duel = new Duel();
  for (let n = 0; n < 10_000; n++) duel.allocate(n % 3);
  for (let slot = 0; slot < 10_000; slot++) {
    const deadline = slot * 7919 % 500;
    duel.kernel.exports.arm(slot, 0, deadline);
    duel.model.arm(slot, 0, deadline);
  }
  for (duel.now = 400; duel.now < 3_000; duel.now += 20) {
    duel.turn(duel.window.length, 256);
    duel.compare();
  }
  assertEquals(duel.kernel.exports.timerCount(), 0);
  assertEquals(duel.kernel.exports.readyCount(), 0);
});

Deno.test("kernel imports nothing and is below 8 KiB", () => {
  const bytes = kernelBytes();
  assertLess(bytes.length, 8 * 1024);
  assertEquals(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), []);
});

Deno.test("Kernel is compiled once, instances are apart", () => {
  const one = new Kernel();
  const two = new Kernel();
  one.allocate(0);
  one.exports.arm(0, 0, 5);
  assertEquals(two.exports.liveCount(), 0);
  assertEquals(two.exports.nextDeadline(), Infinity);
});

Deno.test("Kernel.take() gives a kernel that was left again, as good as new, and never one in use", () => {
  const one = Kernel.take();
  const slot = one.allocate(0);
  one.leave();
  const two = Kernel.take();
  assert(two !== one, "a slot is live in the first");
  const low = two.allocate(7);
  two.exports.arm(low, two.exports.generation(low), 5);
  two.submissions.set([~low, two.exports.generation(low)]);
  two.exports.drain(1);
  two.leave();
  const three = Kernel.take();
  assertEquals(three, two);
  assertEquals(three.exports.nextDeadline(), Infinity);
  assertEquals([three.exports.liveCount(), three.exports.readyCount(), three.exports.timerCount()], [0, 0, 0]);
  assertEquals(one.exports.isCurrent(slot, one.exports.generation(slot)), 1);
});

Deno.test("Kernel.leave() drops a kernel that has grown", () => {
  const kernel = Kernel.take();
  assert(kernel.grow());
  kernel.leave();
  assert(Kernel.take() !== kernel);
});

Deno.test("Kernel.leave() keeps a few and drops the rest", () => {
  const crowd = Array.from({ length: 200 }, () => new Kernel());
  for (const kernel of crowd) kernel.leave();
  const again = new Set(Array.from({ length: 200 }, () => Kernel.take()));
  assertEquals(again.size, 200);
  const kept = crowd.filter((kernel) => again.has(kernel)).length;
  assertLess(kept, 100);
  assertLess(10, kept);
});

Deno.test("the kernel's own section says which kernel it is", async () => {
  const wasm = kernelBytes();
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), "asyncoro");
  assertEquals(new TextDecoder().decode(section), KERNEL_SEAL);
  // What is sealed is the module without the section at its end.
  const bare = wasm.subarray(0, wasm.length - (3 + "asyncoro".length + KERNEL_SEAL.length));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bare));
  assert(digest.toHex().startsWith(KERNEL_SEAL));
});

Deno.test("Kernel views survive growth", () => {
  const kernel = new Kernel();
  const before = kernel.submissions;
  kernel.submissions.set([7, 8, 9]);
  kernel.window.set([4, 5]);
  assert(kernel.grow());
  assertEquals(before.length, 0, "growth detaches the old view");
  assertEquals([...kernel.submissions.subarray(0, 3)], [7, 8, 9]);
  assertEquals([...kernel.window.subarray(0, 2)], [4, 5]);
  assertEquals(kernel.submissions.length, 2 * kernel.exports.submissionCapacity());
  assertEquals(kernel.window.length, kernel.exports.windowCapacity());
  assertEquals(kernel.submissions.buffer, kernel.exports.memory.buffer);
});

Deno.test("Kernel.allocate() grows to four million live slots", () => {
  const kernel = new Kernel();
  const { exports } = kernel;
  const count = 4_000_000;
  for (let slot = 0; slot < count; slot++) {
    if (kernel.allocate(4) !== slot) throw new Error(`slot ${slot} was not given out in its turn`);
    if (slot % 1_000 === 0) exports.arm(slot, 0, count - slot);
  }
  assertEquals(exports.liveCount(), count);
  assertEquals(exports.timerCount(), 4_000);
  kernel.submissions.set([count - 1, 0, 0, 0]);
  assertEquals(exports.turn(1_000, 2, 0, 256), 3);
  const last = count - 1_000;
  assertEquals([...kernel.window.subarray(0, 3)], [(count - 1) << 1, 0, last << 1 | 1]);
});

Deno.test("Kernel.allocate() throws when the host refuses memory, and recovers", () => {
  setKernelModule(limitedTo(3));
  const kernel = new Kernel();
  setKernelModule(new WebAssembly.Module(kernelBytes()));
  const { exports } = kernel;
  for (let slot = 0; slot < 4_096; slot++) kernel.allocate(4);
  exports.arm(9, 0, 3);
  for (let attempt = 0; attempt < 2; attempt++) {
    assertThrows(
      () => kernel.allocate(4),
      RangeError,
      "Cannot create a coroutine as the host refuses the scheduler memory for more than 4096, " +
        "let some finish first: current value is 4096 live coroutines",
    );
  }
  assertEquals(exports.liveCount(), 4_096);
  assertEquals(exports.nextDeadline(), 3);
  kernel.submissions.set([~9, 0, 5, 0]);
  assertEquals(exports.turn(5, 2, 0, 256), 1);
  assertEquals(kernel.window[0], 5 << 1);
  assertEquals(kernel.allocate(4), 9);
  assertThrows(() => kernel.allocate(4), RangeError);
});

Deno.test("Kernel.grow() goes on to millions of slots until the host refuses, and then changes nothing", () => {
  const kernel = new Kernel();
  kernel.allocate(4);
  kernel.exports.arm(0, 0, 3);
  // The pages are reserved, never touched.
  while (kernel.grow());
  const { capacity } = kernel.exports;
  const reached = capacity();
  assertLess(4_000_000, reached);
  assertLess(reached, 2 ** 30);
  assertEquals(kernel.grow(), false);
  assertEquals(capacity(), reached);
  assertEquals(kernel.allocate(4), 1);
  assertEquals(kernel.exports.turn(3, 0, 0, 256), 1);
  assertEquals(kernel.window[0], 1);
});

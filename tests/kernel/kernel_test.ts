// The kernel as TypeScript uses it: random operations compared with a naive model, then properties that the model does not
// have. The specs of the single functions are in assembly/__tests__/.

import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Kernel, setKernelModule } from "../../core/kernel/kernel.ts";
import { KERNEL_FINGERPRINT } from "../../core/kernel/kernel_bytes.ts";
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
  const slots = Array.from({ length: 10_000 }, (_, n) => duel.allocate(n % 3));
  slots.forEach((slot, n) => duel.arm(slot, n * 7919 % 500));
  let left = slots.length;
  for (duel.now = 400; left > 0; duel.now += 20) {
    const [level, most] = duel.turn(256);
    for (let i = 0; i < most && duel.take(level) !== 0; i++) left--;
    if (duel.now % 100 === 0) duel.compare();
  }
  duel.compare();
  assertEquals(duel.model.timerCount(), 0);
});

Deno.test("kernel imports nothing and is below 8 KiB", () => {
  const bytes = kernelBytes();
  assertLess(bytes.length, 8 * 1024);
  assertEquals(WebAssembly.Module.imports(new WebAssembly.Module(bytes)), []);
});

Deno.test("Kernel is compiled once, and instances are independent", () => {
  const one = new Kernel();
  const two = new Kernel();
  one.exports.arm(one.allocate(0), 5);
  assertEquals(two.exports.timerCount(), 0);
  assertEquals(two.exports.nextDeadline(), Infinity);
});

Deno.test("Kernel.take() returns a kernel that was given back, reset, and never one in use", () => {
  const one = Kernel.take();
  const slot = one.allocate(0);
  one.queue.push(0, slot);
  one.giveBack();
  const two = Kernel.take();
  assert(two !== one, "a slot of the first is in use");
  const low = two.allocate(7);
  two.exports.arm(low, 5);
  two.exports.disarm(low);
  two.queue.push(7, low);
  assertEquals(two.queue.shift(7), low);
  two.queue.free(low);
  two.giveBack();
  const three = Kernel.take();
  assertEquals(three, two);
  // The timers follow the records; only as many as are set are read.
  assertEquals(three.queue.words.subarray(0, 4 * 4_096).findIndex((word) => word !== 0), -1);
  assertEquals([three.exports.nextDeadline(), three.exports.timerCount(), three.queue.length], [Infinity, 0, 0]);
  assertEquals([one.queue.isReady(slot), one.queue.shift(0)], [true, slot]);
});

Deno.test("Kernel.giveBack() drops a kernel that has grown", () => {
  const kernel = Kernel.take();
  const slots: number[] = [];
  for (const before = kernel.bytes; kernel.bytes === before;) slots.push(kernel.allocate(4));
  for (const slot of slots) kernel.queue.free(slot);
  kernel.giveBack();
  assert(Kernel.take() !== kernel);
});

Deno.test("Kernel.giveBack() keeps a few and drops the rest", () => {
  const crowd = Array.from({ length: 200 }, () => new Kernel());
  for (const kernel of crowd) kernel.giveBack();
  const again = new Set(Array.from({ length: 200 }, () => Kernel.take()));
  assertEquals(again.size, 200);
  const kept = crowd.filter((kernel) => again.has(kernel)).length;
  assertLess(kept, 100);
  assertLess(10, kept);
});

Deno.test("the custom section holds the fingerprint of the kernel", async () => {
  const wasm = await Deno.readFile(new URL("../../core/kernel/kernel.wasm", import.meta.url));
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), "asyncoro");
  assertEquals(new TextDecoder().decode(section), KERNEL_FINGERPRINT);
  // The fingerprint is that of the module without the section at its end.
  const bare = wasm.subarray(0, wasm.length - (3 + "asyncoro".length + KERNEL_FINGERPRINT.length));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bare));
  assert(digest.toHex().startsWith(KERNEL_FINGERPRINT));
});

Deno.test("Kernel replaces its view when the memory grows, and keeps ready slots and timers", () => {
  const kernel = new Kernel();
  const before = kernel.queue.words;
  const [ready, sleeper] = [kernel.allocate(2), kernel.allocate(2)];
  kernel.queue.push(2, ready);
  kernel.exports.arm(sleeper, 5);
  while (kernel.exports.capacity() === 4_088) kernel.allocate(4);
  assertEquals(before.length, 0, "growth detaches the old view");
  assertEquals(kernel.queue.words.buffer, kernel.exports.memory.buffer);
  assertEquals(kernel.exports.turn(5, 0, 256), 2 | 256 << 3);
  assertEquals([kernel.queue.shift(2), kernel.queue.shift(2), kernel.queue.shift(2)], [ready, sleeper, 0]);
});

Deno.test("Kernel.allocate() grows to four million slots in use", () => {
  const kernel = new Kernel();
  const { exports, queue } = kernel;
  const count = 4_000_000;
  for (let n = 0; n < count; n++) {
    const slot = kernel.allocate(4);
    if (slot !== 8 + n) throw new Error(`slot ${slot} was given out and not ${8 + n}`);
    if (n % 1_000 === 0) exports.arm(slot, count - n);
  }
  assertEquals(exports.timerCount(), 4_000);
  queue.push(4, 7 + count);
  assertEquals(exports.turn(1_000, 0, 256), 4 | 256 << 3);
  assertEquals([queue.length, queue.shift(4), queue.shift(4)], [2, 7 + count, 8 + count - 1_000]);
});

Deno.test("Kernel.allocate() throws when the host refuses memory, changes nothing, and recovers", () => {
  setKernelModule(limitedTo(4));
  const kernel = new Kernel();
  setKernelModule(new WebAssembly.Module(kernelBytes()));
  const { exports, queue } = kernel;
  const slots = Array.from({ length: 8_184 }, () => kernel.allocate(4));
  exports.arm(slots[9], 3);
  queue.push(4, slots[5]);
  for (let attempt = 0; attempt < 2; attempt++) {
    assertThrows(
      () => kernel.allocate(4),
      RangeError,
      "Cannot create a coroutine as the host refuses memory: current value is 8184 live coroutines, " +
        "let some finish",
    );
  }
  assertEquals([exports.nextDeadline(), queue.length], [3, 1]);
  assertEquals(exports.turn(3, 0, 256), 4 | 256 << 3);
  assertEquals([queue.shift(4), queue.shift(4)], [slots[5], slots[9]]);
  queue.free(slots[9]);
  assertEquals(kernel.allocate(4), slots[9]);
  assertThrows(() => kernel.allocate(4), RangeError);
});

// The kernel seen from TypeScript: random operations against a naive model, then what the model cannot show. The kernel's
// functions one by one are specified in assembly/__tests__/.

import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Kernel, setKernelModule } from "../core/kernel/kernel.ts";
import { KERNEL_BASE64 } from "../core/kernel/kernel_bytes.ts";
import { KernelModel } from "./kernel_model.ts";

const OPERATIONS = 200_000;

type Operation =
  | { do: "allocate"; level: number; times: number }
  | { do: "submit" | "release"; who: number; times: number }
  | { do: "drain" }
  | { do: "turn"; advance: number; consumed: number; limit: number }
  | { do: "arm"; who: number; times: number; deadline: number }
  | { do: "disarm"; who: number }
  | { do: "setLevel"; who: number; level: number }
  | { do: "grow" };

const level = fc.nat(7);
const who = fc.nat();
const times = fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(90) });

// Relative to now: mostly near and often equal, so that ties, past deadlines and far ones all occur.
const deadline = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 20 }) },
  { weight: 3, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(-Infinity, -1e300, -0, 1e-300, 30_000, 1e300, Infinity, NaN) },
);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("allocate" as const), level, times }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("submit" as const), who, times }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), who, times }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drain" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("turn" as const),
      advance: fc.oneof(fc.constant(0), fc.integer({ min: -1, max: 8 })),
      consumed: fc.oneof(fc.constant(Infinity), fc.integer({ min: -1, max: 70 })),
      limit: fc.oneof(fc.constant(1000), fc.integer({ min: -1, max: 300 })),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("arm" as const), who, times, deadline }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("disarm" as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("setLevel" as const), who, level: fc.integer({ min: -1, max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("grow" as const) }) },
);

/** Plays operations against the kernel and the model, and compares all that can be seen after each. */
class Duel {
  readonly kernel = new Kernel();
  readonly model = new KernelModel();
  readonly ids: [number, number][] = [];
  pending: [number, number][] = [];
  window: number[] = [];
  now = 0;

  play(step: Operation): void {
    const { exports } = this.kernel;
    switch (step.do) {
      case "allocate":
        for (let n = 0; n < step.times; n++) this.allocate(step.level);
        break;
      case "submit":
        this.each(step, (slot, generation) => this.submit(slot, generation));
        break;
      case "release":
        this.each(step, (slot, generation) => this.submit(~slot, generation));
        break;
      case "drain":
        this.drain();
        break;
      case "turn":
        this.now += step.advance;
        this.turn(Math.min(step.consumed, this.window.length), step.limit);
        break;
      case "arm":
        this.each(step, (slot, generation) => {
          exports.arm(slot, generation, this.now + step.deadline);
          this.model.arm(slot, generation, this.now + step.deadline);
        });
        break;
      case "disarm":
        this.each(step, (slot, generation) => {
          exports.disarm(slot, generation);
          this.model.disarm(slot, generation);
        });
        break;
      case "setLevel":
        this.each(step, (slot, generation) => {
          exports.setLevel(slot, generation, step.level);
          this.model.setLevel(slot, generation, step.level);
        });
        break;
      case "grow":
        // Each doubles the memory: rarely is often enough.
        if (exports.capacity() < 20_000) assertEquals(this.kernel.grow(), this.model.grow() === 1);
        break;
    }
    this.compare();
  }

  each(step: { who: number; times?: number }, act: (slot: number, generation: number) => void): void {
    for (let n = 0; n < (step.times ?? 1); n++) {
      // Past the last id stand guesses: the right generation for any slot, free ones too, and numbers never given out.
      const guess = step.who % 1_000;
      const [slot, generation] = this.ids[(step.who + n) % (this.ids.length + 4)] ??
        (n % 2 ? [step.who, 0] : [guess, this.model.generation(guess)]);
      act(slot, generation);
    }
  }

  allocate(level: number): void {
    const expected = this.model.allocate(level);
    const slot = this.kernel.exports.allocate(level);
    assertEquals(slot, expected);
    if (slot < 0) {
      assertEquals(this.kernel.grow(), this.model.grow() === 1);
      return this.allocate(level);
    }
    const generation = this.kernel.exports.generation(slot);
    assertEquals(generation, this.model.generation(slot));
    assertEquals(this.kernel.exports.isCurrent(slot, generation), 1);
    this.ids.push([slot, generation]);
    if (this.ids.length > 600) this.ids.splice(0, 100);
  }

  submit(code: number, generation: number): void {
    const { submissions } = this.kernel;
    if (2 * this.pending.length === submissions.length) this.drain();
    submissions[2 * this.pending.length] = code;
    submissions[2 * this.pending.length + 1] = generation;
    this.pending.push([code, generation]);
  }

  drain(): void {
    this.kernel.exports.drain(this.pending.length);
    this.model.drain(this.pending);
    this.pending = [];
  }

  turn(consumed: number, limit: number): void {
    const count = this.kernel.exports.turn(this.now, this.pending.length, consumed, limit);
    this.window = this.model.turn(this.now, this.pending, consumed, limit);
    this.pending = [];
    assertEquals([...this.kernel.window.subarray(0, count)], this.window, "window");
  }

  compare(): void {
    const { exports } = this.kernel;
    assertEquals(exports.nextDeadline(), this.model.nextDeadline() + 0, "nextDeadline");
    assertEquals(exports.readyCount(), this.model.readyCount(), "readyCount");
    assertEquals(exports.liveCount(), this.model.liveCount(), "liveCount");
    assertEquals(exports.timerCount(), this.model.timerCount(), "timerCount");
    assertEquals(exports.capacity(), this.model.capacity(), "capacity");
    for (const [slot, generation] of this.ids.slice(-3).concat(this.ids.slice(0, 3))) {
      assertEquals(exports.isCurrent(slot, generation), this.model.isCurrent(slot, generation), "isCurrent");
      assertEquals(exports.generation(slot), this.model.generation(slot), "generation");
    }
  }
}

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

function kernelBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(KERNEL_BASE64), (character) => character.charCodeAt(0));
}

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

/** The kernel with a maximum in its memory's limits, so that the host really refuses. */
function limitedTo(pages: number): WebAssembly.Module {
  const bytes = [...kernelBytes()];
  let section = 8;
  const length = (at: number) => bytes[at] | 0;
  while (bytes[section] !== 5) {
    // Sections before this one are shorter than 2 ** 14 bytes: a length is one or two bytes.
    const short = length(section + 1) < 0x80;
    section += short ? 2 + length(section + 1) : 3 + (length(section + 1) & 0x7f) + (length(section + 2) << 7);
  }
  assertEquals(bytes.slice(section, section + 5), [5, 3, 1, 0, 2], "one memory, no maximum, two pages");
  bytes.splice(section, 5, 5, 4, 1, 1, 2, pages);
  return new WebAssembly.Module(Uint8Array.from(bytes));
}

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

// Plays random operations against the kernel and the naive model, and compares all that can be seen after each.

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Kernel } from "../../core/kernel/kernel.ts";
import { KernelModel } from "./kernel_model.ts";

/** One thing done to both. */
export type Operation =
  | { do: "allocate"; level: number; times: number }
  | { do: "submit" | "release"; who: number; times: number }
  | { do: "drain" }
  | { do: "turn"; advance: number; consumed: number; limit: number }
  | { do: "arm"; who: number; times: number; deadline: number }
  | { do: "disarm"; who: number }
  | { do: "setLevel"; who: number; level: number }
  | { do: "grow" }
  | { do: "recycle"; emptied: boolean }
  | { do: "swap"; one: number; other: number }
  | { do: "run"; share: number; acts: Act[] };

/** What a coroutine does in its step: things to others first, then with itself. */
interface Act {
  toOthers: "nothing" | "submit" | "release" | "arm" | "setLevel" | "drain" | "spawn" | "interrupt";
  who: number;
  level: number;
  then: "again" | "park" | "sleep" | "end";
}

const level = fc.nat(7);
const who = fc.nat();
const times = fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(90) });

// Relative to now: mostly near and often equal, so that ties, past deadlines and far ones all occur.
const deadline = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 20 }) },
  { weight: 3, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(-Infinity, -1e300, -0, 1e-300, 30_000, 1e300, Infinity, NaN) },
);

// Nothing, mostly.
const act: fc.Arbitrary<Act> = fc.record({
  toOthers: fc.oneof(
    { weight: 30, arbitrary: fc.constant("nothing" as const) },
    { weight: 4, arbitrary: fc.constantFrom("submit", "arm", "setLevel") },
    { weight: 1, arbitrary: fc.constantFrom("release", "drain", "spawn", "interrupt") },
  ),
  who,
  level,
  then: fc.oneof(
    { weight: 12, arbitrary: fc.constant("again" as const) },
    { weight: 2, arbitrary: fc.constantFrom("park", "sleep") },
    { weight: 1, arbitrary: fc.constant("end" as const) },
  ),
});

/** Any of them. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
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
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("recycle" as const),
      emptied: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("swap" as const), one: fc.nat(255), other: fc.nat(255) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      acts: fc.array(act, { minLength: 1, maxLength: 12 }),
    }),
  },
);

/** See the head of this file. */
export class Duel {
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
      case "recycle":
        if (step.emptied) this.empty();
        this.recycle();
        break;
      case "swap":
        if (Math.max(step.one, step.other) < this.window.length) this.swap(step.one, step.other);
        break;
      case "run":
        this.run(step.share, step.acts);
        break;
    }
    this.compare();
  }

  /** Releases all that is live. */
  empty(): void {
    this.drain();
    for (const [slot, generation] of this.model.live()) this.submit(~slot, generation);
    this.drain();
  }

  recycle(): void {
    const recycled = this.model.recycle();
    assertEquals(this.kernel.exports.recycle(), recycled, "recycle");
    if (recycled === 1) this.window = [];
  }

  swap(one: number, other: number): void {
    const { window } = this.kernel;
    [window[one], window[other]] = [window[other], window[one]];
    this.model.swap(one, other);
  }

  /** Runs a share of the window as core/run_loop.ts does it: whoever gives way is submitted. */
  run(share: number, acts: Act[]): void {
    this.drain();
    this.turn(this.window.length, 256);
    let end = Math.ceil(this.window.length * share);
    let index = 0;
    while (index < end) {
      const slot = this.kernel.window[index++] >> 1;
      const self: [number, number] = [slot, this.model.generation(slot)];
      const { toOthers, who, level, then } = acts[index % acts.length];
      this.each({ who }, (slot, generation) => {
        if (slot === self[0]) return;
        if (toOthers === "submit") this.submit(slot, generation);
        if (toOthers === "release") this.submit(~slot, generation);
        if (toOthers === "setLevel") this.both("setLevel", slot, generation, level);
        if (toOthers === "arm") this.both("arm", slot, generation, this.now + level);
      });
      if (toOthers === "spawn") this.allocate(level);
      if (toOthers === "interrupt") end = 0;
      if (toOthers === "drain") {
        this.drain();
        this.compare();
      }
      if (then === "again") this.submit(...self);
      else if (then === "end") this.submit(~slot, self[1]);
      else if (then === "sleep") this.both("arm", ...self, this.now + level);
    }
    this.now++;
    this.turn(index, 256);
  }

  both(name: "arm" | "setLevel", slot: number, generation: number, value: number): void {
    this.kernel.exports[name](slot, generation, value);
    this.model[name](slot, generation, value);
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
      assertEquals(exports.deadline(slot, generation), this.model.deadline(slot, generation) + 0, "deadline");
    }
  }
}

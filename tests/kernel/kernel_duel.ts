// Runs random programs on the naive model and on two kernels, one of which is changed only by calls, the other in its
// memory where that is possible. After each step all observable state is compared with the model, and the memory of the two
// kernels with each other, word by word.

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { compileKernel } from "../../assembly/compile.ts";
import { Kernel, type KernelExports, setKernelModule } from "../../core/kernel/kernel.ts";
import { kernelBytes } from "../helpers/limited_kernel.ts";
import { KernelModel } from "./kernel_model.ts";

/** What `assembly/every.ts` exports. */
type EveryExport = KernelExports & Pick<KernelModel, "allocate" | "free" | "push" | "readyCount" | "shift" | "unshift">;

const every = new WebAssembly.Module(await compileKernel({}, [], "every.ts"));

/** A kernel that exports also what the scheduler performs itself. */
function kernelWithEvery(): EveryExport {
  setKernelModule(every);
  const { exports } = new Kernel();
  setKernelModule(new WebAssembly.Module(kernelBytes()));
  return exports as EveryExport;
}

/** One operation on all three. */
export type Operation =
  | { do: "allocate"; level: number; times: number }
  | { do: "free" | "push"; target: number; times: number }
  | { do: "shift" | "unshift"; level: number; times: number }
  | { do: "turn"; advance: number; limit: number; share: number }
  | { do: "expire"; advance: number }
  | { do: "arm"; target: number; times: number; deadline: number }
  | { do: "disarm"; target: number; times: number }
  | { do: "setLevel"; target: number; level: number }
  | { do: "recycle"; emptied: boolean }
  | { do: "run"; turns: number; acts: Act[] };

/** The actions of a coroutine in its step: first on others, then on itself. */
interface Act {
  toOthers: "nothing" | "makeReady" | "end" | "arm" | "setLevel" | "spawn" | "stop";
  target: number;
  level: number;
  then: "yield" | "park" | "sleep" | "end";
}

const level = fc.nat(7);
const target = fc.nat();
const times = fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(90) });
const advance = fc.oneof(fc.constant(0), fc.integer({ min: -1, max: 8 }));

// Relative to now: mostly near and often equal, so that equal, past and distant deadlines all occur.
const deadline = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 20 }) },
  { weight: 3, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(-Infinity, -1e300, -0, 1e-300, 30_000, 1e300, Infinity, NaN) },
);

// Mostly nothing.
const act: fc.Arbitrary<Act> = fc.record({
  toOthers: fc.oneof(
    { weight: 30, arbitrary: fc.constant("nothing" as const) },
    { weight: 4, arbitrary: fc.constantFrom("makeReady", "arm", "setLevel") },
    { weight: 1, arbitrary: fc.constantFrom("end", "spawn", "stop") },
  ),
  target,
  level,
  then: fc.oneof(
    { weight: 12, arbitrary: fc.constant("yield" as const) },
    { weight: 2, arbitrary: fc.constantFrom("park", "sleep") },
    { weight: 1, arbitrary: fc.constant("end" as const) },
  ),
});

/** A random element. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("allocate" as const), level, times }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("free" as const), target, times }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("push" as const), target, times }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unshift" as const), level, times }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("shift" as const), level, times }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("turn" as const),
      advance,
      limit: fc.oneof(fc.constant(256), fc.nat(300)),
      share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("expire" as const), advance }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("arm" as const), target, times, deadline }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("disarm" as const), target, times }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("setLevel" as const), target, level }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("recycle" as const),
      emptied: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      turns: fc.integer({ min: 1, max: 6 }),
      acts: fc.array(act, { minLength: 1, maxLength: 12 }),
    }),
  },
);

/** See the head of this file. */
export class Duel {
  /** Changed only by calls. */
  readonly called = kernelWithEvery();
  /** Changed in its memory. */
  readonly inPlace = new Kernel();
  readonly model = new KernelModel();
  now = 0;
  #ran = 0;

  play(step: Operation): void {
    switch (step.do) {
      case "allocate":
        for (let n = 0; n < step.times; n++) this.allocate(step.level);
        break;
      case "free":
        this.#each(step, (slot) => this.#free(slot));
        break;
      case "push":
        this.#each(step, (slot) => this.#makeReady(slot));
        break;
      case "unshift":
        this.#putBack(step.level, step.times);
        break;
      case "shift":
        for (let n = 0; n < step.times; n++) this.take(step.level);
        break;
      case "turn": {
        this.now += step.advance;
        const [level, most] = this.turn(step.limit);
        for (let left = Math.round(most * step.share); left > 0 && this.take(level) !== 0;) left--;
        break;
      }
      case "expire":
        this.now += step.advance;
        for (const party of [this.called, this.inPlace.exports, this.model]) party.expire(this.now);
        break;
      case "arm":
        this.#each(step, (slot) => this.arm(slot, this.now + step.deadline));
        break;
      case "disarm":
        this.#each(step, (slot) => this.#disarm(slot));
        break;
      case "setLevel":
        this.#each(step, (slot) => this.#setLevel(slot, step.level));
        break;
      case "recycle":
        if (step.emptied) this.#empty();
        if (this.#same("recycle", (party) => party.recycle()) === 1) this.#ran = 0;
        break;
      case "run":
        for (let n = 0; n < step.turns; n++) this.#run(step.acts);
        break;
    }
    this.compare();
  }

  allocate(level: number): number {
    let slot = this.called.allocate(level);
    assertEquals(slot, this.model.allocate(level), "allocate");
    if (slot === 0) {
      assertEquals(this.called.refill(), this.model.refill(), "refill");
      slot = this.called.allocate(level);
      assertEquals(slot, this.model.allocate(level), "allocate");
    }
    assertEquals(this.inPlace.allocate(level), slot, "allocate in place");
    return slot;
  }

  push(slot: number): void {
    const level = this.model.level(slot);
    this.called.push(level, slot);
    this.inPlace.queue.push(level, slot);
    this.model.push(level, slot);
  }

  /** Takes the first of a level out; the next turn is given it. */
  take(level: number): number {
    const slot = this.#shift(level);
    if (slot !== 0) this.#ran++;
    return slot;
  }

  #shift(level: number): number {
    const slot = this.model.shift(level);
    assertEquals(this.called.shift(level), slot, "shift");
    assertEquals(this.inPlace.queue.shift(level), slot, "shift in place");
    return slot;
  }

  arm(slot: number, deadline: number): void {
    if (this.model.isReady(slot)) return;
    this.#all((party) => party.arm(slot, deadline));
  }

  /** Returns the level that is chosen, and how many of its slots. */
  turn(limit: number): [number, number] {
    const choice = this.#same("turn", (party) => party.turn(this.now, this.#ran, limit));
    this.#ran = 0;
    return choice < 0 ? [0, 0] : [choice & 7, choice >> 3];
  }

  compare(): void {
    this.#same("nextDeadline", (party) => party.nextDeadline() + 0);
    const ready = this.model.readyCount() + this.#ran;
    assertEquals(this.called.readyCount(), ready, "readyCount");
    assertEquals(this.inPlace.queue.length, ready, "length");
    this.#same("timerCount", (party) => party.timerCount());
    this.#same("capacity", (party) => party.capacity());
    const slots = this.model.slots();
    for (const slot of slots.slice(0, 3).concat(slots.slice(-3))) {
      const deadline = this.#same("deadline", (party) => party.deadline(slot) + 0);
      assertEquals(this.inPlace.queue.hasTimer(slot), deadline !== Infinity, "hasTimer");
      assertEquals(this.inPlace.queue.isReady(slot), this.model.isReady(slot), "isReady");
    }
    const [called, inPlace] = [this.called, this.inPlace.exports].map(({ memory }) => Buffer.from(memory.buffer));
    if (called.equals(inPlace)) return;
    const at = called.findIndex((byte, index) => byte !== inPlace[index]) >> 2;
    throw new Error(`Word ${at} is ${called.readInt32LE(4 * at)} by calls, ${inPlace.readInt32LE(4 * at)} in place`);
  }

  #all(act: (party: Kernel["exports"] | KernelModel) => void): void {
    for (const party of [this.called, this.inPlace.exports, this.model]) act(party);
  }

  #same(what: string, read: (party: Kernel["exports"] | KernelModel) => number): number {
    const expected = read(this.model);
    assertEquals(read(this.called), expected, what);
    assertEquals(read(this.inPlace.exports), expected, what);
    return expected;
  }

  #each(step: { target: number; times?: number }, act: (slot: number) => void): void {
    for (let n = 0; n < (step.times ?? 1); n++) {
      const slots = this.model.slots();
      if (slots.length > 0) act(slots[(step.target + n) % slots.length]);
    }
  }

  #disarm(slot: number): void {
    this.#all((party) => party.disarm(slot));
  }

  /** Like the scheduler: a ready slot has no timer, and is not made ready again. */
  #makeReady(slot: number): void {
    if (this.model.isReady(slot)) return;
    this.#disarm(slot);
    this.push(slot);
  }

  /** Takes some out, and puts them back in the opposite order. */
  #putBack(level: number, times: number): void {
    const slots = Array.from({ length: times }, () => this.#shift(level)).filter((slot) => slot !== 0);
    for (const slot of slots) {
      this.called.unshift(level, slot);
      this.inPlace.queue.unshift(level, slot);
      this.model.unshift(level, slot);
    }
  }

  #free(slot: number): void {
    if (this.model.isReady(slot)) return;
    this.#disarm(slot);
    this.called.free(slot);
    this.inPlace.queue.free(slot);
    this.model.free(slot);
  }

  #setLevel(slot: number, level: number): void {
    this.#all((party) => party.setLevel(slot, level));
  }

  /** Frees all slots in use. */
  #empty(): void {
    for (let level = 0; level < 8; level++) while (this.take(level) !== 0);
    for (const slot of this.model.slots()) this.#free(slot);
  }

  /** A turn of a run loop whose coroutines take one of these actions each, in their steps. */
  #run(acts: Act[]): void {
    const [level, most] = this.turn(256);
    let end = most;
    while (this.#ran < end) {
      const { toOthers, target, level: other, then } = acts[this.#ran % acts.length];
      const slot = this.take(level);
      if (slot === 0) break;
      this.#each({ target }, (another) => {
        if (another === slot) return;
        if (toOthers === "makeReady") this.#makeReady(another);
        if (toOthers === "end") this.#free(another);
        if (toOthers === "setLevel") this.#setLevel(another, other);
        if (toOthers === "arm") this.arm(another, this.now + other);
      });
      if (toOthers === "spawn") this.push(this.allocate(other));
      if (toOthers === "stop") end = 0;
      if (then === "yield") this.push(slot);
      else if (then === "end") this.#free(slot);
      else if (then === "sleep") this.arm(slot, this.now + other);
    }
    this.now++;
  }
}

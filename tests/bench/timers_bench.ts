// deno run -A tests/bench/timers_bench.ts
//
// The timer structure of the kernel (assembly/timers.ts, an indexed 8-ary heap) against the one that lost
// (timers/radix_heap.as, a radix heap): the whole kernel is built with each, and both run in turns in this process.
// Prints Markdown tables of nanoseconds per timer, medians. The calls from TypeScript and the way of an expired timer
// through its ready queue are part of the figures.

import { compileKernel } from "../../assembly/compile.ts";
import { Kernel, setKernelModule } from "../../core/kernel/kernel.ts";
import { compileRadixHeap } from "./timers/radix_heap.ts";

const SIZES = [1, 1_000, 1_000_000];
const LEAST_TIMERS = 200_000;
const SECOND = 1_000;

/** Milliseconds in a sample, nanoseconds per timer in a result. */
interface Figures {
  arm: number;
  cancel: number;
  expire: number;
  total: number;
}

interface Contender {
  readonly name: string;
  readonly bytes: number;
  readonly module: WebAssembly.Module;
}

type Scenario = (kernel: Kernel, slots: readonly number[], share: number, rounds: number) => Figures;

/** With one timer a round, reading the clock would cost more than the phase: then only the total is measured. */
function phaseClock(size: number): () => number {
  return size === 1 ? () => 0 : () => performance.now();
}

function contender(name: string, bytes: Uint8Array<ArrayBuffer>): Contender {
  return { name, bytes: bytes.length, module: new WebAssembly.Module(bytes) };
}

function shuffled(size: number): Int32Array {
  const order = Int32Array.from({ length: size }, (_, index) => index);
  for (let left = size; left > 1; left--) {
    const other = Math.floor(Math.random() * left);
    [order[left - 1], order[other]] = [order[other], order[left - 1]];
  }
  return order;
}

/** As a driver does it: sleeps until the nearest deadline, a millisecond at least, then takes what is due. */
function expireAll({ exports, queue }: Kernel, from: number, expected: number): number {
  let now = from;
  for (let seen = 0; seen < expected;) {
    const choice = exports.turn(now, 0, 256);
    if (choice < 0) now = Math.max(now + 1, exports.nextDeadline());
    else for (let left = choice >> 3; left > 0 && queue.shift(choice & 7) !== 0; left--) seen++;
  }
  return now;
}

/** A timer for each slot, at random over one second; a share is cancelled in random order, the rest run to the end. */
function overOneSecond(kernel: Kernel, slots: readonly number[], share: number, rounds: number): Figures {
  const { exports } = kernel;
  const sample = { arm: 0, cancel: 0, expire: 0, total: 0 };
  const size = slots.length;
  const read = phaseClock(size);
  const order = shuffled(size);
  const deadlines = Float64Array.from({ length: size }, () => Math.random() * SECOND);
  let now = 0;
  let debt = 0;
  const began = performance.now();
  for (let round = 0; round < rounds; round++) {
    // At one timer a round, a share of the rounds stands for a share of the timers.
    debt += size * share;
    const cancelled = Math.floor(debt);
    debt -= cancelled;
    const start = read();
    for (let index = 0; index < size; index++) exports.arm(slots[index], now + deadlines[index]);
    const armed = read();
    for (let index = 0; index < cancelled; index++) exports.disarm(slots[order[index]]);
    const quiet = read();
    now = expireAll(kernel, now, size - cancelled) + 1;
    sample.arm += armed - start;
    sample.cancel += quiet - armed;
    sample.expire += read() - quiet;
  }
  sample.total = performance.now() - began;
  return sample;
}

/** The same timeout for all, armed one after the other and cancelled in that order; each `asking` th asks for the nearest. */
function sameTimeout(asking: number): Scenario {
  return ({ exports }, slots, _share, rounds) => {
    const sample = { arm: 0, cancel: 0, expire: 0, total: 0 };
    const read = phaseClock(slots.length);
    let now = 0;
    const began = performance.now();
    for (let round = 0; round < rounds; round++) {
      const start = read();
      for (const slot of slots) exports.arm(slot, (now += 0.001) + 30 * SECOND);
      const armed = read();
      for (let index = 0; index < slots.length; index++) {
        exports.disarm(slots[index]);
        if (index % asking === 0) exports.nextDeadline();
      }
      sample.arm += armed - start;
      sample.cancel += read() - armed;
    }
    sample.total = performance.now() - began;
    return sample;
  };
}

/** One coroutine after the other arms now + 30 s and is answered at once, while the others wait as long. */
function answeredAtOnce(kernel: Kernel, slots: readonly number[], _share: number, rounds: number): Figures {
  const { exports } = kernel;
  let now = 0;
  for (const slot of slots) exports.arm(slot, (now += 0.001) + 30 * SECOND);
  const mine = kernel.allocate(4);
  const start = performance.now();
  for (let done = 0; done < slots.length * rounds; done++) {
    exports.arm(mine, (now += 0.001) + 30 * SECOND);
    exports.disarm(mine);
  }
  const total = performance.now() - start;
  for (const slot of slots) exports.disarm(slot);
  return { arm: 0, cancel: 0, expire: 0, total };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

function measure(contenders: Contender[], scenario: Scenario, size: number, share: number): Figures[] {
  const repetitions = size >= 1_000_000 ? 5 : 9;
  const rounds = Math.max(1, Math.ceil(LEAST_TIMERS / size));
  const samples: Figures[][] = contenders.map(() => []);
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    contenders.forEach(({ module }, which) => {
      setKernelModule(module);
      const kernel = new Kernel();
      const slots = Array.from({ length: size }, () => kernel.allocate(4));
      const sample = scenario(kernel, slots, share, rounds);
      // The first one warms up.
      if (repetition > 0) samples[which].push(sample);
    });
  }
  const perTimer = (phase: keyof Figures, of: Figures[]) =>
    median(of.map((sample) => sample[phase])) * 1e6 / (size * rounds);
  return samples.map((of) => ({
    arm: perTimer("arm", of),
    cancel: perTimer("cancel", of),
    expire: perTimer("expire", of),
    total: perTimer("total", of),
  }));
}

function cell(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

function printRow(head: string[], samples: Figures[]): void {
  const cells = samples.map(({ arm, cancel, expire, total }) => {
    const phases = [arm, cancel, expire];
    const parts = phases.some((phase) => phase > 0) ? phases.map(cell).join(" / ") : "";
    return `${parts} | **${cell(total)}**`;
  });
  console.log(`| ${[...head, ...cells].join(" | ")} |`);
}

const contenders = [
  contender("8-ary heap", await compileKernel()),
  contender("radix heap", await compileRadixHeap()),
];
for (const { name, bytes } of contenders) console.log(`${name}: kernel of ${bytes} bytes, 32 bytes a slot`);

const columns = contenders.map(({ name }) => `${name}: arm / cancel / expire | total`).join(" | ");
console.log(`\nns per timer, medians\n\n| timers | cancelled | ${columns} |\n|--:|--:|--:|--:|--:|--:|`);
for (const size of SIZES) {
  for (const share of [0, 0.5, 0.99]) {
    printRow([`${size}`, `${share * 100} %`], measure(contenders, overOneSecond, size, share));
  }
}
for (const size of SIZES) {
  printRow([`${size}`, "now + 30 s, all, first to last"], measure(contenders, sameTimeout(Infinity), size, 1));
}
for (const size of SIZES) {
  printRow([`${size}`, "the same, nearest asked every 1,000"], measure(contenders, sameTimeout(1_000), size, 1));
}
for (const size of SIZES) {
  printRow([`${size}`, "now + 30 s, answered at once"], measure(contenders, answeredAtOnce, size, 1));
}

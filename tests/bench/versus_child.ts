/** One side of `versus.ts`: does a work with whichever checkout its configuration names; prints nanoseconds of CPU time as JSON. */
import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { type Coro, Scheduler } from "@asyncoro/asyncoro";

type Body = Generator<unknown, void, unknown>;

// Enough for V8 to have compiled what runs, and for one figure to take some 50 ms.
const REPEATS = 7;

function* yielder(_coro: Coro, steps: number): Body {
  for (let i = 0; i < steps; i++) yield;
}

function* ponger(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) (yield* coro.receive<Coro>()).send(i);
}

function* pinger(coro: Coro, partner: Coro, count: number): Body {
  for (let i = 0; i < count; i++) {
    partner.send(coro);
    yield* coro.receive();
  }
}

function* nothing(): Body {}

function* spawner(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) yield* coro.scheduler.spawn(nothing).finish();
}

interface Work {
  readonly operations: number;
  begin(scheduler: Scheduler): void;
}

const WORKS: Readonly<Record<string, Work>> = {
  switch: {
    operations: 2_000_000,
    begin(scheduler) {
      for (let i = 0; i < 1_000; i++) scheduler.spawn(yielder, 2_000);
    },
  },
  message: {
    operations: 800_000,
    begin(scheduler) {
      const partner = scheduler.spawn(ponger, 400_000);
      scheduler.spawn(pinger, partner as Coro, 400_000);
    },
  },
  // As switch, but every step has another context of the host than the one before.
  contexts: {
    operations: 2_000_000,
    begin(scheduler) {
      const stored = new AsyncLocalStorage<number>();
      for (let i = 0; i < 1_000; i++) stored.run(i, () => scheduler.spawn(yielder, 2_000));
    },
  },
  spawn: { operations: 150_000, begin: (scheduler) => void scheduler.spawn(spawner, 150_000) },
};

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function once({ operations, begin }: Work): Promise<number> {
  const scheduler = new Scheduler();
  const start = cpuSeconds();
  begin(scheduler);
  await scheduler.join();
  const seconds = cpuSeconds() - start;
  await scheduler.terminate();
  return (seconds * 1e9) / operations;
}

const found: Record<string, number> = {};
for (const name of Deno.args) {
  let best = Infinity;
  for (let i = 0; i < REPEATS; i++) best = Math.min(best, await once(WORKS[name]));
  found[name] = best;
}
console.log(JSON.stringify(found));

/** The kinds of waiters whose memory is measured: coroutines by what they wait in, and alternatives to coroutines. */
import { call, type Coro, Scheduler } from "@asyncoro/asyncoro";
import { many } from "../harness.ts";

type Body = Generator<unknown, void, unknown>;

/** A number of waiters: what references them, whether they may be measured now, and how to end them. */
export interface Crowd {
  /** References those that nothing else references. */
  readonly members: unknown;
  /** The known bytes outside the heap of JavaScript: the kernel's. */
  kernelBytes(): number;
  /** Settles when all of them wait. */
  readonly settled: Promise<unknown>;
  /** Ends them. */
  end(): unknown;
}

// Longer than the measurement takes.
const SECONDS = 3600;

function* receives(coro: Coro): Body {
  yield* coro.receive();
}

function* receivesInTime(coro: Coro): Body {
  yield* coro.receive(SECONDS);
}

function* sleeps(coro: Coro): Body {
  yield* coro.sleep(SECONDS * (1 + Math.random()));
}

function* sleepsDeep(coro: Coro, depth = 3): Body {
  if (depth === 0) yield* coro.sleep(SECONDS * (1 + Math.random()));
  else yield* call(sleepsDeep(coro, depth - 1));
}

function* gives(): Body {
  yield;
}

/** Coroutines of one function, in their first wait, or not started yet. */
function coroutines(count: number, target: (coro: Coro) => Body, started = true): Crowd {
  const scheduler = new Scheduler();
  // Nothing else has to reference them.
  for (let i = 0; i < count; i++) scheduler.spawn(target);
  const last = started ? scheduler.spawn(gives).value() : Promise.resolve();
  return {
    members: null,
    kernelBytes: () => scheduler.stats().memory,
    settled: last,
    end: () => scheduler.terminate(),
  };
}

function bareGenerators(count: number): Crowd {
  const members = many(count, gives);
  for (const generator of members) generator.next();
  return { members, kernelBytes: () => 0, settled: Promise.resolve(), end: () => {} };
}

/** Async functions that wait for a timer of the host. */
function nativeSleepers(count: number): Crowd {
  const ids: ReturnType<typeof setTimeout>[] = [];
  const sleep = async () => {
    await new Promise((resolve) => ids.push(setTimeout(resolve, 1000 * SECONDS * (1 + Math.random()))));
  };
  for (let i = 0; i < count; i++) sleep();
  return {
    members: ids,
    kernelBytes: () => 0,
    settled: Promise.resolve(),
    end: () => ids.forEach((id) => clearTimeout(id)),
  };
}

/** All kinds by name. */
export const KINDS: Readonly<Record<string, (count: number) => Crowd>> = {
  "not started": (count) => coroutines(count, gives, false),
  "in `receive`": (count) => coroutines(count, receives),
  "in `receive` with a timeout": (count) => coroutines(count, receivesInTime),
  "in `sleep`": (count) => coroutines(count, sleeps),
  "in `sleep`, 3 deep by `call`": (count) => coroutines(count, sleepsDeep),
  "bare generator": bareGenerators,
  "async function in `setTimeout`": nativeSleepers,
};

/**
 * The works that are measured at every number of coroutines. In each, all of them are alive at once, only the operation
 * itself is timed, and the result is checked: a wrong result gives no figure.
 */
import { Coro, Scheduler } from "@asyncoro/asyncoro";
import { many } from "../harness.ts";

type Body = Generator<unknown, void, unknown>;

/**
 * Does the work with `count` coroutines, often enough to make about `operations` of it, and returns nanoseconds per
 * operation.
 */
export type Work = (count: number, operations: number) => Promise<number>;

function check(what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`Wrong answer of ${what}: ${found} in place of ${wanted}`);
}

/** How often all take part. At least so often that the first time, with everything new, does not dominate. */
function roundsOf(count: number, operations: number): number {
  return Math.max(2, Math.ceil(operations / count));
}

function* giveWay(_coro: Coro | null, shared: { going: boolean }): Body {
  while (shared.going) yield;
}

/** The floor: the same generators, resumed in turn by a loop, with no scheduler. */
// deno-lint-ignore require-await -- a work like the others
export async function floor(count: number, operations: number): Promise<number> {
  const rounds = roundsOf(count, operations);
  const shared = { going: true };
  const generators = many(count, () => giveWay(null, shared));
  for (const generator of generators) generator.next();
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < count; i++) generators[i].next();
  }
  const milliseconds = performance.now() - start;
  shared.going = false;
  check("floor", generators.filter((generator) => generator.next().done).length, count);
  return (milliseconds * 1e6) / (rounds * count);
}

/** All are ready and yield in turn. */
export async function switches(count: number, operations: number): Promise<number> {
  const rounds = roundsOf(count, operations);
  const shared = { going: true };
  const scheduler = new Scheduler();
  for (let i = 1; i < count; i++) scheduler.spawn(giveWay, shared);
  const last = scheduler.spawn(function* () {
    yield;
    const start = performance.now();
    for (let round = 0; round < rounds; round++) yield;
    shared.going = false;
    return performance.now() - start;
  });
  const milliseconds = await last.value();
  await scheduler.join();
  // They start, yield in every round and once more, and find that they may end. The last one counts.
  check("switch", scheduler.stats().switches, count * (rounds + 3) - 1);
  await scheduler.terminate();
  return (milliseconds * 1e6) / (rounds * count);
}

function* short(): Generator<unknown, number, unknown> {
  return 1;
}

/** So many are created at once, and the end of each is waited for. */
export async function spawns(count: number, operations: number): Promise<number> {
  const rounds = Math.ceil(operations / count);
  const scheduler = new Scheduler();
  const start = performance.now();
  const sum = await scheduler.spawn(function* () {
    let sum = 0;
    for (let round = 0; round < rounds; round++) {
      const coros = many(count, () => new Coro(short));
      for (const coro of coros) sum += yield* coro.finish();
    }
    return sum;
  }).value();
  const milliseconds = performance.now() - start;
  check("spawn", sum, rounds * count);
  await scheduler.terminate();
  return (milliseconds * 1e6) / (rounds * count);
}

/** A ring in which every second one has a message: all wait, take one and send it on, in turn. */
async function ring(count: number, operations: number, timeout?: number): Promise<number> {
  const rounds = roundsOf(count, operations);
  const scheduler = new Scheduler();
  const nodes: Coro<void>[] = [];
  let hops = 0;
  let ended = 0;
  let end = 0;
  const node = function* (coro: Coro, index: number): Body {
    const next = index + 1 < count ? index + 1 : 0;
    for (let round = 0; round < rounds; round++) {
      const passed = (yield* coro.receive<number>(timeout))!;
      hops += passed;
      nodes[next].send(passed + 1);
    }
    if (++ended === count) end = performance.now();
  };
  for (let i = 0; i < count; i++) nodes.push(scheduler.spawn(node, i));
  const start = await scheduler.spawn(function* () {
    yield;
    const start = performance.now();
    for (let i = 0; i < count; i += 2) nodes[i].send(0);
    return start;
  }).value();
  await scheduler.join();
  check("message", hops, (count / 2) * rounds * (2 * rounds - 1));
  await scheduler.terminate();
  return ((end - start) * 1e6) / (rounds * count);
}

/** Messages around a ring. */
export const messages: Work = (count, operations) => ring(count, operations);

/** The same with a timeout on every receive that is never reached. */
export const timeouts: Work = (count, operations) => ring(count, operations, 600);

/**
 * All sleep, each for a time of its own, and are woken. Idle time would hide their cost, so one coroutine occupies the
 * thread until the last sleeper is due, and that time is not counted.
 */
async function sleepOnce(scheduler: Scheduler, count: number): Promise<number> {
  const seconds = 0.0005 + count * 0.5e-6;
  let begun = 0;
  let woken = 0;
  let end = 0;
  const sleeper = function* (coro: Coro): Body {
    yield;
    begun++;
    yield* coro.sleep(seconds * (1 + Math.random()));
    if (++woken === count) end = performance.now();
  };
  for (let i = 0; i < count; i++) scheduler.spawn(sleeper);
  const { start, held } = await scheduler.spawn(function* () {
    const start = performance.now();
    yield;
    check("timer, begun", begun, count);
    const holding = performance.now();
    while (performance.now() < holding + 2000 * seconds);
    return { start, held: performance.now() - holding };
  }).value();
  await scheduler.join();
  check("timer", woken, count);
  return end - start - held;
}

/** Sleep and be woken. */
export async function timers(count: number, operations: number): Promise<number> {
  // One costs as much as several of the other operations; and with few, they take less time than it takes until they
  // are due.
  const rounds = Math.min(500, Math.ceil(operations / 4 / count));
  const scheduler = new Scheduler();
  let milliseconds = 0;
  for (let round = 0; round < rounds; round++) milliseconds += await sleepOnce(scheduler, count);
  await scheduler.terminate();
  return (milliseconds * 1e6) / (rounds * count);
}

/** All works by name, the floor first. */
export const WORKS: Readonly<Record<string, Work>> = { floor, switches, spawns, messages, timeouts, timers };

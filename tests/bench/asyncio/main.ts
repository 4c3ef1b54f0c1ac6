/**
 * deno run -A tests/bench/asyncio/main.ts [--quick]
 *
 * Event loops against CPython's asyncio, and tasks against bare coroutines. Contenders take turns within every round.
 */
import { Coro, Scheduler } from "@asyncoro/asyncoro";
import { createTask, newEventLoop } from "@asyncoro/asyncoro/asyncio";
import { compare, many, ns, printTable, timed, times } from "../harness.ts";
import { Peer } from "./peer.ts";
import { WORKS } from "./works.ts";

const quick = Deno.args.includes("--quick");
const rounds = quick ? 3 : 7;
const scale = quick ? 0.25 : 1;

/** Runs a work on an event loop of its own. */
async function ours(work: (count: number) => Generator<unknown, void, unknown>, count: number): Promise<number> {
  const loop = newEventLoop();
  const result = await timed(count, () => loop.runUntilComplete(work(count)));
  loop.close();
  return result;
}

// So much more work makes a run of ours about as long as one of the other's, and no shorter than what disturbs it.
const LONGER = 8;

async function benchWorks(peer: Peer): Promise<void> {
  const rows: string[][] = [];
  for (const { name, title, work, count: full } of WORKS) {
    const count = Math.max(10_000, full * scale);
    const contenders = { ours: () => ours(work, LONGER * count), peer: () => peer.run(name, count) };
    const { medians, ratio } = await compare(rounds, contenders);
    rows.push([title, ns(medians.ours), ns(medians.peer), times(ratio("peer", "ours"))]);
  }
  printTable(`Event loop, ns, against ${peer.version}`, ["work", "ours", "CPython", "CPython / ours"], rows);
}

/** A body that gives way a number of times. */
function yielder(steps: number): () => Generator<undefined, void, unknown> {
  return function* () {
    for (let i = 0; i < steps; i++) yield;
  };
}

const COUNT = 1000;

/** Switches of a thousand bare coroutines. */
async function coroSwitches(steps: number): Promise<number> {
  const scheduler = new Scheduler();
  const body = yielder(steps);
  for (let i = 0; i < COUNT; i++) scheduler.spawn(body);
  const perSwitch = await timed(COUNT * steps, () => scheduler.join());
  await scheduler.terminate();
  return perSwitch;
}

/** The same of tasks. */
async function taskSwitches(steps: number): Promise<number> {
  const loop = newEventLoop();
  const body = yielder(steps);
  const tasks = many(COUNT, () => loop.createTask(body));
  const perSwitch = await timed(COUNT * steps, () => loop.runUntilComplete(tasks.at(-1)!));
  loop.close();
  return perSwitch;
}

function* short(): Generator<unknown, number, unknown> {
  return 1;
}

/** Spawn and join of bare coroutines, by hundreds. */
function coroSpawns(count: number, batch: number): Promise<number> {
  const scheduler = new Scheduler();
  return timed(count, async () => {
    scheduler.spawn(function* () {
      for (let i = 0; i < count; i += batch) {
        const coros = many(batch, () => new Coro(short));
        for (const coro of coros) yield* coro.finish();
      }
    });
    await scheduler.join();
  });
}

/** The same of tasks. */
function taskSpawns(count: number, batch: number): Promise<number> {
  return ours(function* () {
    for (let i = 0; i < count; i += batch) {
      const tasks = many(batch, () => createTask(short));
      for (const task of tasks) yield* task;
    }
  }, count);
}

async function benchOverhead(): Promise<void> {
  const steps = Math.round(3000 * scale);
  const count = Math.round(200_000 * scale);
  const { medians, ratio } = await compare(rounds, {
    coroSwitch: () => coroSwitches(steps),
    taskSwitch: () => taskSwitches(steps),
    coroOne: () => coroSpawns(count, 1),
    taskOne: () => taskSpawns(count, 1),
    coroHundred: () => coroSpawns(count, 100),
    taskHundred: () => taskSpawns(count, 100),
  });
  const row = (
    title: string,
    coro: string,
    task: string,
  ) => [title, ns(medians[task]), ns(medians[coro]), times(ratio(task, coro))];
  printTable("A task against a bare coroutine, ns", ["what", "task", "coroutine", "task / coroutine"], [
    row("switch, 1,000 of them", "coroSwitch", "taskSwitch"),
    row("spawn and join, one by one", "coroOne", "taskOne"),
    row("spawn and join, by hundreds", "coroHundred", "taskHundred"),
  ]);
}

await benchOverhead();
const peer = await Peer.start();
if (peer === null) console.log("\nNo Python is here: CPython's asyncio is not measured");
else await benchWorks(peer).finally(() => peer.stop());

/** How much more a task costs than a plain coroutine: the same work with each, in nanoseconds per operation. */
import { Coro, Scheduler } from "@asyncoro/asyncoro";
import { createTask, newEventLoop } from "@asyncoro/asyncoro/asyncio";
import { many, timed } from "../harness.ts";

const COUNT = 1000;

/** A body that yields a number of times. */
function yielder(steps: number): () => Generator<undefined, void, unknown> {
  return function* () {
    for (let i = 0; i < steps; i++) yield;
  };
}

async function coroSwitches(steps: number): Promise<number> {
  const scheduler = new Scheduler();
  const body = yielder(steps);
  for (let i = 0; i < COUNT; i++) scheduler.spawn(body);
  const perSwitch = await timed(COUNT * steps, () => scheduler.join());
  await scheduler.terminate();
  return perSwitch;
}

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

async function coroSpawns(count: number, batch: number): Promise<number> {
  const scheduler = new Scheduler();
  const perSpawn = await timed(count, async () => {
    scheduler.spawn(function* () {
      for (let i = 0; i < count; i += batch) {
        const coros = many(batch, () => new Coro(short));
        for (const coro of coros) yield* coro.finish();
      }
    });
    await scheduler.join();
  });
  await scheduler.terminate();
  return perSpawn;
}

async function taskSpawns(count: number, batch: number): Promise<number> {
  const loop = newEventLoop();
  const perSpawn = await timed(count, () =>
    loop.runUntilComplete(function* () {
      for (let i = 0; i < count; i += batch) {
        const tasks = many(batch, () => createTask(short));
        for (const task of tasks) yield* task;
      }
    }));
  loop.close();
  return perSpawn;
}

const STEPS = 3_000;
const SPAWNS = 200_000;

/** The comparisons. `scale` multiplies the amount of work. */
export const OVERHEADS: readonly {
  readonly name: string;
  readonly title: string;
  readonly task: (scale: number) => Promise<number>;
  readonly coro: (scale: number) => Promise<number>;
}[] = [
  {
    name: "switches",
    title: "switch, 1,000 of them",
    task: (scale) => taskSwitches(STEPS * scale),
    coro: (scale) => coroSwitches(STEPS * scale),
  },
  {
    name: "spawns_one_by_one",
    title: "spawn and join, one by one",
    task: (scale) => taskSpawns(SPAWNS * scale, 1),
    coro: (scale) => coroSpawns(SPAWNS * scale, 1),
  },
  {
    name: "spawns_by_hundreds",
    title: "spawn and join, by hundreds",
    task: (scale) => taskSpawns(SPAWNS * scale, 100),
    coro: (scale) => coroSpawns(SPAWNS * scale, 100),
  },
];

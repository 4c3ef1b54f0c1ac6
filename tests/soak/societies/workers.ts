/** Tasks in workers that end in every way there is: each settles once and as it was to. */
import { type Coro, type Operation, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { WorkerError, type WorkerPool } from "@asyncoro/asyncoro/workers";
import { populate } from "../population.ts";
import type { Resources } from "../resources.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

const succeed = (n: number): number => n;
const fail = (n: number): never => {
  throw new RangeError(`failed ${n}`);
};
const wait = async (n: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return n;
};
const hang = (): Promise<never> => new Promise(() => {});
const crash = (): never => Deno.exit(1);
function* customer(coro: Coro, world: World, pool: WorkerPool): Body {
  while (!world.over) {
    for (let left = world.random.from(1, 20); left > 0; left--) {
      try {
        yield* oneTask(world, pool);
      } catch (error) {
        if (!(error instanceof Thrown) || world.random.chance(0.5)) throw error;
      }
    }
    yield* coro.sleep(world.seconds(1));
  }
}

function* oneTask(world: World, pool: WorkerPool): Body {
  const n = world.random.below(1_000_000);
  const dice = world.random.next();
  if (dice < 0.7) yield* right(world, n, pool.asyncTask(succeed, n));
  else if (dice < 0.8) yield* right(world, n, pool.asyncTask(wait, n));
  else if (dice < 0.9) yield* failing(world, `failed ${n}`, pool.asyncTask(fail, n));
  else if (dice < 0.998) yield* inTime(world, n, withTimeout(world.random.next() * 0.002, pool.asyncTask(succeed, n)));
  else if (dice < 0.9995) yield* late(world, pool);
  else yield* failing(world, "", pool.asyncTask(crash));
}

function* right(world: World, n: number, work: Operation<number>): Body {
  let value: number;
  try {
    value = yield* work;
  } catch (error) {
    // Another task's crash takes along what its worker had been given and had begun.
    if (error instanceof WorkerError && error.name === "WorkerError") {
      return world.done("worker: went down with others");
    }
    throw error;
  }
  world.check(value === n, "A task gives its own result", () => `${value} for ${n}`);
  world.done("worker: done");
}

function* failing(world: World, message: string, work: Operation<unknown>): Body {
  try {
    const value = yield* work;
    world.violate("A task that fails has failed", `it gave ${value}`);
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    const own = error.message.includes(message) || error.name === "WorkerError";
    world.check(own, "A task fails with its own error", () => `${error} for ${message}`);
    world.done(message === "" ? "worker: crashed" : "worker: failed");
  }
}

function* inTime(world: World, n: number, work: Operation<number>): Body {
  try {
    yield* right(world, n, work);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    world.done("worker: given up");
  }
}

function* late(world: World, pool: WorkerPool): Body {
  try {
    yield* pool.asyncTaskWith({ timeout: 0.005 }, hang);
    world.violate("A task that hangs is given up", "it ended");
  } catch (error) {
    if (!(error instanceof TimeoutError) && !(error instanceof WorkerError)) throw error;
    world.done("worker: hung");
  }
}

/** See the head of this file. */
export const workers: Society = {
  name: "workers",
  host: true,
  *conduct(coro: Coro, world: World, { pool }: Resources): Body {
    yield* populate(world, coro, {
      size: 10,
      mortal: true,
      newMember: () => world.spawn("customer", (coro) => customer(coro, world, pool)),
    });
    const began = world.now();
    // What was cancelled settles when its worker has stopped it.
    while (pool.stats().pending > 0 && world.now() < began + 20) yield* coro.sleep(0.01);
    const { pending, queued, blocked, submitted, completed, failed, cancelled, workers } = pool.stats();
    const left = JSON.stringify({ pending, queued, blocked });
    world.check(pending + queued + blocked === 0, "Every task settles", () => left);
    const settled = completed + failed + cancelled;
    world.check(submitted === settled, "A task settles once", () => `${settled} of ${submitted}`);
    world.check(workers <= pool.size, "There are no more workers than allowed", () => String(workers));
  },
};

/** Tasks in workers that end in every way: each settles once and as planned. */
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
/** Two views of one buffer. */
const view = (n: number): { all: Uint8Array; part: Uint8Array } => {
  const all = new Uint8Array(5000).fill(n);
  return { all, part: all.subarray(1000, 2000) };
};
const failTwice = (n: number): never => {
  throw new AggregateError([new RangeError(`failed ${n}`), new TypeError("again")], `failed ${n}`);
};

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
  if (dice < 0.68) yield* right(world, n, pool.asyncTask(succeed, n));
  else if (dice < 0.7) yield* bytes(world, n & 255, pool);
  else if (dice < 0.8) yield* right(world, n, pool.asyncTask(wait, n));
  else if (dice < 0.88) yield* failing(world, `failed ${n}`, pool.asyncTask(fail, n));
  else if (dice < 0.9) yield* failing(world, `failed ${n}`, pool.asyncTask(failTwice, n), 2);
  else if (dice < 0.998) yield* inTime(world, n, withTimeout(world.random.next() * 0.002, pool.asyncTask(succeed, n)));
  else if (dice < 0.9995) yield* late(world, pool);
  else yield* failing(world, "The worker ended with code 1", pool.asyncTask(crash));
}

function* right(world: World, n: number, work: Operation<number>): Body {
  try {
    const value = yield* work;
    world.check(value === n, "A task gives its own result", () => `${value} for ${n}`);
  } catch (error) {
    if (error instanceof WorkerError) world.violate("A task does not fail for others", String(error));
    throw error;
  }
  world.done("worker: done");
}

function* bytes(world: World, n: number, pool: WorkerPool): Body {
  const { all, part } = yield* pool.asyncTask(view, n);
  const whole = all.length === 5000 && all.every((byte) => byte === n);
  const placed = part.byteOffset === 1000 && part.length === 1000 && part.buffer === all.buffer;
  world.check(whole && placed, "A buffer arrives as it was", () => `${all.length} bytes for ${n}`);
  world.done("worker: bytes");
}

function* failing(world: World, message: string, work: Operation<unknown>, count = 0): Body {
  try {
    const value = yield* work;
    world.violate("A task that fails has failed", `it gave ${value}`);
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    world.check(error.message.includes(message), "A task fails with its own error", () => `${error} for ${message}`);
    const { errors = [] } = error;
    const first = count === 0 || (errors[0] instanceof RangeError && errors[0].message === message);
    world.check(errors.length === count && first, "An error keeps its errors", () => `${errors.length} of ${count}`);
    world.done(`worker: failed with ${count}`);
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
    if (error instanceof WorkerError) world.violate("A task does not fail for others", String(error));
    if (!(error instanceof TimeoutError)) throw error;
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
    // A cancelled task settles when its worker has stopped it.
    while (pool.stats().pending > 0 && world.now() < began + 20) yield* coro.sleep(0.01);
    const { pending, queued, blocked, submitted, completed, failed, cancelled, workers } = pool.stats();
    const left = JSON.stringify({ pending, queued, blocked });
    world.check(pending + queued + blocked === 0, "Every task settles", () => left);
    const settled = completed + failed + cancelled;
    world.check(submitted === settled, "A task settles once", () => `${settled} of ${submitted}`);
    world.check(workers <= pool.size, "There are no more workers than allowed", () => String(workers));
  },
};

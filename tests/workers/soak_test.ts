/**
 * 100,000 tasks that end in every way there is, some of which take their worker along: each settles exactly once, no
 * worker is left over, and memory does not grow.
 */
import { run, Scheduler, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { WorkerError, WorkerPool } from "../../core/workers/mod.ts";
import { Random } from "../soak/random.ts";

const TASKS = 100_000;
const COROUTINES = 200;

const succeed = (n: number) => n;
const copy = (value: { n: number; list: number[] }) => ({ ...value, back: true });
const fail = (n: number) => {
  throw new RangeError(`failed ${n}`);
};
const wait = async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return n;
};
const crash = () => Deno.exit(1);
const crashLater = () => {
  setTimeout(() => {
    throw new Error("crash");
  }, 0);
  return new Promise(() => {});
};
const hang = () => new Promise(() => {});

/** The number of tasks by outcome. */
interface Tally {
  [outcome: string]: number;
}

/** Runs one task of a random kind and returns its outcome. Throws if that is wrong. */
function* oneTask(pool: WorkerPool, random: Random, n: number): Generator<unknown, string, unknown> {
  const dice = random.next();
  if (dice < 0.7) {
    assertEquals(yield* pool.asyncTaskWith({ priority: Math.floor(random.next() * 8) }, succeed, n), n);
    return "value";
  }
  if (dice < 0.8) {
    assertEquals(yield* pool.asyncTask(copy, { n, list: [n] }), { n, list: [n], back: true });
    return "object";
  }
  if (dice < 0.9) {
    return yield* expectFailure(pool.asyncTask(fail, n) as never, `failed ${n}`, "failure");
  }
  if (dice < 0.92) {
    assertEquals(yield* pool.asyncTask(wait, n), n);
    return "waited";
  }
  if (dice < 0.98) {
    try {
      // Cancelled at any moment: queued, in the ring, running, or done and not yet settled.
      assertEquals(yield* withTimeout(random.next() * 0.002, pool.asyncTask(succeed, n)), n);
      return "in time";
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      return "timeout";
    }
  }
  // About one crash in two thousand tasks, as each costs a new worker.
  if (dice < 0.9995) return yield* aborted(pool, random, n);
  if (dice < 0.9998) {
    const crasher = random.next() < 0.5 ? crash : crashLater;
    return yield* expectFailure(pool.asyncTask(crasher as () => never) as never, "", "crash");
  }
  try {
    yield* pool.asyncTaskWith({ timeout: 0.005 }, hang);
    return "impossible";
  } catch (error) {
    // Its worker is ended because of this task.
    if (!(error instanceof TimeoutError)) throw error;
    return "hung";
  }
}

function* expectFailure(
  task: Generator<unknown, unknown, unknown>,
  message: string,
  outcome: string,
): Generator<unknown, string, unknown> {
  try {
    yield* task;
  } catch (error) {
    if (error instanceof WorkerError && error.message.includes(message)) return outcome;
    throw error;
  }
  throw new Error(`${outcome} was expected`);
}

function* aborted(pool: WorkerPool, random: Random, n: number): Generator<unknown, string, unknown> {
  const controller = new AbortController();
  const scheduler = Scheduler.curCoro()!.scheduler;
  scheduler.spawn(function* () {
    if (random.next() < 0.5) yield* sleep(random.next() * 0.001);
    controller.abort(new RangeError("aborted"));
  });
  try {
    assertEquals(yield* pool.asyncTaskWith({ signal: controller.signal }, succeed, n), n);
    return "not aborted";
  } catch (error) {
    assert(error instanceof RangeError && error.message === "aborted");
    return "aborted";
  }
}

function threads(): number {
  try {
    return [...Deno.readDirSync("/proc/self/task")].length;
  } catch {
    return 0;
  }
}

Deno.test("100,000 tasks with failures, crashes, timeouts and cancellations settle exactly once each", async () => {
  const seed = Number(Deno.env.get("SOAK_SEED") ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`SOAK_SEED=${seed}`);
  const random = new Random(seed);
  const before = threads();
  const pool = new WorkerPool(2, { grace: 0.02, queueLimit: 150 });
  const tally: Tally = {};
  let begun = 0;
  let settled = 0;
  let victims = 0;
  const memory: number[] = [];
  await run(function* () {
    const crowd = Array.from({ length: COROUTINES }, () =>
      Scheduler.instance().spawn(function* () {
        while (begun < TASKS) {
          const n = begun++;
          const outcome = yield* oneTask(pool, random, n);
          tally[outcome] = (tally[outcome] ?? 0) + 1;
          settled++;
          if (settled % (TASKS / 10) === 0) memory.push(Deno.memoryUsage().heapUsed);
        }
      }));
    // Some coroutines are terminated in the middle of a task, again and again.
    const killer = Scheduler.instance().spawn(function* (killer) {
      while (begun < TASKS) {
        yield* killer.sleep(0.002);
        const victim = Scheduler.instance().spawn(function* () {
          yield* pool.asyncTask((random.next() < 0.1 ? wait : succeed) as typeof wait, 1);
        });
        if (random.next() < 0.8) yield* killer.sleep(random.next() * 0.001);
        victim.terminate();
        victims++;
      }
    });
    for (const coro of [...crowd, killer]) yield* coro.finish();
  });
  await pool.join();
  const stats = pool.stats();
  console.log(JSON.stringify({ ...tally, victims, crashed: stats.crashed, replaced: stats.replaced }));
  assertEquals([begun, settled], [begun, begun]);
  assert(begun >= TASKS);
  const { pending, queued, blocked } = stats;
  assertEquals({ pending, queued, blocked }, { pending: 0, queued: 0, blocked: 0 });
  assertEquals(stats.submitted, stats.completed + stats.failed + stats.cancelled);
  assert(stats.workers <= 2, `${stats.workers} workers`);
  assert((tally.crash ?? 0) > 3 && (tally.timeout ?? 0) > 50 && (tally.aborted ?? 0) > 50);
  assertEquals(await pool.run(() => "well"), "well");
  await pool.terminate();
  for (let i = 0; i < 100 && threads() > before + 2; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert(threads() <= before + 2, `${threads()} threads, ${before} before`);
  // The first tenth warms up. Afterwards memory must not grow.
  const early = Math.max(...memory.slice(1, 5));
  const late = Math.min(...memory.slice(-4));
  assert(late < early * 1.5 + 2e7, memory.map((bytes) => Math.round(bytes / 1e5) / 10).join(" "));
});

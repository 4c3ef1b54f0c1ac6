/**
 * A job queue that survives its process. SQLite keeps the jobs, a bounded queue passes on those that are due, supervised
 * consumers have them done by workers, and a job that fails is tried again later, with growing delays.
 *
 *     deno run examples/workers/job_queue.ts
 *     deno run --allow-read=. --allow-write=. examples/workers/job_queue.ts jobs.db 1000
 *
 * Without arguments it does 40 jobs from a database in memory. The second command adds 1000 jobs to a file, and does all
 * that are in it. Kill it, even with `kill -9`, and run it again with 0 jobs: those that were under way are done again,
 * so a job should have no effect but its result. One process at a time may work on a database.
 */
import { main, Queue, shield, sleep, supervise } from "@asyncoro/asyncoro";
import { WorkerPool } from "@asyncoro/asyncoro/workers";
import { type Job, Store } from "./job_queue/store.ts";

const CONSUMERS = 4;
const JOB_SECONDS = 10;
const POLL_SECONDS = 0.05;

/** The work of one job, in a worker: counts primes. Some numbers are unlucky at first, and some always. */
function countPrimes(number: number, attempt: number): number {
  if (number % 11 === 0) throw new RangeError(`${number} brings bad luck`);
  if (number % 5 === 0 && attempt === 1) throw new Error("try again");
  let count = 0;
  for (let n = 2; n <= number * 100; n++) {
    let prime = true;
    for (let i = 2; prime && i * i <= n; i++) prime = n % i !== 0;
    if (prime) count++;
  }
  return count;
}

/** What feeder and consumers share. */
interface Shop {
  readonly store: Store;
  readonly pool: WorkerPool;
  readonly queue: Queue<Job>;
  /** The jobs that are in the queue or under way. */
  readonly taken: Set<number>;
}

/** Puts jobs that are due into the queue, as soon as there is room, until none is left. */
function* feed(_coro: unknown, { store, queue, taken }: Shop) {
  for (;;) {
    // A job that was taken when this begins to read may be done when it has read.
    const before = new Set(taken);
    const due = yield* store.due(before.size + queue.capacity);
    const jobs = due.filter((job) => !before.has(job.id));
    for (const job of jobs) {
      taken.add(job.id);
      yield* queue.put(job);
    }
    if (jobs.length > 0) continue;
    if (taken.size === 0 && !(yield* store.hasWaiting())) return queue.close();
    yield* sleep(POLL_SECONDS);
  }
}

/** Does one job after the other. If it fails itself, the job is still in the store, and is fed again. */
function* consume(_coro: unknown, shop: Shop) {
  yield* shop.queue.items().forEach(function* (job) {
    try {
      yield* work(shop, job);
    } finally {
      shop.taken.delete(job.id);
    }
  });
}

function* work({ store, pool }: Shop, job: Job) {
  let result: number;
  try {
    // The limit stops even an endless loop.
    result = yield* pool.asyncTaskWith({ limit: JOB_SECONDS }, countPrimes, job.number, job.attempts + 1);
  } catch (error) {
    return yield* shield(store.failed(job, error as Error));
  }
  // What has been worked out is stored, even if the program is asked to end now.
  yield* shield(store.done(job, result));
}

main(function* () {
  const [path = ":memory:", count = path === ":memory:" ? "40" : "0"] = Deno.args;
  using store = new Store(path);
  using pool = new WorkerPool();
  yield* store.open();
  yield* store.add(Array.from({ length: Number(count) }, (_, i) => i + 1));
  console.log(`${count} jobs added`);
  const shop: Shop = { store, pool, queue: new Queue(2 * CONSUMERS, { name: "jobs" }), taken: new Set() };
  const consumers = Array.from({ length: CONSUMERS }, () => ({ target: consume, args: [shop] }));
  yield* supervise([{ target: feed, args: [shop] }, ...consumers], { maxRestarts: 10, within: 60, backoff: 0.1 })
    .finish();
  const { done, failed, attempts } = yield* store.summary();
  console.log(`${done} done, ${failed} failed, after ${attempts} attempts`);
});

import { run, Scheduler, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { WorkerPool } from "../../core/workers/mod.ts";

/** Adds a number to `log`, whose first word is the count. */
const note = (log: Int32Array, who: number) => void (log[Atomics.add(log, 0, 1) + 1] = who);
/** Blocks a worker until the last word of `log` is 1. */
const block = (log: Int32Array) => void Atomics.wait(log, log.length - 1, 0);

function newLog(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * 1024));
}

function open(log: Int32Array): void {
  Atomics.store(log, log.length - 1, 1);
  Atomics.notify(log, log.length - 1);
}

function ran(log: Int32Array): number[] {
  return [...log.subarray(1, log[0] + 1)];
}

Deno.test("tasks of one worker begin in the order of their calls", async () => {
  await using pool = new WorkerPool(1);
  const log = newLog();
  await Promise.all(Array.from({ length: 500 }, (_, i) => pool.run(note, log, i)));
  assertEquals(ran(log), Array.from({ length: 500 }, (_, i) => i));
});

Deno.test("a more urgent task overtakes those that have not begun, and equals keep their order", async () => {
  await using pool = new WorkerPool(1);
  const log = newLog();
  // More urgent tasks overtake the first one too, until the worker has begun it.
  await pool.run(() => {});
  const tasks = [pool.run(block, log)];
  const wait = () => new Promise((resolve) => setTimeout(resolve, 20));
  await wait();
  for (const i of [40, 41, 42]) tasks.push(pool.run(note, log, i));
  tasks.push(pool.runWith({ priority: 7 }, note, log, 70));
  await wait();
  for (const i of [20, 21]) tasks.push(pool.runWith({ priority: 2 }, note, log, i));
  await wait();
  tasks.push(pool.runWith({ priority: 0 }, note, log, 1));
  tasks.push(pool.run(note, log, 43));
  await wait();
  open(log);
  await Promise.all(tasks);
  assertEquals(ran(log), [1, 20, 21, 40, 41, 42, 43, 70]);
});

Deno.test("a task has the priority of its coroutine", async () => {
  await using pool = new WorkerPool(1);
  const log = newLog();
  await pool.run(() => {});
  const scheduler = new Scheduler();
  scheduler.spawn(function* () {
    yield* pool.asyncTask(block, log);
  });
  for (const priority of [6, 3, 5]) {
    scheduler.spawnWith({ priority }, function* () {
      yield* sleep(0.02);
      yield* pool.asyncTask(note, log, priority);
    });
  }
  setTimeout(() => open(log), 60);
  await scheduler.join();
  assertEquals(ran(log), [3, 5, 6]);
  await scheduler.terminate();
});

Deno.test("a long task does not delay short ones that were submitted after it", async () => {
  await using pool = new WorkerPool(2);
  const log = newLog();
  await Promise.all([pool.run(() => 1), pool.run(() => 2)]);
  const blocked = pool.run(block, log);
  await Promise.all(Array.from({ length: 300 }, (_, i) => pool.run(note, log, i)));
  assertEquals(ran(log).length, 300);
  open(log);
  await blocked;
});

Deno.test("queueLimit holds tasks back, whose order stays", async () => {
  await using pool = new WorkerPool(1, { queueLimit: 5 });
  const log = newLog();
  // A task that moves objects is sent to an idle worker only, so the tasks behind it stay in the queue.
  const blocked = pool.run(block, log);
  const behind = pool.runWith({ transfer: [new ArrayBuffer(1)] }, note, log, 0);
  const tasks = Array.from({ length: 20 }, (_, i) => pool.run(note, log, i + 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const { queued, blocked: held, pending } = pool.stats();
  assertEquals([queued, held, pending], [5, 16, 22]);
  open(log);
  await Promise.all([blocked, behind, ...tasks]);
  assertEquals(ran(log), Array.from({ length: 21 }, (_, i) => i));
});

Deno.test("queueLimit: a coroutine that waits for room can be terminated", async () => {
  await using pool = new WorkerPool(1, { queueLimit: 1 });
  const log = newLog();
  const first = pool.run(block, log);
  const second = pool.runWith({ transfer: [new ArrayBuffer(1)] }, note, log, 1);
  await run(function* () {
    const held = Scheduler.instance().spawn(function* () {
      yield* pool.asyncTask(note, log, 2);
    });
    yield* sleep(0.02);
    assertEquals(pool.stats().blocked, 1);
    held.terminate();
    yield* held.finish();
    assertEquals(pool.stats().blocked, 0);
  });
  open(log);
  await Promise.all([first, second]);
  assertEquals(ran(log), [1]);
});

Deno.test("a pool computes on all cores while a 5 ms ticker runs", async () => {
  await using pool = new WorkerPool();
  const { block: work } = await import("./tasks.ts");
  const late: number[] = [];
  const scheduler = new Scheduler();
  scheduler.spawn(function* (coro) {
    for (let due = performance.now() + 5;; due += 5) {
      yield* coro.sleep((due - performance.now()) / 1000);
      late.push(performance.now() - due);
    }
  });
  await Promise.all(Array.from({ length: 2 * pool.size }, () => pool.run(work, 100)));
  await scheduler.terminate();
  // The benchmark measures how late they are: other programs run on this machine.
  assert(late.length > 5, `${late.length} ticks`);
});

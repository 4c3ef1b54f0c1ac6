/** The host's asynchronous context and workers: callbacks of a task run in the context of its caller. */
import { run, WorkerPool, type WorkerTask } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";

const names = new AsyncLocalStorage<string>();

function here(): string | undefined {
  return names.getStore();
}

function report(this: WorkerTask, n: number): number {
  this.progress(n);
  return n;
}

Deno.test("progress is reported in the context of the caller, a coroutine or async code", async () => {
  await using pool = new WorkerPool(1);
  const seen: string[] = [];
  const onProgress = (n: unknown) => seen.push(`progress ${n}: ${here()}`);
  const coros = [1, 2].map((n) =>
    names.run(`coro ${n}`, () =>
      run(function* () {
        yield* pool.asyncTaskWith({ onProgress }, report, n);
        seen.push(`result ${n}: ${here()}`);
      }))
  );
  await Promise.all(coros);
  await names.run("promise", () => pool.runWith({ onProgress }, report, 3));
  assertEquals(seen.sort(), [
    "progress 1: coro 1",
    "progress 2: coro 2",
    "progress 3: promise",
    "result 1: coro 1",
    "result 2: coro 2",
  ]);
});

Deno.test("the items of a parallel map are taken in the context of its caller", async () => {
  await using pool = new WorkerPool(1);
  const seen = new Set<unknown>();
  function* items(): Generator<number, void, unknown> {
    try {
      for (let i = 0; i < 20; i++) {
        seen.add(`item ${here()}`);
        yield i;
      }
    } finally {
      seen.add(`end ${here()}`);
    }
  }
  const onProgress = () => seen.add(`progress ${here()}`);
  // The worker and its pool were first used in another context.
  await names.run("other", () => pool.run((n: number) => n, 1));
  await names.run("mapper", () =>
    run(function* () {
      yield* pool.map(items(), (n: number) => n, { concurrency: 2, onProgress });
      seen.add(here());
    }));
  assertEquals([...seen].sort(), ["end mapper", "item mapper", "mapper", "progress mapper"]);
});

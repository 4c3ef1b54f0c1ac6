/** Event loops with a seed: the order within an iteration is arbitrary, what an iteration and a run are is not. */
import { createTask, gather, newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals } from "@std/assert";
import { inLoop } from "./loop_lab.ts";

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);

Deno.test("stop() ends a run of endless chains soon, whatever the seed", async () => {
  for (const shuffle of SEEDS) {
    const loop = newEventLoop({ clock: new VirtualClock(), shuffle });
    loop.setExceptionHandler(() => {});
    let links = 0;
    let late = 0;
    let stopped = false;
    const link = () => {
      if (stopped) late++;
      if (++links === 50) {
        loop.stop();
        stopped = true;
      }
      loop.callSoon(link);
    };
    for (let i = 0; i < 3; i++) {
      loop.callSoon(link);
      loop.createTask(function* () {
        for (;;) yield;
      });
    }
    await loop.runForever();
    loop.close();
    assert(late < 50, `seed ${shuffle}: ${late} links after stop()`);
  }
});

Deno.test("every callback is called once, whatever the seed, and some seeds change the order", async () => {
  const orders = new Set<string>();
  for (const shuffle of SEEDS) {
    await inLoop(async (lab) => {
      for (let i = 0; i < 5; i++) {
        lab.loop.callSoon(lab.noting(2 * i));
        lab.loop.createTask(function* () {
          lab.note(2 * i + 1);
        });
      }
      await lab.run(sleep(1));
      orders.add(String(lab.log));
      assertEquals(new Set(lab.log), new Set(Array.from({ length: 10 }, (_, i) => i)));
      assertEquals(lab.log.length, 10);
    }, { shuffle });
  }
  assert(orders.size > 10);
});

Deno.test("one seed gives one order", async () => {
  const logs: string[] = [];
  for (let run = 0; run < 2; run++) {
    await inLoop(async (lab) => {
      function* worker(name: string) {
        for (let i = 0; i < 5; i++) {
          lab.note(`${name}${i}`);
          yield* sleep(i % 2);
        }
      }
      await lab.run(function* () {
        yield* gather(["a", "b", "c", "d"].map((name) => createTask(worker(name))));
      });
      logs.push(String(lab.log));
    }, { shuffle: 42 });
  }
  assertEquals(logs[0], logs[1]);
});

Deno.test("futures give their results and timers keep their times, whatever the seed", async () => {
  for (const shuffle of SEEDS) {
    await inLoop(async (lab) => {
      const { loop } = lab;
      const results = await lab.run(function* () {
        const futures = Array.from({ length: 5 }, () => loop.createFuture<number>());
        futures.forEach((future, i) => loop.callLater(5 - i, () => future.setResult(i)));
        const results = yield* gather(futures);
        lab.at("gathered");
        return results;
      });
      assertEquals([results, lab.log], [[0, 1, 2, 3, 4], ["5 gathered"]]);
    }, { shuffle });
  }
});

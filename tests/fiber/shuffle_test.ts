/**
 * Seeded scheduling: other orders than first come, first served, and always the same for one seed.
 */
import { Scheduler, sleep } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";

/** The order in which twenty coroutines run under a seed. */
async function order(shuffle?: number): Promise<string> {
  const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle });
  const log: string[] = [];
  for (let name = 0; name < 20; name++) {
    scheduler.spawn(function* (coro) {
      for (let i = 0; i < 5; i++) {
        log.push(`${name}.${i}`);
        if (i % 2 === 0) yield;
        else if (i === 1) yield* sleep(1);
        else yield* coro.receive(0.5);
      }
    });
  }
  await scheduler.join();
  await scheduler.terminate();
  assertEquals(log.length, 100);
  for (let name = 0; name < 20; name++) {
    const own = log.filter((event) => event.startsWith(`${name}.`));
    assertEquals(own, [0, 1, 2, 3, 4].map((i) => `${name}.${i}`));
  }
  return log.join(" ");
}

Deno.test("the same seed gives the same order every time", async () => {
  for (const seed of [1, 2, 3, 123456789, -5, 0.5]) assertEquals(await order(seed), await order(seed), `seed ${seed}`);
});

Deno.test("different seeds give different orders, and not first come, first served", async () => {
  const seeds = Array.from({ length: 20 }, (_, i) => i);
  const orders = new Set(await Promise.all(seeds.map((seed) => order(seed))));
  assertEquals(orders.size, seeds.length);
  assert(!orders.has(await order()));
});

Deno.test("a shuffle keeps priorities and deadlines", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const clock = new VirtualClock();
    const scheduler = new Scheduler({ clock, shuffle: seed });
    const log: number[] = [];
    for (const priority of [6, 2, 4, 0]) {
      for (let i = 0; i < 5; i++) {
        scheduler.spawnWith({ priority }, function* () {
          log.push(priority);
          yield;
        });
      }
    }
    await scheduler.join();
    assertEquals(log, [0, 2, 4, 6].flatMap((priority) => new Array(5).fill(priority)), `seed ${seed}`);
    const times: number[] = [];
    for (const seconds of [3, 1, 2]) {
      scheduler.spawn(function* () {
        yield* sleep(seconds);
        times.push(clock.now());
      });
    }
    await scheduler.join();
    assertEquals(times, [1, 2, 3]);
    await scheduler.terminate();
  }
});

Deno.test("a slot that is freed and reused in one turn does not run its new entity too early", async () => {
  // Two timers with one deadline, of which one cancels the other and starts a new one; stats() makes the change at once.
  for (let seed = 0; seed < 30; seed++) {
    const clock = new VirtualClock();
    const scheduler = new Scheduler({ clock, shuffle: seed });
    const { withTimeout } = await import("@asyncoro/asyncoro");
    const ends = await Promise.all(Array.from({ length: 8 }, () =>
      scheduler.spawn(function* (coro) {
        try {
          yield* withTimeout(1, coro.sleep(1));
        } catch {
          // Either timer may fire first.
        }
        scheduler.stats();
        try {
          yield* withTimeout(10, coro.sleep());
        } catch {
          return clock.now();
        }
      }).value()));
    assertEquals(ends, new Array(8).fill(11), `seed ${seed}`);
    await scheduler.terminate();
  }
});

Deno.test("a seed that is not a number is refused", () => {
  for (const seed of [NaN, "1", {}, null, 1n]) {
    assertThrows(
      () => new Scheduler({ shuffle: seed as number }),
      TypeError,
      "Cannot shuffle as 'shuffle' must be a number: ",
    );
  }
});

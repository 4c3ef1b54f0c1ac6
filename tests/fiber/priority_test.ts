/**
 * Priorities: first come, first served within a level, and no coroutine is starved.
 */
import { type Coro, race, sleep } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { inLab, settle } from "../helpers/lab.ts";

Deno.test("within a level coroutines run first come, first served", () =>
  inLab(async ({ scheduler, log }) => {
    for (const name of ["a", "b", "c"]) {
      scheduler.spawn(function* () {
        for (let i = 0; i < 3; i++) {
          log.push(name + i);
          yield;
        }
      });
    }
    scheduler.spawn(function* () {
      log.push("d0");
      scheduler.spawn(function* () {
        log.push("e0");
        yield "value";
        log.push("e1");
      });
      yield;
      log.push("d1");
    });
    await scheduler.join();
    assertEquals(log, ["a0", "b0", "c0", "d0", "a1", "b1", "c1", "e0", "d1", "a2", "b2", "c2", "e1"]);
  }));

Deno.test("coroutines that are woken queue behind those that are ready, in the order of their wake-ups", () =>
  inLab(async ({ scheduler, log }) => {
    const sleepers = ["x", "y", "z"].map((name) =>
      scheduler.spawn(function* (coro) {
        yield* coro.sleep();
        log.push(name);
      })
    );
    scheduler.spawn(function* () {
      yield;
      log.push("waker");
      for (const sleeper of sleepers.toReversed()) sleeper.resume();
      yield;
      log.push("waker again");
    });
    scheduler.spawn(function* () {
      yield;
      log.push("other");
      yield;
      log.push("other again");
    });
    await scheduler.join();
    assertEquals(log, ["waker", "other", "z", "y", "x", "waker again", "other again"]);
  }));

Deno.test("a lower number runs first, strictly", () =>
  inLab(async ({ scheduler, log }) => {
    for (const priority of [7, 3, 5, 0, 4, 6, 1, 2]) {
      scheduler.spawnWith({ priority }, function* () {
        log.push(`${priority}a`);
        yield;
        log.push(`${priority}b`);
      });
    }
    await scheduler.join();
    assertEquals(log, [0, 1, 2, 3, 4, 5, 6, 7].flatMap((priority) => [`${priority}a`, `${priority}b`]));
  }));

Deno.test("the default is 4, the range 0 to 7, anything else a RangeError that changes nothing", () =>
  inLab(async ({ scheduler }) => {
    const coro = scheduler.spawn(function* () {});
    assertEquals(coro.priority, 4);
    const wrong: [unknown, string][] = [
      [-1, "-1"],
      [8, "8"],
      [1.5, "1.5"],
      [NaN, "NaN"],
      ["3", '"3"'],
      [null, "null"],
      [2n, "2n"],
    ];
    for (const [priority, words] of wrong) {
      const message = "Cannot set the priority as 'priority' must be an integer from 0 to 7: " +
        `current value is ${words}`;
      assertThrows(() => coro.priority = priority as number, RangeError, message);
      assertThrows(() => scheduler.spawnWith({ priority: priority as number }, function* () {}), RangeError, message);
    }
    assertEquals([coro.priority, scheduler.stats().live], [4, 1]);
    for (const priority of [0, 7]) {
      coro.priority = priority;
      assertEquals(coro.priority, priority);
    }
    await scheduler.join();
    coro.priority = 3;
    assertEquals(coro.priority, 3);
  }));

Deno.test("a change takes effect at once, for ready coroutines too", () =>
  inLab(async ({ scheduler, log }) => {
    const make = (name: string) =>
      scheduler.spawn(function* () {
        for (let i = 0; i < 2; i++) {
          log.push(name + i);
          yield;
        }
      });
    let c: Coro | null = null;
    let b: Coro | null = null;
    scheduler.spawn(function* () {
      c!.priority = 0;
      b!.priority = 6;
      log.push("changed");
      yield;
      log.push("changer");
    });
    b = make("b");
    make("x");
    c = make("c");
    await scheduler.join();
    assertEquals(log, ["changed", "c0", "c1", "x0", "changer", "x1", "b0", "b1"]);
  }));

Deno.test("a ready coroutine whose priority changes queues behind all that are ready at the new one", () =>
  inLab(async ({ scheduler, log }) => {
    await scheduler.spawn(function* (coro) {
      // Long enough for the intervals of the run loop to have adapted.
      for (let i = 0; i < 5_000; i++) yield;
      const say = (name: string, priority: number) =>
        scheduler.spawnWith({ priority }, function* () {
          log.push(name);
        }) as Coro;
      const others = ["y1", "y2", "y3"].map((name) => say(name, 5));
      const [x, z] = [say("x", 4), say("z", 4)];
      x.priority = 5;
      z.priority = 5;
      z.priority = 4;
      const w = say("w", 4);
      assertEquals(scheduler.stats().ready, 6);
      for (const each of [...others, x, z, w]) yield* each.finish();
      coro.priority = 3;
    }).value();
    assertEquals(log, ["z", "w", "y1", "y2", "y3", "x"]);
  }));

Deno.test("a lower level that becomes ready while another runs alone waits no longer than any lower level", () =>
  inLab(async ({ scheduler }) => {
    const waits: number[] = [];
    let steps = 0;
    scheduler.spawn(function* () {
      while (steps < 4_000) yield;
    });
    await scheduler.spawn(function* () {
      for (; steps < 4_000; steps++) {
        if (steps > 1_000 && steps % 147 === 0) {
          const came = steps;
          scheduler.spawnWith({ priority: 5 + steps % 3 }, function* () {
            waits.push(steps - came);
          });
        }
        yield;
      }
    }).value();
    assertEquals(waits.length, 21);
    assert(waits.every((wait) => wait <= 62), `${waits} steps`);
  }));

Deno.test("two coroutines that wake each other in turn, at two levels, do not starve the others", () =>
  inLab(async ({ scheduler }) => {
    const counts = [0, 0, 0, 0];
    const swap = function* (coro: Coro, index: number): Generator<unknown, void, unknown> {
      for (let partner = yield* coro.receive<Coro>(); counts[3] < 20; partner = yield* coro.receive<Coro>()) {
        counts[index]++;
        partner.send(coro);
        // Sometimes both are ready at once.
        if (counts[index] % 3 === 0) yield;
      }
    };
    const [high, low] = [2, 5].map((priority, index) => scheduler.spawnWith({ priority }, swap, index) as Coro);
    high.send(low);
    for (const [index, priority] of [[2, 5], [3, 7]]) {
      scheduler.spawnWith({ priority }, function* () {
        while (counts[3] < 20) {
          counts[index]++;
          yield;
        }
      });
    }
    scheduler.spawnWith({ daemon: true, priority: 0 }, function* (coro) {
      while (counts[3] < 20) yield* coro.sleep(1);
      high.terminate();
      low.terminate();
    });
    await scheduler.join();
    assertEquals(counts[3], 20);
    assert(counts[1] > 20 && counts[2] > 20, `${counts}`);
  }));

Deno.test("the running coroutine may change its own priority, from the next turn on", () =>
  inLab(async ({ scheduler, log }) => {
    scheduler.spawn(function* (coro) {
      coro.priority = 7;
      log.push("a0");
      yield;
      log.push("a1");
      coro.priority = 0;
      yield;
      log.push("a2");
      yield;
      log.push("a3");
    });
    scheduler.spawn(function* () {
      for (let i = 0; i < 3; i++) {
        log.push(`b${i}`);
        yield;
      }
    });
    await scheduler.join();
    assertEquals(log, ["a0", "b0", "b1", "b2", "a1", "a2", "a3"]);
    log.length = 0;
    for (const name of ["c", "d", "e"]) {
      scheduler.spawn(function* (coro) {
        if (name === "d") coro.priority = 2;
        for (let i = 0; i < 3; i++) {
          log.push(name + i);
          yield;
        }
      });
    }
    await scheduler.join();
    assertEquals(log, ["c0", "d0", "d1", "d2", "e0", "c1", "e1", "c2", "e2"]);
  }));

Deno.test("a change also applies to a coroutine that waits, when it is woken", () =>
  inLab(async ({ scheduler, log }) => {
    const waiting = ["p", "q"].map((name) =>
      scheduler.spawn(function* (coro) {
        yield* coro.receive();
        log.push(name);
      })
    );
    await settle();
    waiting[1].priority = 1;
    for (const coro of waiting) coro.send("go");
    await scheduler.join();
    assertEquals(log, ["q", "p"]);
  }));

Deno.test("a change applies to the branches of a race, too", () =>
  inLab(async ({ scheduler, log }) => {
    const waiting = ["p", "q"].map((name) =>
      scheduler.spawn(function* (coro) {
        yield* race(
          (function* () {
            yield* coro.receive();
            log.push(name);
          })(),
          coro.sleep(),
        );
      })
    );
    await settle();
    waiting[1].priority = 1;
    for (const coro of waiting) coro.send("go");
    await scheduler.join();
    assertEquals(log, ["q", "p"]);
  }));

Deno.test("a more urgent coroutine that becomes ready runs before the rest of the level that is served", () =>
  inLab(async ({ scheduler, log }) => {
    const urgent = scheduler.spawnWith({ priority: 1 }, function* (coro) {
      yield* coro.sleep();
      log.push("urgent");
    });
    scheduler.spawn(function* () {
      yield;
      log.push("a");
      urgent.resume();
    });
    for (const name of ["b", "c"]) {
      scheduler.spawn(function* () {
        yield;
        log.push(name);
      });
    }
    await scheduler.join();
    assertEquals(log, ["a", "urgent", "b", "c"]);
  }));

Deno.test("a lower level is not starved by coroutines that never wait", () =>
  inLab(async ({ scheduler }) => {
    let stop = 0;
    const counts = new Array(8).fill(0);
    for (const priority of [0, 0, 3]) {
      scheduler.spawnWith({ priority }, function* () {
        while (stop < 3) {
          counts[priority]++;
          yield;
        }
      });
    }
    for (const priority of [4, 6, 7]) {
      scheduler.spawnWith({ priority }, function* () {
        for (let i = 0; i < 20; i++) {
          counts[priority]++;
          yield;
        }
        stop++;
      });
    }
    await scheduler.join();
    assertEquals([counts[4], counts[6], counts[7]], [20, 20, 20]);
    assert(counts[0] > 20 * counts[7], `${counts}`);
  }));

Deno.test("timers of equal deadlines fire in the order in which they were set, others by deadline", () =>
  inLab(async ({ scheduler, log, clock }) => {
    for (const [name, seconds] of [["a", 2], ["b", 1], ["c", 2], ["d", 0.5], ["e", 1], ["f", 2]] as const) {
      scheduler.spawn(function* (coro) {
        if (name === "c") yield* coro.receive(seconds);
        else if (name === "e") yield* sleep(seconds);
        else yield* coro.sleep(seconds);
        log.push(`${name} ${clock.now()}`);
      });
    }
    await scheduler.join();
    assertEquals(log, ["d 0.5", "b 1", "e 1", "a 2", "c 2", "f 2"]);
  }));

/** Killing a scheduler: it ends at once, without cleanup, and leaves nothing in what it waited for. */
import { call, type Coro, Event, Lock, type Operation, race, Scheduler, scope, sleep, until } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { killLoop } from "../../core/coroutine/kill.ts";
import { Timer } from "../../core/fiber/timer.ts";
import { settle } from "../helpers/lab.ts";

const REASON = new Error("killed");

type Wait = Operation<unknown> | Generator<unknown, unknown, unknown>;

/** Waits, and notes if it goes on or is unwound. */
function* noted(log: string[], wait: Wait): Generator<unknown, void, unknown> {
  try {
    yield* wait as Operation<unknown>;
    log.push("went on");
  } finally {
    log.push("finally");
  }
}

Deno.test("killing a scheduler ends its coroutines, whatever they wait for, without finally and atexit", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock(0, { autoAdvance: false }) });
  const other = new Scheduler({ clock: new VirtualClock(0, { autoAdvance: false }) });
  const reported: unknown[] = [];
  for (const each of [scheduler, other]) each.onError = (error) => reported.push(error);
  const log: string[] = [];
  scheduler.atexit(() => log.push("exit"));
  const [lock, event, never] = [new Lock(), new Event(), new Promise(() => {})];
  const holder = other.spawn(function* () {
    yield* lock.acquire();
    yield* sleep(1);
    lock.release();
  });
  await settle();
  const waits: ((coro: Coro) => Wait)[] = [
    (coro) => coro.receive(),
    () => sleep(1),
    () => lock.acquire(),
    () => event.wait(),
    () => until(never),
    () => holder.finish(),
    (coro) => race(noted(log, sleep(1)), coro.receive(), until(never)),
    (coro) => race(coro.receive(), event.wait(), until(never)),
    () => call(noted(log, sleep(1))),
    (coro) => coro.receive(new AbortController().signal),
    () =>
      scope(function* (scope) {
        scope.spawn(function* () {
          yield* noted(log, sleep(1));
        });
      }),
  ];
  const coros = waits.map((wait) =>
    scheduler.spawn(function* (coro) {
      yield* noted(log, wait(coro));
    })
  );
  coros.push(scheduler.spawnWith({ daemon: true }, function* (coro) {
    yield* noted(log, coro.receive());
  }));
  new Timer(scheduler.loop, 4, 1, () => log.push("timer"));
  const promises = [scheduler.join(), ...coros.map((coro) => coro.value())];
  await settle();
  const { kernel } = scheduler.loop;
  killLoop(scheduler.loop, REASON);
  killLoop(scheduler.loop, new Error("again"));
  for (const promise of promises) assertStrictEquals(await promise.catch((error) => error), REASON);
  await settle();
  assertEquals([coros.filter((coro) => coro.isAlive()), log, reported], [[], [], []]);
  const { live, daemons, timers, ready, hostOperations } = scheduler.stats();
  assertEquals([live, daemons, timers, ready, hostOperations], [0, 0, 0, 0, 0]);
  assertThrows(() => scheduler.spawn(function* () {}), Error, "has been terminated");
  await assertRejects(() => scheduler.join(), Error, "killed");
  // Its kernel, of which no slot is in use, serves the next scheduler.
  assertStrictEquals(new Scheduler().loop.kernel, kernel);
  // What it waited for is not kept for it: the lock goes to the next one.
  const next = other.spawn(function* () {
    return yield* lock.acquire();
  });
  (other.loop.clock as VirtualClock).autoAdvance = true;
  await (other.loop.clock as VirtualClock).advance(1);
  assertEquals(await next.value(), true);
  await other.terminate();
});

Deno.test("a killed scheduler reports the failures that came before, and tells monitors elsewhere", async () => {
  const clock = new VirtualClock(0, { autoAdvance: false });
  const [scheduler, other] = [new Scheduler({ clock }), new Scheduler({ clock })];
  const reported: unknown[] = [];
  scheduler.onError = (error) => reported.push(`${error}`);
  const sleeper = scheduler.spawn(function* () {
    yield* sleep(100);
  });
  const monitor = other.spawn(function* (coro) {
    yield* coro.monitor(sleeper);
    return yield* coro.receive();
  });
  scheduler.spawn(function* () {
    throw new Error("before");
  });
  await settle();
  killLoop(scheduler.loop, REASON);
  const message = await monitor.value();
  assert(`${message}`.includes("it failed with Error: killed"));
  assertEquals(reported, ["Error: before"]);
  await other.terminate();
});

Deno.test("a scheduler that is being terminated can be killed, and one that has ended is left as it is", async () => {
  const clock = new VirtualClock(0, { autoAdvance: false });
  const scheduler = new Scheduler({ clock });
  const log: string[] = [];
  scheduler.spawn(function* () {
    try {
      yield* sleep(1);
    } finally {
      yield* sleep(1);
      log.push("cleaned");
    }
  });
  await settle();
  const terminated = scheduler.terminate();
  await settle();
  killLoop(scheduler.loop, REASON);
  await terminated;
  await scheduler.terminate();
  killLoop(scheduler.loop, REASON);
  assertEquals([log, scheduler.stats().live], [[], 0]);
});

Deno.test("what is called while a scheduler is killed can create no coroutines in it", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const coro = scheduler.spawn(function* (coro) {
    yield* coro.receive();
  });
  const errors: string[] = [];
  coro.signal.addEventListener("abort", () => {
    try {
      scheduler.spawn(function* () {});
    } catch (error) {
      errors.push(`${error}`);
    }
  });
  await settle();
  killLoop(scheduler.loop, REASON);
  assertEquals(errors.length, 1);
  assertEquals(scheduler.stats().live, 0);
});

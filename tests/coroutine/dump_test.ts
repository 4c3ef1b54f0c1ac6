/**
 * `dump()`: the coroutines, their states and what they wait for.
 */
import { all, call, race, Scheduler, sleep, until, withTimeout } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { settle } from "../helpers/lab.ts";

Deno.test("dump lists every coroutine, and has no side effects", async () => {
  const clock = new VirtualClock(0, { autoAdvance: false });
  const scheduler = new Scheduler({ clock });
  const receiver = scheduler.spawnWith({ name: "receiver", priority: 2 }, function* (coro) {
    yield* coro.sleep(1);
    return yield* coro.receive(10);
  });
  const others = [
    scheduler.spawnWith({ name: "sleeper", daemon: true }, function* (coro) {
      yield* coro.sleep();
    }),
    scheduler.spawnWith({ name: "waiter" }, function* () {
      yield* receiver.finish();
    }),
    scheduler.spawnWith({ name: "awaiter" }, function* () {
      yield* until(new Promise(() => {}));
    }),
    scheduler.spawnWith({ name: "deep" }, function* () {
      yield* call((function* () {
        yield (function* () {
          yield* sleep(7);
        })();
      })());
    }),
    scheduler.spawnWith({ name: "racer" }, function* (coro) {
      yield* race(coro.receive(), receiver, sleep(30));
    }),
    scheduler.spawnWith({ name: "gatherer" }, function* (coro) {
      yield* all(coro.receive(), withTimeout(5, coro.receive()));
    }),
  ];
  await settle();
  others[0].send("one");
  others[0].send("two");
  await clock.advance(2);
  const ready = scheduler.spawnWith({ name: "ready" }, function* dumper(coro) {
    const own = scheduler.dump().find(({ id }) => id === coro.id)!;
    return [own.state, own.operation];
  });
  const list = scheduler.dump();
  assertEquals(list.map(({ name }) => name), [
    "receiver",
    "sleeper",
    "waiter",
    "awaiter",
    "deep",
    "racer",
    "gatherer",
    "ready",
  ]);
  const facts = list.map(({ state, operation, depth, messages }) => [state, operation, depth, messages]);
  assertEquals(facts, [
    ["waiting", "receive", 0, 0],
    ["waiting", "sleep", 0, 2],
    ["waiting", "finish", 0, 0],
    ["waiting", "until", 0, 0],
    ["waiting", "sleep", 2, 0],
    ["waiting", "race", 0, 0],
    ["waiting", "all", 0, 0],
    ["ready", null, 0, 0],
  ]);
  const [first, second, third] = list;
  assertEquals([first.priority, first.daemon, first.deadline, first.age], [2, false, 9, 2]);
  assertEquals([second.daemon, second.deadline], [true, null]);
  assertEquals(third.waitsFor, `the end of ${receiver}`);
  assertEquals(list[4].deadline, 5);
  assert(list[5].waitsFor!.includes("a message") && list[5].waitsFor!.includes(`the end of ${receiver}`));
  assertEquals(scheduler.dump({ limit: 2 }).length, 2);
  const before = JSON.stringify(scheduler.dump());
  for (let i = 0; i < 10; i++) assertEquals(JSON.stringify(scheduler.dump()), before);
  const result = ready.value();
  await settle();
  assertEquals(await result, ["running", null]);
  receiver.send("message");
  await settle();
  assertEquals(await receiver.value(), "message");
  await scheduler.terminate();
  assertEquals(scheduler.dump(), []);
});

Deno.test("with debug, dump shows where a coroutine was created", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock(), debug: true });
  scheduler.spawn(function* (coro) {
    yield* coro.sleep(1);
  });
  const [info] = scheduler.dump();
  assertMatch(String(info.spawnSite), /dump_test\.[jt]s:\d+/);
  await scheduler.join();
  await scheduler.terminate();
  const plain = new Scheduler({ clock: new VirtualClock() });
  plain.spawn(function* () {});
  assertEquals(plain.dump()[0].spawnSite, null);
  await plain.join();
  await plain.terminate();
});

Deno.test("with debug, an operation that is never yielded is reported", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock(), debug: true });
  const reported: string[] = [];
  scheduler.onError = (error) => reported.push((error as Error).message);
  await scheduler.spawn(function* (coro) {
    coro.sleep(1);
    yield* coro.sleep(1);
  }).value();
  await scheduler.terminate();
  assertEquals(reported.length, 1);
  assert(reported[0].includes("sleep"), reported[0]);
});

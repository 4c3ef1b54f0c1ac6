/** Threads as peers. */
import { Coro, MonitorException, Scheduler, sleep, withTimeout } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions, PeerLostError, type PeerStatus, RCI } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertLess, assertThrows } from "@std/assert";
import { SECRET, type Steps, thrownBy } from "./machines.ts";

const module = (name: string) => new URL(`./modules/${name}.ts`, import.meta.url);

/** Runs a program that has joined. */
async function joined(
  program: (coro: Coro, network: Network, reported: unknown[]) => Steps,
  options: NetworkOptions = {},
): Promise<void> {
  const scheduler = new Scheduler();
  const reported: unknown[] = [];
  scheduler.onError = (error) => reported.push(error);
  try {
    await scheduler.spawn(function* (coro) {
      const network = yield* Network.join({ secret: SECRET, heartbeat: 0.3, peerTimeout: 1.5, ...options });
      yield* program(coro, network, reported);
      yield* network.leave();
    }).value(60);
  } finally {
    await scheduler.terminate();
  }
}

Deno.test("threads are peers: located, run, sent to, and they reach each other", async () => {
  await joined(function* (coro, network) {
    const locations = yield* network.startThreads(module("echo"), 2);
    assertEquals(locations.length, 2);
    assertEquals(network.peers().map(String).sort(), locations.map(String).sort());
    for (const location of locations) {
      const echo = (yield* Coro.locate(`echo of ${location.name}`, 5))!;
      assert(echo.location!.equals(location));
      for (let i = 0; i < 1000; i++) echo.send([coro, i]);
      for (let i = 0; i < 1000; i++) assertEquals(yield* coro.receive(10), i);
      const rci = (yield* RCI.locate<() => Steps<string>>("whoAmI", 5, location))!;
      assertEquals(yield* rci.call(), location.name);
    }
    // A handle of one thread, used by the other.
    const [first, second] = yield* echoes(locations);
    first.send([second, [coro, "through both"]]);
    assertEquals(yield* coro.receive(10), "through both");
    assertEquals(network.stats().pending, 0);
  });
});

function* echoes(locations: readonly { name: string }[]): Steps<Coro[]> {
  const found: Coro[] = [];
  for (const { name } of locations) found.push((yield* Coro.locate(`echo of ${name}`, 5))!);
  return found;
}

Deno.test("startThreads returns when the top level is done, and `secret: null` will do", async () => {
  await joined(function* (_coro, network) {
    const [location] = yield* network.startThreads(module("late"), 1);
    assert((yield* Coro.locate("late", 5, location)) !== null);
  }, { secret: null });
});

Deno.test("what the top level throws is thrown by startThreads, and no thread stays", async () => {
  await joined(function* (_coro, network, reported) {
    const error = yield* thrownBy(RangeError, network.startThreads(module("throws"), 2));
    assertEquals(error.message, "the top level of the module has thrown");
    yield* sleep(0.3);
    assertEquals(network.peers(), []);
    assertEquals(reported, []);
    // Others can be started.
    assertEquals((yield* network.startThreads(module("late"), 1)).length, 1);
  });
});

Deno.test("a module that is not there is an error that names it", async () => {
  await joined(function* (_coro, network) {
    const error = yield* thrownBy(Error, network.startThreads(module("nothing"), 1));
    assert(error.message.includes("nothing.ts"), error.message);
    assertEquals(network.peers(), []);
  });
});

Deno.test("a top level that never ends can be given up, and the thread ends", async () => {
  await joined(function* (_coro, network, reported) {
    yield* thrownBy(Error, withTimeout(1, network.startThreads(module("endless"), 1)));
    yield* sleep(2);
    assertEquals(network.peers(), []);
    assertEquals(reported, []);
  });
});

Deno.test("a busy thread stalls no other, and is not lost", async () => {
  await joined(function* (coro, network) {
    const locations = yield* network.startThreads(module("echo"), 2);
    const rci = (yield* RCI.locate<(coro: Coro, seconds: number) => Steps<number>>("compute", 5, locations[0]))!;
    network.peerStatus(coro);
    for (let i = 0; i < 2; i++) yield* coro.receive(1);
    const computing = yield* rci.run(3);
    const [echo] = yield* echoes([locations[1]]);
    const start = performance.now();
    for (let i = 0; i < 100; i++) {
      echo.send([coro, i]);
      assertEquals(yield* coro.receive(5), i);
    }
    assertLess(performance.now() - start, 2900);
    assert((yield* computing.finish(20)) > 0);
    assertEquals(yield* coro.receive(0), undefined);
    assertEquals(network.peers().length, 2);
  }, { heartbeat: 2, peerTimeout: 10 });
});

for (const how of ["throw", "close"]) {
  Deno.test(`a thread that crashes (${how}) is lost: monitors, finish and status are told, the process lives`, async () => {
    await joined(function* (coro, network) {
      const [location, other] = yield* network.startThreads(module("echo"), 2);
      const rci = (yield* RCI.locate<(coro: Coro, how: string) => Steps>("compromise", 5, location))!;
      const [echo] = yield* echoes([location]);
      network.peerStatus(coro);
      for (let i = 0; i < 2; i++) yield* coro.receive(1);
      const monitor = new Coro(function* (self) {
        yield* self.monitor(echo);
        return yield* self.receive<MonitorException>(20);
      });
      yield* sleep(0.1);
      const running = yield* rci.run(how);
      assertEquals((yield* thrownBy(PeerLostError, running.finish(20))).reason, "lost");
      const notice = yield* monitor.finish();
      assertInstanceOf(notice, MonitorException);
      assertEquals(notice!.outcome.kind, "lost");
      const status = (yield* coro.receive<PeerStatus>(5))!;
      assertEquals([status.location.id, status.online, status.reason], [location.id, false, "lost"]);
      assertEquals(network.peers().map(String), [String(other)]);
      assertEquals(echo.send([coro, 1]), false);
      assertEquals(yield* echo.deliver([coro, 1], 5), -1);
      assertEquals(network.stats().pending, 0);
    });
  });
}

Deno.test("threads end when the network is left, and startThreads refuses nonsense", async () => {
  await joined(function* (_coro, network) {
    assertThrows(() => network.startThreads("echo.ts" as unknown as URL), TypeError);
    assertThrows(() => network.startThreads(module("echo"), 0), RangeError);
    assertThrows(() => network.startThreads(module("echo"), 1.5), RangeError);
    assertThrows(() => network.startThreads(module("echo"), "2" as unknown as number), TypeError);
    yield* network.startThreads(module("echo"), 1);
    yield* network.leave();
    assertThrows(() => network.startThreads(module("echo"), 1), Error);
  });
});

/** Threads of this process as peers. */
import { Coro, type MonitorException, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { PeerLostError } from "../../../core/distributed/errors.ts";
import type { Location } from "../../../core/distributed/location.ts";
import { PeerStatus } from "../../../core/distributed/peer_status.ts";
import { joined, moduleWith, servers } from "./joined.ts";

Deno.test("threads are peers, named and told of, when startThreads() returns", () =>
  joined(function* ({ coro, network }) {
    network.peerStatus(coro);
    const url = new URL("./empty.ts", import.meta.url);
    const threads = yield* network.startThreads(url, 2);
    assertEquals(threads.map(({ name }) => name), ["thread-1", "thread-2"]);
    assertEquals(threads.map(({ address }) => address), [1, 2].map((n) => `thread:${network.location.id}/${n}`));
    assertEquals(new Set(network.peers()), new Set(threads));
    const seen = [yield* coro.receive<PeerStatus>(), yield* coro.receive<PeerStatus>()];
    assertEquals(new Set(seen.map(({ location }) => location)), new Set(threads));
    assertEquals(seen.map(({ reason }) => reason), ["joined", "joined"]);
    const [third] = yield* network.startThreads(url, 1);
    assertEquals([third.name, network.peers().length], ["thread-3", 3]);
  }));

Deno.test("there are as many threads as cores by default", () =>
  joined(function* ({ network }) {
    const threads = yield* network.startThreads(new URL("./empty.ts", import.meta.url));
    assertEquals(threads.length, navigator.hardwareConcurrency);
  }));

Deno.test("the module is imported once its scheduler has joined and is connected, and its top level may wait", () =>
  joined(function* ({ coro, network }) {
    yield* network.startThreads(moduleWith("./top_level.ts", network, coro), 1);
    assertEquals(yield* coro.receive(), ["thread-1", ["main"], true]);
    // Sent after a wait of the top level, for whose end startThreads() waits.
    assertEquals(yield* coro.receive(0), "done");
  }));

Deno.test("messages go to threads and come from them, in order", () =>
  joined(function* (here) {
    const [server] = yield* servers(here, 1);
    assertInstanceOf(server, Coro);
    assertEquals(yield* server.ask({ do: "name" }), "thread-1");
    const collector = new Coro(function* (coro: Coro) {
      for (let next = 1;; next++) {
        const message = yield* coro.receive();
        if (message !== next) return [next, message];
      }
    });
    assertEquals(yield* server.ask({ do: "send", to: collector, count: 10_000 }), 1);
    assertEquals(yield* collector.finish(), [10_001, "thread-1"]);
  }));

Deno.test("a handle to a coroutine of another thread connects the two threads", () =>
  joined(function* (here) {
    const [one, other] = yield* servers(here, 2);
    assertEquals(yield* one.ask({ do: "peers" }), ["main"]);
    const collector = new Coro(function* (coro: Coro) {
      yield* coro.receive();
    });
    // Through `one`, to `other`, and back here.
    assertEquals(yield* one.ask({ do: "send", to: other, count: 0 }), 1);
    assertEquals(new Set(yield* one.ask<string[]>({ do: "peers" })), new Set(["main", "thread-2"]));
    assertEquals(yield* other.ask({ do: "send", to: collector, count: 0 }), 1);
    assertEquals(new Set(yield* other.ask<string[]>({ do: "peers" })), new Set(["main", "thread-1"]));
  }));

// --- ends -----------------------------------------------------------------------------------------------------

/** Waits for an operation that fails. */
function* failure(operation: Iterable<unknown, unknown, unknown>): Generator<unknown, Error, unknown> {
  try {
    yield* operation;
  } catch (error) {
    assertInstanceOf(error, Error);
    return error as Error;
  }
  throw new Error("Expected an error");
}

/** Waits for an operation that fails as a peer is lost. */
function* loss(operation: Iterable<unknown, unknown, unknown>): Generator<unknown, PeerLostError, unknown> {
  const error = yield* failure(operation);
  assertInstanceOf(error, PeerLostError);
  return error as PeerLostError;
}

/** Receives statuses of peers until one says so of this one. */
function* toldOf(coro: Coro, location: Location, reason: string): Generator<unknown, void, unknown> {
  for (;;) {
    const message = yield* coro.receive(20);
    assert(message !== null, `${location} was not told to be ${reason}`);
    if (message instanceof PeerStatus && message.location === location && message.reason === reason) return;
  }
}

Deno.test("a busy thread delays no other", () =>
  joined(function* (here) {
    const [busy, other] = yield* servers(here, 2);
    const spinning = new Coro(function* () {
      return yield* busy.ask({ do: "spin", seconds: 1.5 });
    });
    let asked = 0;
    while (spinning.isAlive()) {
      assertEquals(yield* other.ask({ do: "name" }), "thread-2");
      asked++;
    }
    assertEquals(yield* spinning.finish(), "done");
    assert(asked > 20, `the other was asked ${asked} times`);
    assertEquals(here.network.peers().length, 2);
  }));

Deno.test("a thread that is busy for longer than peerTimeout is lost, and back when it is dialled", () =>
  joined(function* ({ coro, ...here }) {
    const [busy] = yield* servers({ coro, ...here }, 1);
    const location = busy.location as Location;
    here.network.peerStatus(coro);
    const error = yield* loss(busy.ask({ do: "spin", seconds: 2 }));
    yield* toldOf(coro, location, "lost");
    assertEquals(yield* here.network.peer(location, 20), location);
    yield* toldOf(coro, location, "joined");
    assertEquals(yield* busy.ask({ do: "name" }), "thread-1");
  }, { heartbeat: 0.1, peerTimeout: 0.5 }));

const CRASHES = [
  ["fails", { do: "crash" }, ["Thread thread-1 has ended: TypeError: the thread crashes"]],
  ["exits", { do: "exit", code: 3 }, []],
  ["exits without an error", { do: "exit", code: 0 }, []],
] as const;

for (const [what, request, reports] of CRASHES) {
  Deno.test(`a thread that ${what} is lost at once, and no other`, () =>
    joined(function* (here) {
      const { coro, network, reported } = here;
      const [crashing, other] = yield* servers(here, 2);
      const location = crashing.location!;
      yield* crashing.ask({ do: "send", to: other, count: 1 });
      crashing.notify(coro);
      const error = yield* loss(crashing.ask(request));
      assertEquals([error.location, error.reason], [location, "lost"]);
      const { outcome } = yield* coro.receive<MonitorException>();
      assertEquals(outcome.kind, "lost");
      assertEquals([crashing.send(1), yield* crashing.deliver(1)], [false, -1]);
      while ((yield* other.ask<string[]>({ do: "peers" })).length > 1) yield* sleep(0.01);
      assertEquals(network.peers(), [other.location]);
      assertEquals(reported.map((error) => (error as Error).message), reports);
    }, { peerTimeout: 600 }));
}

Deno.test("a thread that leaves the network has left", () =>
  joined(function* (here) {
    const { coro, network } = here;
    const [server] = yield* servers(here, 1);
    network.peerStatus(coro);
    const error = yield* loss(server.ask({ do: "leave" }));
    assertEquals(error.reason, "left");
    yield* toldOf(coro, server.location as Location, "left");
    const [next] = yield* network.startThreads(new URL("./empty.ts", import.meta.url), 1);
    assertEquals(next.name, "thread-2");
  }));

Deno.test("leave() ends the threads, one that is busy too", () =>
  joined(function* (here) {
    const { coro, network } = here;
    const [busy, other] = yield* servers(here, 2);
    network.peerStatus(coro);
    busy.send("ignored");
    const spinning = new Coro(function* () {
      const error = yield* loss(busy.ask({ do: "spin", seconds: 1000 }));
      assertEquals(error.reason, "left");
    });
    yield* sleep(0.1);
    yield* network.leave(0);
    yield* spinning.finish();
    assertEquals([busy.send(1), other.send(1)], [false, false]);
    assertEquals(network.peers(), []);
  }));

// --- failures -------------------------------------------------------------------------------------------------

Deno.test("startThreads() throws what a top level throws, and ends all that it has started", () =>
  joined(function* ({ coro, network, reported }) {
    const [first] = yield* network.startThreads(new URL("./failing.ts", import.meta.url), 1);
    network.peerStatus(coro);
    const error = yield* failure(network.startThreads(new URL("./failing.ts", import.meta.url), 3));
    assertInstanceOf(error, RangeError);
    assertEquals([error.message, error.cause], ["not here", { here: 2 }]);
    assertEquals(network.peers(), [first]);
    assertEquals(reported, []);
  }));

const FAILURES = [
  ["a module that is not there", "./nowhere.ts", /nowhere/],
  ["a module that is none", "./README.md", /./],
  ["a thread that exits", "./exiting.ts", /^Cannot start thread-1 as it has ended before .*: its exit code is 7$/],
] as const;

for (const [what, module, message] of FAILURES) {
  Deno.test(`startThreads() throws for ${what}`, () =>
    joined(function* ({ network }) {
      const error = yield* failure(network.startThreads(new URL(module, import.meta.url), 1));
      assert(message.test(error.message), error.message);
      assertEquals(network.peers(), []);
    }));
}

for (const module of ["./endless.ts", "./busy.ts"]) {
  Deno.test(`startThreads() can be given up while ${module} never ends, which ends the threads`, () =>
    joined(function* ({ coro, network }) {
      network.peerStatus(coro);
      const start = network.startThreads(new URL(module, import.meta.url), 2);
      const error = yield* failure(withTimeout(1, start));
      assertInstanceOf(error, TimeoutError);
      assertEquals(network.peers(), []);
    }));
}

Deno.test("threads start no threads", () =>
  joined(function* (here) {
    const [server] = yield* servers(here, 1);
    const error = yield* failure(server.ask({ do: "start threads" }));
    assertEquals(
      [error.name, error.message],
      ["UnsupportedError", "Cannot start threads as this peer is a thread: start them where it was started"],
    );
  }));

Deno.test("startThreads() checks its arguments at the call, and the network at both", () =>
  joined(function* ({ network }) {
    const url = new URL("./empty.ts", import.meta.url);
    const start = (module: unknown, n?: unknown) => () => network.startThreads(module as URL, n as number);
    assertThrows(start("./empty.ts"), TypeError, `current value is "./empty.ts"`);
    assertThrows(start(url, "2"), TypeError, "must be a positive integer");
    for (const n of [0, -1, 1.5, NaN, Infinity]) assertThrows(start(url, n), RangeError, "must be a positive integer");
    const late = network.startThreads(url, 1);
    yield* network.leave();
    assertThrows(start(url, 1), Error, "Cannot start threads as the network has been left");
    assertEquals((yield* failure(late)).message, "Cannot start threads as the network has been left: join again");
  }));

/** Threads of this process as peers. */
import { Coro, type MonitorException, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { type Location, PeerLostError, PeerStatus } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { joined, moduleOf, servers } from "./joined.ts";

const EMPTY = moduleOf("./empty.ts");

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

/** Receives until a status of a peer says this. */
function* toldOf(coro: Coro, location: Location, reason: string): Generator<unknown, void, unknown> {
  for (;;) {
    const message = yield* coro.receive(20);
    assert(message !== null, `${location} was not told to be ${reason}`);
    if (message instanceof PeerStatus && message.location === location && message.reason === reason) return;
  }
}

Deno.test("threads are peers when startThreads() returns, as many as cores by default", () =>
  joined(function* ({ coro, network }) {
    network.peerStatus(coro);
    const threads = yield* network.startThreads(EMPTY);
    assertEquals(threads.length, navigator.hardwareConcurrency);
    assertEquals(threads.map(({ name }) => name), threads.map((_, i) => `thread-${i + 1}`));
    assertEquals(
      threads.map(({ address }) => address),
      threads.map((_, i) => `thread:${network.location.id}/${i + 1}`),
    );
    assertEquals(new Set(network.peers()), new Set(threads));
    for (const thread of threads) {
      const { reason, online } = yield* coro.receive<PeerStatus>();
      assertEquals([reason, online], ["joined", true]);
      assertEquals(yield* network.peer(thread), thread);
      assertEquals(yield* network.locate(thread.name), thread);
    }
    const [next] = yield* network.startThreads(EMPTY, 1);
    assertEquals(next.name, `thread-${threads.length + 1}`);
    assertEquals(network.peers().length, threads.length + 1);
  }));

Deno.test("a module is imported once its scheduler has joined and is connected, and its top level may wait", () =>
  joined(function* ({ coro, network }) {
    coro.register("main");
    yield* network.startThreads(moduleOf("./top_level.ts"), 1);
    assertEquals(yield* coro.receive(0), ["thread-1", ["main"], true]);
    assertEquals(yield* coro.receive(0), "done");
  }));

Deno.test("messages go to threads and come from them, and threads connect when they get handles", () =>
  joined(function* ({ network }) {
    const [one, other] = yield* servers(network, 2);
    assertInstanceOf(one, Coro);
    assertEquals([one.location!.name, other.location!.name], ["thread-1", "thread-2"]);
    assertEquals(yield* one.ask({ do: "name" }), "thread-1");

    const collector = new Coro(function* (coro: Coro) {
      for (let next = 1;; next++) {
        const message = yield* coro.receive();
        if (message !== next) return [next, message];
      }
    });
    assertEquals(yield* one.ask({ do: "send", to: collector, count: 10_000 }), 1);
    assertEquals(yield* collector.finish(), [10_001, "thread-1"]);

    assertEquals(yield* one.ask({ do: "peers" }), ["main"]);
    assertEquals(yield* one.ask({ do: "send", to: other, count: 100 }), 1);
    assertEquals(new Set(yield* one.ask<string[]>({ do: "peers" })), new Set(["main", "thread-2"]));
    assertEquals(new Set(yield* other.ask<string[]>({ do: "peers" })), new Set(["main", "thread-1"]));

    const error = yield* failure(other.ask({ do: "start threads" }));
    assertEquals(
      [error.name, error.message],
      ["UnsupportedError", "Cannot start threads as this peer is a thread: start them where it was started"],
    );
  }));

// --- ends -----------------------------------------------------------------------------------------------------

Deno.test("a busy thread delays no other", () =>
  joined(function* ({ network }) {
    const [busy, other] = yield* servers(network, 2);
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
    assertEquals(network.peers().length, 2);
  }));

Deno.test("a thread that is busy for longer than peerTimeout is lost, and back when it is dialed", () =>
  joined(function* ({ coro, network }) {
    const [busy] = yield* servers(network, 1);
    const location = network.peers()[0];
    network.peerStatus(coro);
    const error = yield* loss(busy.ask({ do: "spin", seconds: 4 }));
    assertEquals(error.reason, "lost");
    yield* toldOf(coro, location, "lost");
    assertEquals(yield* network.peer(location, 20), location);
    yield* toldOf(coro, location, "joined");
    assertEquals(yield* busy.ask({ do: "name" }), "thread-1");
  }, { heartbeat: 0.2, peerTimeout: 1.5 }));

Deno.test("a thread that ends by an error or an exit is lost at once, and no other", () =>
  joined(function* ({ coro, network, reported }) {
    const requests = [{ do: "crash" }, { do: "exit", code: 3 }, { do: "exit", code: 0 }];
    const [survivor, ...others] = yield* servers(network, 1 + requests.length);
    for (const [i, other] of others.entries()) {
      // Has both connect.
      yield* survivor.ask({ do: "send", to: other, count: 1 });
      other.notify(coro);
      const error = yield* loss(other.ask(requests[i]));
      assertEquals([error.location, error.reason], [other.location, "lost"]);
      const exception = yield* coro.receive<MonitorException>();
      assertEquals([exception.coro, exception.outcome.kind], [other, "lost"]);
      assertEquals([other.send(1), yield* other.deliver(1)], [false, -1]);
      while ((yield* survivor.ask<string[]>({ do: "peers" })).length > 1) yield* sleep(0.01);
    }
    assertEquals(network.peers().map(String), [String(survivor.location)]);
    assertEquals(reported.map(String), ["Error: Thread thread-2 has ended: TypeError: the thread crashes"]);
  }, { peerTimeout: 600 }));

Deno.test("a thread may leave, and leave() ends all, those that are busy too", () =>
  joined(function* ({ coro, network }) {
    const [leaving, busy] = yield* servers(network, 2);
    network.peerStatus(coro);
    const error = yield* loss(leaving.ask({ do: "leave" }));
    assertEquals(error.reason, "left");
    yield* toldOf(coro, error.location, "left");

    const spinning = new Coro(function* () {
      return yield* loss(busy.ask({ do: "spin", seconds: 1000 }));
    });
    yield* sleep(0.1);
    yield* network.leave(0);
    assertEquals((yield* spinning.finish())!.reason, "left");
    assertEquals(busy.send(1), false);
  }));

// --- failures -------------------------------------------------------------------------------------------------

Deno.test("startThreads() throws what a top level throws, and ends all threads that it has started", () =>
  joined(function* ({ network, reported }) {
    const error = yield* failure(network.startThreads(moduleOf("./failing.ts"), 2));
    assertInstanceOf(error, RangeError);
    assertEquals([error.message, error.cause], ["not here", { here: 2 }]);
    assertEquals([network.peers(), reported], [[], []]);
  }));

Deno.test("startThreads() throws if the module is not there, or ends the thread", () =>
  joined(function* ({ network }) {
    const nowhere = yield* failure(network.startThreads(moduleOf("./nowhere.ts"), 1));
    assert(nowhere.message.includes("nowhere.ts"), nowhere.message);
    const exiting = yield* failure(network.startThreads(moduleOf("./exiting.ts"), 1));
    assertEquals(
      exiting.message,
      "Cannot start thread-2 as it has ended before its module was imported: its exit code is 7",
    );
    assertEquals(network.peers(), []);
  }));

for (const module of ["./endless.ts", "./busy.ts"]) {
  Deno.test(`startThreads() can be given up while ${module} never ends, which ends the threads`, () =>
    joined(function* ({ network }) {
      const error = yield* failure(withTimeout(2, network.startThreads(moduleOf(module), 1)));
      assertInstanceOf(error, TimeoutError);
      assertEquals(network.peers(), []);
    }));
}

Deno.test("startThreads() checks its arguments at the call, and the network at both", () =>
  joined(function* ({ network }) {
    const start = (module: unknown, n?: unknown) => () => network.startThreads(module as URL, n as number);
    assertThrows(start("./empty.ts"), TypeError, `current value is "./empty.ts"`);
    assertThrows(start(EMPTY, "2"), TypeError, "must be a positive integer");
    for (const n of [0, -1, 1.5, NaN, Infinity]) {
      assertThrows(start(EMPTY, n), RangeError, "must be a positive integer");
    }
    const late = network.startThreads(EMPTY, 1);
    yield* network.leave();
    const message = "Cannot start threads as the network has been left: join again";
    assertThrows(start(EMPTY, 1), Error, message);
    assertEquals((yield* failure(late)).message, message);
  }));

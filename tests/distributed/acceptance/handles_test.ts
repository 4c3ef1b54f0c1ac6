/** DISTRIBUTED.md: "Handles", "Names". */
import { Channel, Coro, Lock, race, Scheduler, sleep, supervise, UnsupportedError } from "@asyncoro/asyncoro";
import { Location, Network, PeerLostError, RCI, RemoteCoro } from "@asyncoro/asyncoro/distributed";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { broker, collector, found, type Program, simulate, stays, thrown, World } from "./world.ts";

/** Registers `target` as a daemon under its name, and stays. */
function serving(name: string, target: (coro: Coro) => Generator<unknown, unknown, unknown>): Program {
  return function* (coro, { network }) {
    coro.scheduler.spawnWith({ daemon: true, name }, function* (coro: Coro) {
      coro.register(name);
      return yield* target(coro);
    });
    yield* network.peer("sim:a");
    yield* network.closed();
  };
}

function* echo(coro: Coro): Generator<unknown, void, unknown> {
  while (true) {
    const [from, message] = yield* coro.receive<[Coro, unknown]>();
    from.send(message);
  }
}

Deno.test("a located handle is a Coro with a location, one object for each coroutine", async () => {
  await simulate({
    *a(coro, { network }) {
      const b = yield* network.peer("sim:b");
      const handle = yield* found("server");
      assertInstanceOf(handle, Coro);
      assertInstanceOf(handle, RemoteCoro);
      assert(handle.location instanceof Location && handle.location.equals(b));
      assertEquals(coro.location, null);
      assertStrictEquals(yield* found("server"), handle);
      assertStrictEquals(yield* found("server", b), handle);
      handle.send([coro, { handle, self: coro, list: [handle] }]);
      const back = yield* coro.receive<{ handle: Coro; self: Coro; list: Coro[] }>();
      assertStrictEquals(back.self, coro);
      assertStrictEquals(back.handle, handle);
      assertStrictEquals(back.list[0], handle);
      assertEquals(handle.name, "server");
      assertEquals(handle.isAlive(), true);
      assertMatch(String(handle), /server/);
      assertMatch(Deno.inspect(handle), /server/);
    },
    b: serving("server", echo),
  });
});

Deno.test("at home a handle is the original", async () => {
  await simulate({
    *a(coro) {
      const server = yield* found("server");
      server.send([coro, coro]);
      assertStrictEquals(yield* coro.receive(), coro);
      const own = coro.scheduler.spawnWith({ daemon: true }, function* () {
        yield* sleep(Infinity);
      });
      server.send([coro, new Map([[own, [own]]])]);
      const map = yield* coro.receive<Map<Coro, Coro[]>>();
      assertStrictEquals([...map][0][0], own);
      assertStrictEquals([...map][0][1][0], own);
    },
    *b(coro, here) {
      yield* here.network.peer("sim:a");
      yield* serving("server", echo)(coro, here);
    },
  });
});

Deno.test("location is null on a scheduler that has not joined", async () => {
  const scheduler = new Scheduler();
  try {
    await scheduler.spawn(function* (coro) {
      assertEquals(coro.location, null);
      assertEquals(new Channel("alone").location, null);
      assertEquals(Network.of(scheduler), null);
      assertEquals(yield* Coro.locate("nobody", 0), null);
      coro.register("me");
      assertStrictEquals(yield* Coro.locate("me", 0), coro);
    }).value();
  } finally {
    await scheduler.terminate();
  }
});

Deno.test("what a handle cannot do throws an UnsupportedError", async () => {
  await simulate({
    *a(coro) {
      const handle = yield* found("server");
      for (
        const [what, act] of Object.entries<() => unknown>({
          hotSwap: () => handle.hotSwap(function* () {}),
          hotSwappable: () => handle.hotSwappable(true),
          sleep: () => handle.sleep(1),
          suspend: () => handle.suspend(1),
          receive: () => handle.receive(),
          recv: () => handle.recv(),
          setDaemon: () => handle.setDaemon(),
          name: () => handle.name = "other",
          priority: () => handle.priority = 1,
        })
      ) {
        assertThrows(act, UnsupportedError, undefined, what);
      }
      coro;
    },
    b: serving("server", echo),
  });
});

Deno.test("resume, throw and terminate are requests: true is sent", async () => {
  const log: unknown[] = [];
  await simulate({
    *a(coro, { network }) {
      yield* network.peer("sim:b");
      const rci = (yield* RCI.locate("worker", 5))!;
      const worker = yield* rci.run();
      yield* sleep(0.5);
      assertEquals(worker.resume("hello"), true);
      assertEquals(worker.wakeup("twice"), true);
      yield* sleep(0.5);
      assertEquals(worker.throw(new RangeError("out")), true);
      yield* sleep(0.5);
      assertEquals(worker.terminate(), true);
      yield* worker.finish(5);
      assertEquals(log, ["hello", "out", "finally"]);
      assertEquals(worker.resume(), false);
      assertEquals(worker.throw(new Error("late")), false);
      assertEquals(worker.terminate(), false);
      assertEquals(worker.isAlive(), false);
      assertEquals(worker.send(1), false);
      coro;
    },
    *b(_coro, { network }) {
      new RCI(function* worker(coro: Coro) {
        try {
          log.push(yield* coro.sleep());
          try {
            yield* coro.receive();
          } catch (error) {
            log.push((error as Error).message);
            assertInstanceOf(error, RangeError);
          }
          yield* coro.sleep();
        } finally {
          log.push("finally");
        }
      }).register();
      yield* network.closed();
    },
  });
});

Deno.test("terminate without the right is refused and counted where it is refused", async () => {
  await simulate({
    *a(_coro, { network, world }) {
      const handle = yield* found("server");
      assertEquals(handle.terminate(), true);
      assertEquals(handle.resume(), true);
      assertEquals(handle.throw(new Error("x")), true);
      yield* sleep(2);
      assertEquals(handle.isAlive(), true);
      assertEquals(network.stats().refused, 0);
      assertEquals(world.shared.refused(), 3);
      assertEquals(yield* handle.deliver([_coro, 1]), 1);
      assertEquals(yield* _coro.receive(), 1);
    },
    *b(coro, here) {
      here.world.shared.refused = () => here.network.stats().refused;
      yield* serving("server", echo)(coro, here);
    },
  });
});

Deno.test("control may be allowed", async () => {
  const requests: unknown[] = [];
  await simulate({
    *a() {
      const handle = yield* found("server");
      handle.terminate();
      const { outcome } = yield* ended(handle);
      assertEquals(outcome, { kind: "terminate" });
      assert(requests.includes("control"));
    },
    b: serving("server", echo),
  }, () => ({
    allow({ action }) {
      requests.push(action);
      return true;
    },
  }));
});

function* ended(coro: Coro): Generator<unknown, { outcome: unknown; coro: Coro }, unknown> {
  const me = (yield* self()) as Coro;
  yield* me.monitor(coro);
  return (yield* me.receive(20)) as { outcome: unknown; coro: Coro };
}

function* self(): Generator<unknown, Coro, unknown> {
  return Scheduler.curCoro()!;
}

Deno.test("a third peer's handle connects on first use", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(coro, { network }) {
      yield* network.peer("sim:b");
      const broker = yield* found("broker");
      broker.send(coro);
      const handle = yield* coro.receive<Coro>();
      assertEquals(network.peers().map(({ name }) => name), ["b"]);
      assertEquals(handle.location?.name, "c");
      assertEquals(handle.location?.address, "sim:c");
      assertEquals(yield* handle.deliver("hello"), 1);
      assertEquals(network.peers().map(({ name }) => name).sort(), ["b", "c"]);
      assertEquals(got, ["hello"]);
      assertStrictEquals(yield* found("far"), handle);
    },
    b: broker,
    *c(coro, here) {
      yield* here.network.peer("sim:b");
      yield* collector("far", got)(coro, here);
    },
  });
});

for (const use of ["send", "monitor", "finish", "resume"] as const) {
  Deno.test(`a third peer's handle connects on ${use}, too`, async () => {
    const got: unknown[] = [];
    await simulate({
      *a(coro, { network, world }) {
        yield* network.peer("sim:b");
        (yield* found("broker")).send(coro);
        const handle = yield* coro.receive<Coro>();
        if (use === "send") {
          assertEquals(handle.send("x"), true);
          yield* sleep(1);
          assertEquals(got, ["x"]);
        } else if (use === "monitor") {
          assertEquals(yield* coro.monitor(handle), true);
          world.shared.end();
          assertEquals((yield* coro.receive<{ outcome: unknown }>()).outcome, { kind: "terminate" });
        } else if (use === "finish") {
          coro.scheduler.spawn(function* () {
            yield* sleep(1);
            world.shared.end();
          });
          yield* handle.finish(10);
        } else {
          assertEquals(handle.resume(), true);
          yield* sleep(1);
        }
        assertEquals(network.peers().map(({ name }) => name).sort(), ["b", "c"]);
      },
      b: broker,
      *c(coro, { network, world }) {
        yield* network.peer("sim:b");
        const far = coro.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
          coro.register("far");
          while (true) got.push(yield* coro.receive());
        });
        world.shared.end = () => far.terminate();
        yield* network.closed();
      },
    });
  });
}

Deno.test("a third peer that cannot be reached is lost after ten seconds", async () => {
  await simulate({
    *a(coro, { network, world }) {
      yield* network.peer("sim:b");
      const broker = yield* found("broker");
      broker.send(coro);
      const handle = yield* coro.receive<Coro>();
      world.net.crash("c");
      assertEquals(handle.isAlive(), true);
      assertEquals(handle.send("in vain"), true);
      const before = coro.scheduler.now();
      assertEquals(yield* handle.deliver("in vain"), -1);
      const took = coro.scheduler.now() - before;
      assert(took <= 10.1, `${took}`);
      assertEquals(handle.send("later"), false);
      const error = yield* thrown(() => handle.finish());
      assertInstanceOf(error, PeerLostError);
    },
    b: broker,
    *c(coro, here) {
      yield* here.network.peer("sim:b");
      yield* collector("far", [])(coro, here);
    },
  });
});

Deno.test("a handle of an ended coroutine may be sent, and comes home as the original", async () => {
  await simulate({
    *a(coro) {
      const server = yield* found("server");
      const ended = coro.scheduler.spawn(function* () {
        return 7;
      });
      yield* ended.finish();
      server.send([coro, ended]);
      assertStrictEquals(yield* coro.receive(), ended);
      server.send([coro, ended]);
      yield* coro.receive();
    },
    b: serving("server", echo),
  });
});

Deno.test("a handle is accepted wherever a coroutine is", async () => {
  await simulate({
    *a(coro, { network }) {
      const handle = yield* found("server");
      // Channels, race, ask, supervise's children and the rest.
      const channel = new Channel("of a");
      assertEquals(yield* channel.subscribe(handle), true);
      channel.send([coro, "through a channel"]);
      assertEquals(yield* coro.receive(), "through a channel");
      assertEquals(yield* channel.unsubscribe(handle), true);
      assertEquals(network.peerStatus(handle), true);
      const result = yield* race(handle, sleep(1));
      assertEquals(result, undefined);
      assertNotStrictEquals(handle, coro);
    },
    b: serving("server", function* (coro) {
      while (true) {
        const message = yield* coro.receive<unknown>();
        if (Array.isArray(message)) message[0].send(message[1]);
      }
    }),
  });
});

Deno.test("names on a joined scheduler are its own", async () => {
  await simulate({
    *a(coro, { world }) {
      coro.register("mine");
      assertEquals(yield* Coro.locate("theirs", 0), null);
      assertStrictEquals(yield* Coro.locate("mine", 0), coro);
      assertStrictEquals(yield* Coro.locate("mine"), coro);
      world.net;
    },
    *b(coro) {
      coro.register("theirs");
      assertEquals(yield* Coro.locate("mine", 0), null);
      // Not connected.
      assertEquals(yield* Coro.locate("mine", 2), null);
    },
  }, () => ({ waitedFor: true }));
});

Deno.test("locate is woken by a registration at a known peer", async () => {
  await simulate({
    *a(coro, { network }) {
      yield* network.peer("sim:b");
      const before = coro.scheduler.now();
      const handle = yield* Coro.locate("late");
      assert(handle !== null);
      const took = coro.scheduler.now() - before;
      assert(took > 2.8 && took < 3.2, `${took}`);
      assertEquals(network.stats().pending, 0);
    },
    *b(coro, { network }) {
      yield* sleep(3);
      coro.register("late");
      yield* network.closed();
    },
  });
});

Deno.test("locate is woken by a late peer, and by a registration here", async () => {
  await simulate({
    *a(coro, { network, world }) {
      coro.scheduler.spawn(function* () {
        yield* sleep(3);
        world.start("late", function* (coro, { network }) {
          coro.register("late");
          yield* network.peer("sim:a");
          yield* network.closed();
        });
        yield* sleep(3);
        coro.register("here");
      });
      assertEquals((yield* Coro.locate("late", 10))?.location?.name, "late");
      assertStrictEquals(yield* Coro.locate("here", 10), coro);
      yield* sleep(1);
      assertEquals(network.stats().pending, 0);
    },
  });
});

Deno.test("locate(name, 0) looks only here, at once", async () => {
  await simulate({
    *a(coro, { network }) {
      const b = yield* network.peer("sim:b");
      yield* sleep(1);
      const before = coro.scheduler.now();
      const { sent } = network.stats();
      for (const time of [0, -1, { seconds: 0 }]) {
        assertEquals(yield* Coro.locate("there", time), null);
        assertEquals(yield* Channel.locate("there", time), null);
        assertEquals(yield* RCI.locate("there", time), null);
      }
      assertEquals(yield* Coro.locate("there", 0, b), null);
      assertEquals(coro.scheduler.now(), before);
      assertEquals(network.stats().sent, sent);
    },
    *b(coro, { network }) {
      coro.register("there");
      new Channel("there");
      yield* network.closed();
    },
  });
});

Deno.test("the location chooses among equal names, also one that is here", async () => {
  await simulate({
    *a(coro, { network }) {
      coro.register("same");
      const b = yield* network.peer("sim:b");
      const c = yield* network.peer("sim:c");
      assertStrictEquals(yield* Coro.locate("same", 5), coro);
      assertStrictEquals(yield* Coro.locate("same", 5, network.location), coro);
      const ofB = yield* Coro.locate("same", 5, b);
      const ofC = yield* Coro.locate("same", 5, c);
      assert(ofB!.location!.equals(b) && ofC!.location!.equals(c) && ofB !== ofC);
      assertEquals(yield* Coro.locate("only b", 2, c), null);
      assertEquals(yield* Coro.locate("only b", 2, network.location), null);
      assertEquals((yield* Coro.locate("only b", 2, b))?.location, b);
      assertEquals(network.stats().pending, 0);
      assertThrows(() => Coro.locate("same", 5, "sim:b" as never), TypeError);
    },
    *b(coro, { network }) {
      coro.register("same");
      coro.register("only b");
      yield* network.closed();
    },
    *c(coro, { network }) {
      coro.register("same");
      yield* network.closed();
    },
  });
});

Deno.test("locate at a peer that is lost meanwhile ends when its time is up", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const b = yield* network.peer("sim:b");
      coro.scheduler.spawn(function* () {
        yield* sleep(1);
        world.net.crash("b");
      });
      const before = coro.scheduler.now();
      assertEquals(yield* Coro.locate("nobody", 30, b), null);
      assert(Math.abs(coro.scheduler.now() - before - 30) < 0.1, `${coro.scheduler.now() - before}`);
      assertEquals(network.stats().pending, 0);
    },
    b: stays,
  });
});

Deno.test("locate of a signal throws its reason and leaves nothing", async () => {
  await simulate({
    *a(coro, { network }) {
      yield* network.peer("sim:b");
      const controller = new AbortController();
      coro.scheduler.spawn(function* () {
        yield* sleep(1);
        controller.abort(new Error("enough"));
      });
      assertStrictEquals(
        yield* thrown(() => Coro.locate("nobody", controller.signal)),
        controller.signal.reason,
      );
      const loser = coro.scheduler.spawn(function* () {
        yield* race(Coro.locate("nobody"), sleep(1));
        yield* Coro.locate("nobody");
      });
      yield* sleep(2);
      loser.terminate();
      yield* loser.finish();
      yield* sleep(1);
      assertEquals(network.stats().pending, 0);
    },
    b: stays,
  });
});

Deno.test("a name that moves to another coroutine is found there", async () => {
  await simulate({
    *a(coro, { network }) {
      yield* network.peer("sim:b");
      const first = yield* found("moving");
      first.send("go");
      yield* sleep(1);
      const second = yield* found("moving");
      assert(first !== second);
      assertEquals(first.isAlive(), true);
      assertEquals(yield* first.deliver(1), -1);
      assertEquals(first.isAlive(), false);
      coro;
    },
    *b(coro, { network }) {
      const first = coro.scheduler.spawn(function* (coro: Coro) {
        coro.register("moving");
        yield* coro.receive();
      });
      yield* first.finish();
      coro.register("moving");
      yield* network.closed();
    },
  });
});

Deno.test("a refused locate looks as if the name were not registered", async () => {
  await simulate({
    *a(_coro, { network, world }) {
      const b = yield* network.peer("sim:b");
      assertEquals(yield* Coro.locate("secret", 2), null);
      assertEquals(yield* Coro.locate("secret", 2, b), null);
      assert((yield* Coro.locate("open", 2)) !== null);
      assertEquals(world.shared.refused(), 2);
    },
    *b(coro, { network, world }) {
      world.shared.refused = () => network.stats().refused;
      coro.register("secret");
      coro.register("open");
      yield* network.closed();
    },
  }, (name) => name === "b" ? { allow: ({ action, name }) => !(action === "locate" && name === "secret") } : {});
});

Deno.test("a lock's holder, a parent and others stay local: only what was given out has a handle", async () => {
  await simulate({
    *a(coro) {
      const handle = yield* found("server");
      assertEquals(typeof handle.id, "number");
      assertEquals(typeof handle.parent, "number");
      assertEquals(handle.daemon, handle.daemon);
      assert(!(Symbol.iterator in [handle.priority]) || typeof handle.priority === "number");
      new Lock();
      supervise;
      World;
      coro;
    },
    b: serving("server", echo),
  });
});

/** DISTRIBUTED.md: "Peers", "Joining". */
import { type Coro, sleep, TimeoutError } from "@asyncoro/asyncoro";
import {
  AuthenticationError,
  Location,
  Network,
  PeerLostError,
  PeerStatus,
  ProtocolError,
} from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { found, simulate, stays, thrown, World } from "./world.ts";

Deno.test("a location is an id of 128 bits, a name and an address", async () => {
  await simulate({
    *a(_coro, { network }) {
      assertMatch(network.location.id, /^[0-9a-f]{32}$/);
      assertEquals(network.location.name, "a");
      assertEquals(network.location.address, "sim:a");
      assertEquals(String(network.location), "a@sim:a");
      assert(network.location.equals(network.location));
      const b = yield* network.peer("sim:b");
      assertInstanceOf(b, Location);
      assertEquals([b.name, b.address], ["b", "sim:b"]);
      assert(!network.location.equals(b));
      assert(!b.equals(null) && !b.equals("b@sim:b"));
      assertStrictEquals(Network.of(), network);
      assertStrictEquals(Network.of(_coro.scheduler), network);
      assertEquals(network.peers().map(String), ["b@sim:b"]);
    },
    b: stays,
  });
});

Deno.test("a scheduler joins once: a second join throws", async () => {
  await simulate({
    *a(_coro, { world }) {
      const error = yield* thrown(function* () {
        yield* Network.join({ secret: "the secret of the tests", engines: [world.net.engine("other")] });
      });
      assertInstanceOf(error, Error);
      assertMatch(error.message, /join/);
    },
  });
});

Deno.test("a scheduler that has left may join again, as another location", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const b = yield* network.peer("sim:b");
      yield* network.leave();
      assertEquals(Network.of(coro.scheduler), null);
      const again = yield* Network.join({
        secret: "the secret of the tests",
        name: "a",
        engines: [world.net.engine("a")],
      });
      assert(again.location.id !== network.location.id);
      assertStrictEquals(Network.of(coro.scheduler), again);
      assert(b.equals(yield* again.peer("sim:b")));
    },
    b: stays,
  });
});

Deno.test("join throws at the yield", async () => {
  await simulate({
    *a(coro) {
      for (
        const options of [
          undefined,
          {},
          { secret: "short" },
          { secret: "the secret of the tests", heartbeat: 0 },
          { secret: "the secret of the tests", heartbeat: NaN },
          { secret: "the secret of the tests", heartbeat: "2" },
          { secret: "the secret of the tests", peerTimeout: -1 },
          { secret: "the secret of the tests", maxMessageSize: 0 },
          { secret: "the secret of the tests", maxPeers: 0 },
          { secret: "the secret of the tests", maxQueue: -1 },
          { secret: "the secret of the tests", name: 3 },
          { secret: "the secret of the tests", nmae: "a" },
          { secret: "the secret of the tests", engines: [] },
          { secret: "the secret of the tests", engines: "tcp" },
          { secret: "the secret of the tests", allow: true },
          { secret: "the secret of the tests", discover: 1 },
          { secret: "the secret of the tests", network: "" },
          { secret: 12345678901234567890 },
        ]
      ) {
        const child = coro.scheduler.spawnWith({ daemon: true }, function* () {
          // deno-lint-ignore no-explicit-any
          const operation = Network.join(options as any);
          return yield* thrown(() => operation);
        });
        const error = yield* child.finish();
        assert(
          error instanceof TypeError || error instanceof RangeError || error instanceof Error,
          `${Deno.inspect(options)}: ${error}`,
        );
      }
    },
  });
});

Deno.test("peer takes an address or a location, and returns at once if it is connected", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const now = () => coro.scheduler.now();
      const b = yield* network.peer("sim:b");
      let before = now();
      assertStrictEquals(yield* network.peer("sim:b"), b);
      assert(b.equals(yield* network.peer(b)));
      assert(b.equals(yield* network.peer(b.address, 0)));
      assertEquals(now(), before);
      const c = yield* network.peer("sim:c");
      assertEquals(network.peers().map((peer) => peer.name).sort(), ["b", "c"]);
      // The peer behind an address is connected, though it has dialed.
      yield* sleep(1);
      before = now();
      assert(world.shared.a.equals(network.location));
      assert(c.equals(yield* network.peer("sim:c")));
      assertEquals(now(), before);
    },
    b: stays,
    *c(_coro, { network, world }) {
      yield* sleep(0.5);
      const before = _coro.scheduler.now();
      world.shared.a = yield* network.peer("sim:a");
      assertEquals(_coro.scheduler.now(), before);
      yield* network.closed();
    },
  });
});

Deno.test("peer rejects what is no address", async () => {
  await simulate({
    *a(_coro, { network }) {
      for (const where of [undefined, null, 3, "", {}, "nowhere", "nats:x/y", [], "sim:"]) {
        const error = yield* thrown(function* () {
          // deno-lint-ignore no-explicit-any
          yield* network.peer(where as any, 1);
        });
        assertInstanceOf(error, TypeError, `${Deno.inspect(where)}: ${error}`);
      }
      assertThrows(() => network.peer("sim:b", NaN), TypeError);
    },
  });
});

Deno.test("peer retries until its time is up, then throws the last error or TimeoutError", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const before = coro.scheduler.now();
      const error = yield* thrown(() => network.peer("sim:nobody", 3));
      assertInstanceOf(error, Error);
      assert(Math.abs(coro.scheduler.now() - before - 3) < 0.01, `${coro.scheduler.now() - before}`);
      // Ten seconds by default.
      const start = coro.scheduler.now();
      yield* thrown(() => network.peer("sim:nobody"));
      assert(Math.abs(coro.scheduler.now() - start - 10) < 0.01);
      // Partitioned: nothing is heard, so there is no error but the time.
      world.net.partition(["a"], ["b"]);
      const late = yield* thrown(() => network.peer("sim:b", 2));
      assertInstanceOf(late, TimeoutError);
      coro.scheduler.spawn(function* () {
        yield* sleep(3);
        world.net.heal();
      });
      assertEquals((yield* network.peer("sim:b", 10)).name, "b");
      const signal = AbortSignal.abort(new Error("enough"));
      const aborted = yield* thrown(() => network.peer("sim:nobody", signal));
      assertStrictEquals(aborted, signal.reason);
      // Zero does not wait.
      const at = coro.scheduler.now();
      const none = yield* thrown(() => network.peer("sim:nobody", 0));
      assertInstanceOf(none, Error);
      assertEquals(coro.scheduler.now(), at);
    },
    b: stays,
  });
});

Deno.test("peer finds a machine that starts only later", async () => {
  await simulate({
    *a(coro, { network, world }) {
      coro.scheduler.spawn(function* () {
        yield* sleep(4);
        world.start("late", stays);
      });
      assertEquals((yield* network.peer("sim:late")).name, "late");
    },
  });
});

Deno.test("another secret or another network is an AuthenticationError at once, and counts at the acceptor only", async () => {
  await simulate({
    *a(coro, { network }) {
      for (const where of ["sim:b", "sim:c"]) {
        const before = coro.scheduler.now();
        const error = yield* thrown(() => network.peer(where));
        assertInstanceOf(error, AuthenticationError);
        assert(coro.scheduler.now() - before < 1);
      }
      assertEquals(network.stats().refused, 0);
      assertEquals(network.peers(), []);
    },
    *b(_coro, { network, reported }) {
      yield* sleep(1);
      assertEquals(network.stats().refused, 1);
      assertEquals(reported, []);
    },
    *c(_coro, { network, reported }) {
      yield* sleep(1);
      assertEquals(network.stats().refused, 1);
      assertEquals(reported, []);
    },
  }, (name) => ({
    secret: name === "b" ? "quite another secret" : "the secret of the tests",
    network: name === "c" ? "another" : "asyncoro",
    waitedFor: true,
  }));
});

Deno.test("versions that have none in common are a ProtocolError that names both", async () => {
  const world = new World();
  world.net.engine("b", { versions: [7, 9] });
  world.start("a", function* (coro, { network }) {
    const before = coro.scheduler.now();
    const error = yield* thrown(() => network.peer("sim:b"));
    assertInstanceOf(error, ProtocolError);
    assertMatch(error.message, /7.*9|9.*7/);
    assertMatch(error.message, /\b1\b/);
    assert(coro.scheduler.now() - before < 1);
  });
  world.start("b", stays);
  await world.run();
});

Deno.test("closePeer is true once, then false, and both sides see that it left", async () => {
  await simulate({
    *a(coro, { network }) {
      network.peerStatus(coro);
      const b = yield* network.peer("sim:b");
      assertEquals(network.closePeer(b), true);
      assertEquals(network.closePeer(b), false);
      assertEquals(network.peers(), []);
      const seen = [yield* coro.receive<PeerStatus>(), yield* coro.receive<PeerStatus>()];
      for (const status of seen) {
        assertInstanceOf(status, PeerStatus);
        assert(status.location.equals(b));
      }
      assertEquals(seen.map((status) => [status.online, status.reason]), [[true, "joined"], [false, "left"]]);
      yield* sleep(20);
      assertEquals(network.peers(), []);
      assertEquals(yield* coro.receive(0), undefined);
      assertThrows(() => network.closePeer("sim:b" as never), TypeError);
    },
    *b(coro, { network }) {
      network.peerStatus(coro);
      assertEquals((yield* coro.receive<PeerStatus>()).reason, "joined");
      const status = yield* coro.receive<PeerStatus>();
      assertEquals([status.reason, status.online, status.location.name], ["left", false, "a"]);
      assertEquals(network.closePeer(status.location), false);
    },
  }, () => ({ waitedFor: true }));
});

Deno.test("after closePeer both may connect again: a new session, joined anew", async () => {
  await simulate({
    *a(coro, { network }) {
      const b = yield* network.peer("sim:b");
      network.closePeer(b);
      network.peerStatus(coro);
      yield* sleep(1);
      const again = yield* network.peer("sim:b");
      assert(again.equals(b));
      assertEquals((yield* coro.receive<PeerStatus>()).reason, "joined");
      assertEquals(network.closePeer(again), true);
    },
    b: stays,
  });
});

Deno.test("PeerStatus: known peers at once, each once, also to a coroutine that asks twice", async () => {
  await simulate({
    *a(coro, { network }) {
      yield* network.peer("sim:b");
      yield* network.peer("sim:c");
      assertEquals(network.peerStatus(coro), true);
      assertEquals(network.peerStatus(coro), true);
      const names = [
        (yield* coro.receive<PeerStatus>()).location.name,
        (yield* coro.receive<PeerStatus>()).location.name,
      ];
      assertEquals(names.sort(), ["b", "c"]);
      // The second call tells of them, too; later changes are told once.
      yield* coro.receive();
      yield* coro.receive();
      assertEquals(network.closePeer(yield* network.peer("sim:c")), true);
      assertEquals((yield* coro.receive<PeerStatus>()).reason, "left");
      assertEquals(yield* coro.receive(1), undefined);
      const ended = coro.scheduler.spawn(function* () {});
      yield* ended.finish();
      assertEquals(network.peerStatus(ended), false);
      assertThrows(() => network.peerStatus(3 as never), TypeError);
    },
    b: stays,
    c: stays,
  });
});

Deno.test("PeerStatus: lost once after peerTimeout, and joined again when the same joining returns", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const b = yield* network.peer("sim:b");
      network.peerStatus(coro);
      assertEquals((yield* coro.receive<PeerStatus>()).reason, "joined");
      yield* sleep(5);
      const before = coro.scheduler.now();
      world.net.partition(["a"], ["b"]);
      const lost = yield* coro.receive<PeerStatus>();
      assertEquals([lost.reason, lost.online], ["lost", false]);
      const took = coro.scheduler.now() - before;
      assert(took > 7.9 && took <= 10.1, `${took}`);
      yield* sleep(100);
      assertEquals(yield* coro.receive(0), undefined);
      world.net.heal();
      const again = yield* network.peer(b);
      assert(again.equals(b));
      const joined = yield* coro.receive<PeerStatus>();
      assertEquals([joined.reason, joined.online], ["joined", true]);
      assertEquals(yield* coro.receive(5), undefined);
    },
    b: stays,
  });
});

Deno.test("PeerStatus ignores the capacity of a mailbox", async () => {
  await simulate({
    *a(coro, { network }) {
      const watcher = coro.scheduler.spawnWith({ mailbox: { capacity: 1, overflow: "throw" } }, function* (coro: Coro) {
        coro.send("full");
        network.peerStatus(coro);
        yield* sleep(2);
        const seen: unknown[] = [];
        for (let i = 0; i < 3; i++) seen.push(yield* coro.receive());
        return seen;
      });
      yield* network.peer("sim:b");
      yield* network.peer("sim:c");
      const seen = (yield* watcher.finish()) as unknown[];
      assertEquals(seen.filter((message) => message instanceof PeerStatus).length, 2);
    },
    b: stays,
    c: stays,
  });
});

Deno.test("locate of a network finds peers by name, waits for them, and takes limits", async () => {
  await simulate({
    *a(coro, { network, world }) {
      assertEquals(yield* network.locate("late", 0), null);
      assertEquals(yield* network.locate("late", 2), null);
      coro.scheduler.spawn(function* () {
        yield* sleep(4);
        world.start("late", function* (_coro, { network }) {
          yield* network.peer("sim:a");
          yield* network.closed();
        });
      });
      const late = yield* network.locate("late");
      assertEquals(late?.name, "late");
      assert(late!.equals(yield* network.locate("late", 0)));
      assertThrows(() => network.locate(""), TypeError);
      assertThrows(() => network.locate(3 as never), TypeError);
      const reason = new Error("enough");
      assertStrictEquals(
        yield* thrown(() => network.locate("nobody", AbortSignal.abort(reason))),
        reason,
      );
    },
  });
});

Deno.test("a peer that has said goodbye has left, for both sides", async () => {
  await simulate({
    *a(coro, { network }) {
      network.peerStatus(coro);
      const b = yield* network.peer("sim:b");
      yield* coro.receive();
      const status = yield* coro.receive<PeerStatus>();
      assertEquals([status.reason, status.online], ["left", false]);
      assertEquals(network.peers(), []);
      assertEquals(network.closePeer(b), false);
    },
    *b(coro, { network }) {
      yield* sleep(2);
      network.peerStatus(coro);
      assertEquals((yield* coro.receive<PeerStatus>()).reason, "joined");
      yield* network.leave();
      const status = yield* coro.receive<PeerStatus>(1);
      assertEquals(status?.reason, "left");
    },
  }, () => ({ waitedFor: true }));
});

Deno.test("leave waits until all that was sent is acknowledged", async () => {
  const got: unknown[] = [];
  await simulate({
    *a(coro, { network }) {
      const inbox = yield* found("inbox");
      for (let i = 0; i < 3000; i++) inbox.send(i);
      yield* network.leave();
      assertEquals(got.length, 3000);
      yield* network.leave();
      yield* network.closed();
      assertEquals(network.peers(), []);
      coro.scheduler;
    },
    *b(coro, { network }) {
      yield* network.peer("sim:a");
      coro.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
        coro.register("inbox");
        while (true) got.push(yield* coro.receive());
      });
      yield* network.closed();
    },
  });
});

Deno.test("leave waits no longer than its timeout", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const inbox = yield* found("inbox");
      world.net.partition(["a"], ["b"]);
      inbox.send("never");
      let before = coro.scheduler.now();
      yield* network.leave(2);
      const took = coro.scheduler.now() - before;
      assert(took >= 1.9 && took < 2.6, `${took}`);
      before = coro.scheduler.now();
      yield* network.closed(0);
      assertEquals(coro.scheduler.now(), before);
    },
    *b(coro, { network }) {
      yield* network.peer("sim:a");
      coro.register("inbox");
      yield* network.closed();
    },
  });
});

Deno.test("closed waits until the network was left, or until its time is up", async () => {
  await simulate({
    *a(coro, { network }) {
      const error = yield* thrown(() => network.closed(3));
      assertInstanceOf(error, TimeoutError);
      const waiter = coro.scheduler.spawn(function* () {
        yield* network.closed();
        return "closed";
      });
      yield* sleep(1);
      yield* network.leave();
      assertEquals(yield* waiter.finish(1), "closed");
    },
  });
});

Deno.test("what is asked of a network that was left throws or is empty", async () => {
  await simulate({
    *a(coro, { network }) {
      const b = yield* network.peer("sim:b");
      yield* network.leave();
      const error = yield* thrown(() => network.peer("sim:b"));
      assertInstanceOf(error, Error);
      assertEquals(network.peers(), []);
      assertEquals(network.closePeer(b), false);
      assertThrows(() => network.locate("b", 1), Error, "left");
      assertEquals(network.stats().peers, 0);
      coro;
    },
    b: stays,
  });
});

Deno.test("a restarted peer is another location, and a handle to the old one is lost", async () => {
  const world = new World();
  const got: unknown[] = [];
  world.start("a", function* (coro, { network }) {
    const b = yield* network.peer("sim:b");
    const old = yield* found("server");
    assertEquals(yield* old.deliver(1, 5), 1);
    world.net.crash("b");
    world.start("b", function* (coro, { network }) {
      coro.scheduler.spawnWith({ daemon: true, name: "server" }, function* (coro: Coro) {
        coro.register("server");
        while (true) got.push(["new", yield* coro.receive()]);
      });
      yield* network.closed();
    });
    assertEquals(yield* old.deliver(2), -1);
    assertEquals(old.send(3), false);
    const again = yield* network.peer("sim:b");
    assert(!again.equals(b));
    const error = yield* thrown(() => old.finish());
    assertInstanceOf(error, PeerLostError);
    assert(error.location.equals(b));
    assertEquals(error.reason, "lost");
    const fresh = yield* found("server", again);
    assert(fresh !== old);
    assertEquals(yield* fresh.deliver(4), 1);
    yield* sleep(1);
    assertEquals(got, [["old", 1], ["new", 4]]);
    coro;
  });
  world.start("b", function* (coro, { network }) {
    coro.scheduler.spawnWith({ daemon: true, name: "server" }, function* (coro: Coro) {
      coro.register("server");
      while (true) got.push(["old", yield* coro.receive()]);
    });
    yield* network.closed();
  });
  await world.run();
});

Deno.test("peer returns as soon as the peer behind the address is connected, by whichever side", async () => {
  for (let seed = 0; seed < 50; seed++) {
    const { shared } = await simulate(
      {
        *a(coro, { network, world }) {
          yield* network.peer("sim:b", 60);
          world.shared.a = coro.scheduler.now();
          yield* sleep(30);
        },
        *b(coro, { network, world }) {
          yield* network.peer("sim:a", 60);
          world.shared.b = coro.scheduler.now();
          yield* network.closed();
        },
      },
      () => ({}),
      { seed, loss: 0.05 },
    );
    // What confirms the session may be lost, too: the next heartbeat repairs that.
    assert(Math.abs(shared.a - shared.b) < 4.5, `seed ${seed}: ${shared.a}, ${shared.b}`);
  }
});

Deno.test("a wait for a peer ends when its signal aborts or the network is left", async () => {
  await simulate({
    *a(coro, { network }) {
      const controller = new AbortController();
      const { scheduler } = coro;
      scheduler.spawn(function* () {
        yield* sleep(1);
        controller.abort(new Error("enough"));
      });
      const before = scheduler.now();
      assertStrictEquals(
        yield* thrown(() => network.peer("sim:nobody", controller.signal)),
        controller.signal.reason,
      );
      assertEquals(scheduler.now() - before, 1);
      const connecting = scheduler.spawn(function* () {
        return yield* thrown(() => network.peer("sim:nobody", 60));
      });
      const locating = scheduler.spawn(function* () {
        return yield* network.locate("nobody");
      });
      yield* sleep(1);
      yield* network.leave();
      assertEquals(yield* locating.finish(1), null);
      const error = (yield* connecting.finish(1)) as Error;
      assertMatch(error.message, /left/);
    },
  });
});

Deno.test("leave takes a signal, which ends the wait; the network is not left then", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const inbox = yield* found("inbox");
      world.net.partition(["a"], ["b"]);
      inbox.send("later");
      const controller = new AbortController();
      coro.scheduler.spawn(function* () {
        yield* sleep(1);
        controller.abort(new Error("enough"));
      });
      assertStrictEquals(yield* thrown(() => network.leave(controller.signal)), controller.signal.reason);
      assertStrictEquals(Network.of(), network);
      world.net.heal();
      assertEquals(yield* inbox.deliver("works", 20), 1);
      assertThrows(() => network.leave("now" as never), TypeError);
      yield* network.leave();
    },
    *b(coro, { network }) {
      yield* network.peer("sim:a");
      coro.register("inbox");
      yield* network.closed();
    },
  });
});

Deno.test("a peer's own address: it is itself", async () => {
  await simulate({
    *a(_coro, { network }) {
      assertStrictEquals(yield* network.peer(network.location), network.location);
      assertStrictEquals(yield* network.peer("sim:a", 5), network.location);
      assertEquals(network.peers(), []);
    },
  });
});

Deno.test("maxPeers: a further peer is refused", async () => {
  await simulate({
    *a(_coro, { network }) {
      yield* network.peer("sim:b");
      yield* sleep(5);
      assertEquals(network.peers().map(({ name }) => name), ["b"]);
    },
    b: stays,
    *c(_coro, { network }) {
      yield* sleep(1);
      const error = yield* thrown(() => network.peer("sim:a", 3));
      assertMatch(error.message, /as many peers/);
      yield* network.closed();
    },
  }, (name) => name === "a" ? { maxPeers: 1 } : {});
});

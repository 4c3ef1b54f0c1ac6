/** DISTRIBUTED.md over NATS, between schedulers of one process: peers, handles, messages, ends, a restart of the server. */
import {
  Channel,
  Coro,
  MessageTooLargeError,
  type MonitorException,
  run,
  Scheduler,
  sleep,
  until,
} from "@asyncoro/asyncoro";
import {
  AuthenticationError,
  Network,
  PeerStatus,
  RCI,
  RemoteCoro,
  SerializationError,
} from "@asyncoro/asyncoro/distributed";
import { nats } from "@asyncoro/asyncoro/nats";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { thrown } from "../distributed/acceptance/world.ts";
import { natsTest, type Program, SECRET, twoPeers } from "./two_peers.ts";

/** Sends back what it gets, with the coroutine to send it to; a channel; and an RCI. */
const echo: Program = function* (coro) {
  coro.scheduler.spawnWith({ daemon: true, name: "echo" }, function* (coro: Coro) {
    coro.register("echo");
    while (true) {
      const [to, value] = yield* coro.receive<[Coro, unknown]>();
      to.send(value);
    }
  });
  new Channel("news");
  new RCI(function* talk(_coro: Coro, to: Coro, n: number) {
    for (let i = 0; i < n; i++) to.send(i);
    return "end";
  }).register();
};

natsTest(
  "handles, messages and channels work over NATS as over any engine",
  (server) =>
    twoPeers(server, echo, function* (coro, { network }) {
      assertMatch(network.location.address, /^nats:test\/[0-9a-f]{32}$/);
      const handle = (yield* Coro.locate("echo", 5))!;
      assertInstanceOf(handle, RemoteCoro);
      assertMatch(handle.location!.address, /^nats:test\//);
      assertEquals(yield* Coro.locate("nobody", 0), null);
      for (let i = 0; i < 10_000; i++) assertEquals(handle.send([coro, i]), true);
      for (let i = 0; i < 10_000; i++) assertEquals(yield* coro.receive(5), i);
      // The handle of this very coroutine comes back as itself.
      assertEquals(yield* handle.deliver([coro, coro]), 1);
      assertStrictEquals(yield* coro.receive(5), coro);
      const large = new Uint8Array(3_000_000).fill(7);
      handle.send([coro, large]);
      assertEquals(yield* coro.receive(5), large);
      assertThrows(() => handle.send([coro, new Uint8Array(9 * 2 ** 20)]), MessageTooLargeError);
      assertEquals(
        assertThrows(() => handle.send({ items: [1, () => {}] }), SerializationError).path,
        "message.items[1]",
      );
      const news = (yield* Channel.locate("news", 5))!;
      yield* news.subscribe(coro);
      assertEquals(yield* news.deliver("new", 5), 1);
      assertEquals(yield* coro.receive(5), "new");
      assertEquals(network.stats().pending, 0);
    }),
);

natsTest(
  "a coroutine that an RCI has made tells its end after its last message",
  (server) =>
    twoPeers(server, echo, function* (coro) {
      const talker = yield* (yield* RCI.locate("talk", 5))!.run(coro, 1000);
      yield* coro.monitor(talker);
      for (let i = 0; i < 1000; i++) assertEquals(yield* coro.receive(5), i);
      const { outcome } = (yield* coro.receive<MonitorException>(5))!;
      assertEquals(outcome, { kind: "return", value: "end" });
      assertEquals(talker.send(1), false);
      assertEquals(yield* talker.deliver(1), -1);
    }),
);

natsTest(
  "a restart of the server in the middle of a burst loses, doubles and reorders nothing",
  (server) =>
    twoPeers(server, echo, function* (coro, { network }) {
      const handle = (yield* Coro.locate("echo", 5))!;
      const restart = new Coro(function* () {
        for (let i = 0; i < 2; i++) {
          yield* sleep(0.05);
          yield* until(server.kill());
          // What is sent now is lost.
          yield* sleep(0.2);
          yield* until(server.restart());
          yield* sleep(0.2);
        }
      });
      let sent = 0;
      new Coro(function* () {
        while (restart.isAlive()) {
          for (let i = 0; i < 20; i++) handle.send([coro, sent++]);
          yield* sleep(0.001);
        }
        assertEquals(yield* handle.deliver([coro, "last"], 5), 1);
      });
      const received: unknown[] = [];
      while (received.at(-1) !== "last") received.push(yield* coro.receive(10));
      assertEquals(received, [...Array(sent).keys(), "last"]);
      assert(network.stats().resent > 0, "something was lost on the way");
    }),
);

natsTest("peers of a prefix find each other if they discover, and only then", async (server) => {
  const connection = await server.connect();
  const schedulers = ["a", "b", "c", "d"].map((name) => new Scheduler({ name }));
  const found = await Promise.all(schedulers.map((scheduler, i) =>
    scheduler.spawn(function* (coro: Coro) {
      const engines = [nats({ connection, prefix: i === 3 ? "other" : "test" })];
      const network = yield* Network.join({ secret: SECRET, name: scheduler.name, engines, discover: i !== 2 });
      if (i >= 2) {
        yield* sleep(0.5);
      } else {
        network.peerStatus(coro);
        const status = (yield* coro.receive<PeerStatus>(10))!;
        assertInstanceOf(status, PeerStatus);
        assert(status.online);
        yield* sleep(0.2);
      }
      return network.peers().map(({ name }) => name);
    }).value(20)
  ));
  assertEquals(found, [["b"], ["a"], [], []]);
  for (const scheduler of schedulers) await scheduler.terminate();
  await connection.close();
});

natsTest("leaving unsubscribes everything, and leaves the connection open", async (server) => {
  const connections = [await server.connect(), await server.connect()];
  // What is subscribed, as the clients have it.
  const subjects: string[] = [];
  for (const connection of connections) {
    const subscribe = connection.subscribe.bind(connection);
    connection.subscribe = (subject, options) => {
      const subscription = subscribe(subject, options);
      subjects.push(subject);
      void subscription.closed.then(() => subjects.splice(subjects.indexOf(subject), 1));
      return subscription;
    };
  }
  const schedulers = connections.map(() => new Scheduler());
  const addresses: string[] = [];
  const met = Promise.withResolvers<void>();
  await Promise.all(connections.map((connection, i) =>
    schedulers[i].spawn(function* () {
      const engines = [nats({ connection })];
      const network = yield* Network.join({ secret: SECRET, engines, discover: true });
      addresses.push(network.location.address);
      if (i === 1) {
        yield* network.peer(addresses[0]);
        met.resolve();
      } else yield* until(met.promise);
      assert(subjects.length > 0);
      yield* network.leave();
    }).value(10)
  ));
  for (const connection of connections) {
    assertEquals(connection.isClosed(), false);
    await connection.flush();
  }
  assertEquals(subjects, []);
  for (const scheduler of schedulers) await scheduler.terminate();
  for (const connection of connections) await connection.close();
});

natsTest(
  "a peer whose client is closed is lost, and the other secret is refused",
  (server) =>
    twoPeers(server, echo, function* (coro, { network, connection }) {
      const [far] = network.peers();
      const other = new Scheduler({ name: "other" });
      const refused = other.spawn(function* () {
        const engines = [nats({ connection, prefix: "test" })];
        yield* Network.join({ secret: "another secret of theirs", engines });
        return yield* thrown(() => Network.of()!.peer(far.address, 5));
      });
      assertInstanceOf(yield* until(refused.value(10)), AuthenticationError);
      // From outside of coroutines.
      yield* until(Promise.resolve().then(() => other.terminate()));
      const handle = (yield* Coro.locate("echo", 5))!;
      yield* coro.monitor(handle);
      yield* until(connection.close());
      assertEquals((yield* coro.receive<MonitorException>(10))!.outcome.kind as string, "lost");
    }, { heartbeat: 0.3, peerTimeout: 1 }),
);

natsTest(
  "who publishes below the prefix disturbs links at most",
  (server) =>
    twoPeers(server, echo, function* (coro, { network, connection }) {
      const handle = (yield* Coro.locate("echo", 5))!;
      const subjects = new Set<string>();
      // A handshake and frames show the subjects of a link to anybody who may subscribe.
      const tap = connection.subscribe("test.link.>", {
        callback: (_error, { subject }) => void subjects.add(subject),
      });
      for (let i = 0; i < 300; i++) {
        handle.send([coro, i]);
        if (i % 10 === 9) yield* sleep(0.002);
        for (const subject of subjects) {
          if (i % 50 === 0) connection.publish(subject, crypto.getRandomValues(new Uint8Array(40)));
          if (i % 50 === 25) connection.publish(subject);
        }
        connection.publish(network.location.address.replace("nats:test/", "test.peer."), "?", {
          reply: "test.elsewhere",
        });
      }
      for (let i = 0; i < 300; i++) assertEquals(yield* coro.receive(10), i);
      tap.unsubscribe();
    }),
);

natsTest("an engine says what is wrong", async (server) => {
  const connection = await server.connect();
  const make = (options: unknown) => () => nats(options as { connection: typeof connection });
  assertThrows(make(null), TypeError, "Cannot make a NATS engine as 'options' must be an object");
  assertThrows(make({ connection, server: 1 }), TypeError, "there is no option 'server': use connection, prefix");
  assertThrows(make({ connection: {} }), TypeError, "'connection' must be a NatsConnection of @nats-io/nats-core");
  assertThrows(make({ connection: Promise.resolve() }), TypeError, "wait for the promise that connect() returns");
  for (const prefix of ["", ".", "a..b", "a b", "a.*", "a.>", "$SYS", "x".repeat(256), 5]) {
    assertThrows(make({ connection, prefix }), TypeError, "as 'prefix' must be at most 255 letters");
  }
  await run(function* () {
    const engine = nats({ connection, prefix: "a.b-c_d" });
    assertThrows(() => engine.discover!(new Uint8Array(1), () => {}), Error, "the NATS engine is not open");
    const address = yield* engine.open(() => {});
    assertMatch(address, /^nats:a\.b-c_d\//);
    assertMatch((yield* thrown(() => engine.open(() => {}))).message, /as it is open: make another one with nats\(\)/);
    assertThrows(() => engine.discover!("x" as unknown as Uint8Array, () => {}), TypeError, "'beacon'");
    assertThrows(() => engine.discover!(new Uint8Array(2000), () => {}), RangeError, "at most 1024 bytes");
    for (const wrong of ["tcp://127.0.0.1:1", "nats:aXb-c_d/" + "0".repeat(32), "nats:a.b-c_d/1", 5]) {
      assertThrows(() => engine.dial(wrong as string, 1), TypeError, "must be nats:a.b-c_d/ and the id of a peer");
    }
    yield* engine.close();
    yield* until(connection.close());
    assertMatch((yield* thrown(() => engine.open(() => {}))).message, /closed/);
    assertMatch((yield* thrown(() => engine.dial(address, 1))).message, /closed/);
  });
});

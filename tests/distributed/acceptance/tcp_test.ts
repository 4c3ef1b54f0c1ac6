/** DISTRIBUTED.md over TCP, between schedulers of one process: peers, handles, messages, ends. */
import { Coro, type MonitorException, Scheduler, until } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions, RCI, SerializationError, tcp } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { thrown } from "./world.ts";

const SECRET = "the secret of the tests";

/** Runs a client that has connected to a server. */
async function withServer(
  client: (coro: Coro, network: Network, address: string) => Generator<unknown, unknown, unknown>,
  options: NetworkOptions = {},
): Promise<void> {
  const [there, here] = [new Scheduler({ name: "server" }), new Scheduler({ name: "client" })];
  try {
    const address = await there.spawn(function* (coro: Coro) {
      const network = yield* Network.join({ secret: SECRET, name: "server", engines: [tcp()], ...options });
      coro.scheduler.spawnWith({ daemon: true, name: "echo" }, function* (coro: Coro) {
        coro.register("echo");
        while (true) {
          const [from, value] = yield* coro.receive<[Coro, unknown]>();
          from.send(value);
        }
      });
      new RCI(function* talk(_coro: Coro, to: Coro, n: number) {
        for (let i = 0; i < n; i++) to.send(i);
        return "end";
      }).register();
      return network.location.address;
    }).value();
    await here.spawn(function* (coro: Coro) {
      const network = yield* Network.join({ secret: SECRET, name: "client", engines: [tcp()], ...options });
      yield* network.peer(address);
      yield* client(coro, network, address);
    }).value(30);
  } finally {
    await here.terminate();
    await there.terminate();
  }
}

Deno.test("tcp: addresses are URLs, and peer takes host:port as well", () =>
  withServer(function* (_coro, network, address) {
    assertMatch(network.location.address, /^tcp:\/\/127\.0\.0\.1:\d+$/);
    const { host } = new URL(address);
    const [known] = network.peers();
    assertStrictEquals(yield* network.peer(host, 0), known);
    assertStrictEquals(yield* network.peer(address, 0), known);
    assertStrictEquals(yield* network.peer(known, 0), known);
    assert(known.equals(yield* network.peer(`localhost:${new URL(address).port}`)));
    assertEquals(String(known), `server@${address}`);
    assertInstanceOf(yield* thrown(() => network.peer("nats:x/y")), TypeError);
    assertInstanceOf(yield* thrown(() => network.peer("127.0.0.1:1", 0.3)), Error);
  }));

Deno.test("tcp: 10,000 messages in order, there and back", () =>
  withServer(function* (coro) {
    const echo = (yield* Coro.locate("echo", 5))!;
    for (let i = 0; i < 10_000; i++) echo.send([coro, i]);
    for (let i = 0; i < 10_000; i++) assertEquals(yield* coro.receive(), i);
    assertEquals(yield* echo.deliver([coro, coro]), 1);
    assertStrictEquals(yield* coro.receive(), coro);
    const large = new Uint8Array(3_000_000).fill(7);
    echo.send([coro, large]);
    assertEquals(yield* coro.receive(), large);
    const error = assertThrows(() => echo.send({ items: [1, () => {}] }), SerializationError);
    assertEquals(error.path, "message.items[1]");
  }));

Deno.test("tcp: an end is told after the last message, and a peer that leaves has left", () =>
  withServer(function* (coro, network) {
    const talk = (yield* RCI.locate("talk", 5))!;
    const talker = yield* talk.run(coro, 1000);
    yield* coro.monitor(talker);
    for (let i = 0; i < 1000; i++) assertEquals(yield* coro.receive(), i);
    const { outcome } = yield* coro.receive<MonitorException>();
    assertEquals(outcome, { kind: "return", value: "end" });
    assertEquals(yield* talker.finish(), "end");
    const echo = (yield* Coro.locate("echo", 5))!;
    network.closePeer(network.peers()[0]);
    assertEquals(echo.send(1), false);
    assertEquals(yield* echo.deliver(1), -1);
    assertEquals(network.stats().pending, 0);
  }));

Deno.test("tcp: join throws at the yield for what is not safe, before anything listens", async () => {
  const [scheduler, busy] = [new Scheduler(), new Scheduler()];
  try {
    await scheduler.spawn(function* () {
      const cases: [NetworkOptions, new (...args: never[]) => Error][] = [
        [{}, TypeError],
        [{ engines: [tcp()] }, TypeError],
        [{ secret: undefined }, TypeError],
        [{ secret: "under 16 chars" }, RangeError],
        [{ secret: null, engines: [tcp({ hostname: "0.0.0.0" })] }, Error],
        [{ secret: null, engines: [tcp({ hostname: "::" })] }, Error],
      ];
      for (const [options, Class] of cases) {
        const operation = Network.join(options);
        assertInstanceOf(yield* thrown(() => operation), Class);
        assertEquals(Network.of(), null);
      }
      const network = yield* Network.join({ secret: null });
      assertMatch(network.location.address, /^tcp:/);
      yield* network.leave();
      // Not in use: the port is free again.
      const { port } = new URL(network.location.address);
      const again = yield* Network.join({ secret: null, engines: [tcp({ port: Number(port) })] });
      const error = yield* until(
        busy.spawn(function* () {
          return yield* thrown(() => Network.join({ secret: null, engines: [tcp({ port: Number(port) })] }));
        }).value(),
      );
      assertInstanceOf(error, Error);
      yield* again.leave();
    }).value(20);
  } finally {
    await scheduler.terminate();
    await busy.terminate();
  }
});

Deno.test("tcp: the secret is in no dump, error or text", async () => {
  const other = new Scheduler({ name: "other" });
  await withServer(function* (coro, network, address) {
    const error = (yield* until(
      other.spawn(function* () {
        const network = yield* Network.join({ secret: "quite another secret", engines: [tcp()] });
        return yield* thrown(() => network.peer(address));
      }).value(),
    )) as Error;
    assertEquals(error.name, "AuthenticationError");
    const texts = [error.stack, Deno.inspect(coro.scheduler.dump()), Deno.inspect(network), Deno.inspect(error)].join();
    assert(!texts.includes(SECRET) && !texts.includes("quite another secret"));
  });
  await other.terminate();
});

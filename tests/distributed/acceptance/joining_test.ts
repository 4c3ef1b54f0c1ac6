/** Joining a network, connecting, and being refused. */
import { Coro, Scheduler, sleep, TimeoutError } from "@asyncoro/asyncoro";
import {
  AuthenticationError,
  Location,
  Network,
  type NetworkOptions,
  type PeerStatus,
  ProtocolError,
  tcp,
} from "@asyncoro/asyncoro/distributed";
import { SimulatedNetwork } from "@asyncoro/asyncoro/testing";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { eventually, onMachines, SECRET, type Steps, thrownBy } from "./machines.ts";

/** Runs a program on a scheduler of its own. */
async function alone(program: (coro: Coro) => Steps): Promise<void> {
  const scheduler = new Scheduler();
  try {
    await scheduler.spawn(program).value(20);
  } finally {
    await scheduler.terminate();
  }
}

/** What `join` throws, which must be at the yield. */
function* refusal(options: NetworkOptions): Steps<Error> {
  const operation = Network.join(options);
  try {
    yield* operation;
  } catch (error) {
    assertEquals(Network.of(), null);
    return error as Error;
  }
  throw new Error("joined");
}

Deno.test("join refuses missing, short and wrong secrets at the yield, and never shows one", async () => {
  await alone(function* () {
    assertMatch((yield* refusal({})).message, /secret/);
    assertMatch((yield* refusal({ engines: [tcp()] })).message, /secret/);
    const short = yield* refusal({ secret: "fifteen charact" });
    assertInstanceOf(short, RangeError);
    assert(!short.message.includes("fifteen"));
    const wrong = yield* refusal({ secret: 1234567890123456 as unknown as string });
    assertInstanceOf(wrong, TypeError);
    assert(!wrong.message.includes("1234567890"));
    for (const hostname of ["0.0.0.0", "::"]) {
      assertMatch((yield* refusal({ secret: null, engines: [tcp({ hostname })] })).message, /secret/);
    }
    const open: Network = yield* Network.join({ secret: null });
    yield* open.leave();
    const sixteen = yield* Network.join({ secret: "sixteen characte" });
    yield* sixteen.leave();
  });
});

Deno.test("join refuses options that are wrong, before anything listens", async () => {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const bad: Record<string, unknown>[] = [
    { name: "" },
    { name: 7 },
    { engines: [] },
    { engines: "tcp" },
    { engines: [{}] },
    { network: "" },
    { network: 5 },
    { heartbeat: 0 },
    { heartbeat: -1 },
    { heartbeat: NaN },
    { peerTimeout: 0 },
    { peerTimeout: "1" },
    { maxMessageSize: 0 },
    { maxMessageSize: 1.5 },
    { maxQueue: -1 },
    { maxPeers: 0 },
    { discover: 1 },
    { allow: true },
    { files: "dir" },
    { files: {} },
    { files: { directory: 5 } },
    { files: { directory: "d", maxBytes: -1 } },
    { nonsense: 1 },
  ];
  await alone(function* () {
    for (const options of bad) {
      const error = yield* refusal({ secret: SECRET, engines: [tcp({ port })], ...options } as NetworkOptions);
      assert(error instanceof TypeError || error instanceof RangeError, `${JSON.stringify(options)}: ${error}`);
      assertMatch(error.message, /^Cannot join as /);
    }
    // The port is free.
    const network = yield* Network.join({ secret: SECRET, engines: [tcp({ port })] });
    assertEquals(network.location.address, `tcp://127.0.0.1:${port}`);
    yield* network.leave();
  });
});

Deno.test("a scheduler joins once; after leave() again, as another joining", async () => {
  await alone(function* () {
    const network = yield* Network.join({ secret: SECRET, name: "me" });
    assertStrictEquals(Network.of(), network);
    assertStrictEquals(Network.of(Scheduler.curCoro()!.scheduler), network);
    assertInstanceOf(network.location, Location);
    assertEquals(network.location.name, "me");
    assertEquals(`${network.location}`, `me@${network.location.address}`);
    const second = yield* thrownBy(Error, Network.join({ secret: SECRET }));
    assertMatch(second.message, /has joined/);
    yield* network.leave();
    yield* network.leave();
    assertEquals(Network.of(), null);
    const again = yield* Network.join({ secret: SECRET, name: "me" });
    assert(again.location.id !== network.location.id);
    assert(!again.location.equals(network.location));
    assertThrows(() => network.peer("127.0.0.1:1"), Error);
    yield* again.leave();
    yield* again.closed();
  });
});

Deno.test("the location has an id of 128 bits, a name by default, and an address that is a URL", async () => {
  await alone(function* () {
    const network = yield* Network.join({ secret: SECRET });
    const { id, name, address } = network.location;
    assertMatch(id, /^[0-9a-f]{32}$/);
    assert(name.length > 0);
    assertEquals(new URL(address).protocol, "tcp:");
    assertEquals(network.peers(), []);
    assertEquals(network.stats(), {
      peers: 0,
      queuedBytes: 0,
      sent: 0,
      received: 0,
      resent: 0,
      duplicates: 0,
      refused: 0,
      pending: 0,
    });
    yield* network.leave();
  });
});

for (
  const [title, options] of Object.entries<NetworkOptions>({
    "another secret": { secret: "another secret of the tests" },
    "another network": { network: "another" },
  })
) {
  Deno.test(`${title}: AuthenticationError at the dialer, at once, and counted at the acceptor, which reports nothing`, async () => {
    let done = false;
    await onMachines({
      *a(coro, { network, reported }) {
        const start = coro.scheduler.now();
        const error = yield* thrownBy(AuthenticationError, network.peer("sim:b", 60));
        assert(coro.scheduler.now() - start < 1);
        assert(!`${error.message}${error.stack}${Deno.inspect(error)}`.includes("secret of the"));
        assertEquals(network.peers(), []);
        assertEquals(network.stats().refused, 0);
        assertEquals(reported, []);
        done = true;
      },
      *b(coro, { network, reported }) {
        network.peerStatus(coro);
        yield* eventually(() => done);
        assertEquals(network.stats().refused, 1);
        assertEquals(network.stats().received, 0);
        assertEquals(yield* coro.receive(0), undefined);
        assertEquals(network.peers(), []);
        assertEquals(reported, []);
      },
    }, (name) => name === "b" ? options : {});
  });
}

/** Connects two machines that speak these versions. Returns what `a` got. */
async function versions(a: readonly [number, number], b: readonly [number, number]): Promise<unknown> {
  const simulation = new SimulatedNetwork({ seed: 3 });
  let result: unknown;
  let refused = 0;
  for (const [name, range] of [["a", a], ["b", b]] as const) {
    const engine = simulation.engine(name, { versions: range });
    simulation.scheduler(name).spawn(function* () {
      const network = yield* Network.join({ name, secret: SECRET, engines: [engine] });
      if (name === "b") {
        yield* eventually(() => result !== undefined);
        refused = network.stats().refused;
        return;
      }
      const start = Scheduler.curCoro()!.scheduler.now();
      try {
        result = yield* network.peer("sim:b", 30);
      } catch (error) {
        assert(Scheduler.curCoro()!.scheduler.now() - start < 1);
        result = error;
      }
    });
  }
  await simulation.run();
  assertEquals(refused, result instanceof Error ? 1 : 0);
  return result;
}

Deno.test("no common version is a ProtocolError at once that names both; else the highest common one is spoken", async () => {
  for (const [a, b] of [[[1, 1], [2, 3]], [[4, 5], [2, 3]]] as const) {
    const error = await versions(a, b) as Error;
    assertInstanceOf(error, ProtocolError);
    for (const version of new Set([...a, ...b])) assert(error.message.includes(`${version}`), error.message);
  }
  assertInstanceOf(await versions([1, 3], [1, 1]), Location);
  assertInstanceOf(await versions([1, 1], [1, 7]), Location);
});

Deno.test("peer() retries until its time is up, and throws the last error, or TimeoutError if there was none", async () => {
  await onMachines({
    *a(coro, { network, simulation }) {
      const start = coro.scheduler.now();
      const error = yield* thrownBy(Error, network.peer("sim:nobody", 4));
      const took = coro.scheduler.now() - start;
      assert(took >= 3.5 && took <= 4.1, `${took}`);
      assert(!(error instanceof TimeoutError), `${error}`);
      simulation.partition(["a"], ["b"]);
      yield* thrownBy(Error, network.peer("sim:b", 4));
      assertEquals(network.stats().pending, 0);
      new Coro(function* () {
        yield* sleep(5);
        simulation.heal();
      });
      assertEquals((yield* network.peer("sim:b", 20)).name, "b");
      for (const bad of ["", 5, null, {}]) assertThrows(() => network.peer(bad as string), TypeError);
      yield* thrownBy(TypeError, network.peer("other:x", 2));
      assertEquals((yield* network.peer(network.location, 1)).id, network.location.id);
      assertEquals((yield* network.peer("sim:a", 5)).id, network.location.id);
    },
    *b(_coro, { network }) {
      yield* eventually(() => network.peers().length > 0);
      yield* sleep(10);
    },
  });
});

Deno.test("peer() returns at once if the address, or the peer behind it, is connected", async () => {
  await onMachines({
    *a(coro, { network }) {
      const b = yield* network.peer("sim:b");
      const start = coro.scheduler.now();
      assertStrictEquals(yield* network.peer("sim:b"), b);
      assertStrictEquals(yield* network.peer(b), b);
      assertStrictEquals(yield* network.peer(b.address), b);
      assertEquals(coro.scheduler.now(), start);
      assertEquals(network.peers(), [b]);
    },
    *b(_coro, { network }) {
      yield* eventually(() => network.peers().length > 0);
      const start = Scheduler.curCoro()!.scheduler.now();
      const a = yield* network.peer("sim:a");
      assertEquals(Scheduler.curCoro()!.scheduler.now(), start);
      assertEquals(a.name, "a");
      yield* sleep(1);
    },
  });
});

Deno.test("closePeer is true once; both sides see that the other has left", async () => {
  let done = false;
  const seen: string[] = [];
  const note = (at: string) => ({ location, online, reason }: PeerStatus) =>
    seen.push(`${at}: ${location.name} ${online} ${reason}`);
  await onMachines({
    *a(coro, { network }) {
      const b = yield* network.peer("sim:b");
      network.peerStatus(coro);
      note("a")((yield* coro.receive<PeerStatus>(5))!);
      assertEquals(network.closePeer(b), true);
      assertEquals(network.closePeer(b), false);
      note("a")((yield* coro.receive<PeerStatus>(5))!);
      assertEquals(network.peers(), []);
      yield* sleep(30);
      assertEquals(yield* coro.receive(0), undefined);
      done = true;
    },
    *b(coro, { network }) {
      network.peerStatus(coro);
      for (let i = 0; i < 2; i++) note("b")((yield* coro.receive<PeerStatus>(60))!);
      yield* eventually(() => done);
      assertEquals(network.peers(), []);
      assertEquals(yield* coro.receive(0), undefined);
    },
  });
  assertEquals(seen.sort(), ["a: b false left", "a: b true joined", "b: a false left", "b: a true joined"]);
});

Deno.test("leave waits until all that was sent is acknowledged, at most its timeout", async () => {
  let got = 0;
  await onMachines({
    *a(coro, { network, simulation }) {
      yield* network.peer("sim:b");
      const b = (yield* Coro.locate("b", 10))!;
      simulation.freeze("b", 3);
      for (let i = 0; i < 100; i++) b.send(i);
      const start = coro.scheduler.now();
      yield* network.leave();
      const took = coro.scheduler.now() - start;
      assert(took >= 2.5 && took < 4, `${took}`);
      const again = yield* Network.join({ secret: SECRET, engines: [simulation.engine("a")] });
      yield* again.peer("sim:b");
      const second = (yield* Coro.locate("b", 10))!;
      simulation.freeze("b", 60);
      second.send(1);
      const restart = coro.scheduler.now();
      yield* again.leave(2);
      const retook = coro.scheduler.now() - restart;
      assert(retook >= 1.9 && retook < 2.5, `${retook}`);
    },
    *b(coro) {
      coro.register("b");
      for (; got < 100; got++) assertEquals(yield* coro.receive(60), got);
      yield* sleep(120);
    },
  });
  assertEquals(got, 100);
});

Deno.test("more than maxPeers peers are refused and counted, and one fits when another has left", async () => {
  let third = false;
  let left = false;
  let done = false;
  await onMachines({
    *hub(_coro, { network }) {
      yield* eventually(() => third);
      assertEquals(network.peers().length, 2);
      assert(network.stats().refused >= 1);
      left = network.closePeer(network.peers()[0]);
      yield* eventually(() => done);
    },
    *a(_coro, { network }) {
      yield* network.peer("sim:hub");
      yield* eventually(() => done);
    },
    *b(_coro, { network }) {
      yield* network.peer("sim:hub");
      yield* eventually(() => done);
    },
    *c(_coro, { network }) {
      yield* sleep(1);
      yield* thrownBy(Error, network.peer("sim:hub", 2));
      third = true;
      yield* eventually(() => left);
      yield* network.peer("sim:hub", 30);
      done = true;
    },
  }, (name) => name === "hub" ? { maxPeers: 2 } : {});
});

Deno.test("the secret is in no error, dump, inspection or report", async () => {
  let done = false;
  await onMachines({
    *a(coro, { network, simulation, reported }) {
      yield* network.peer("sim:b");
      const found = yield* Coro.locate("b", 10);
      const texts = [
        Deno.inspect(network, { depth: 30, showHidden: true, iterableLimit: 1000 }),
        Deno.inspect(coro, { depth: 30, showHidden: true }),
        Deno.inspect(coro.scheduler, { depth: 30, showHidden: true }),
        Deno.inspect(found, { depth: 30, showHidden: true }),
        Deno.inspect(network.location, { depth: 30, showHidden: true }),
        Deno.inspect(simulation, { depth: 30, showHidden: true }),
        JSON.stringify(coro.scheduler.dump()),
        JSON.stringify(network.location),
        `${network} ${found} ${reported}`,
        ...simulation.trace(),
      ];
      for (const text of texts) assert(!text.includes(SECRET));
      done = true;
    },
    *b(coro) {
      coro.register("b");
      yield* eventually(() => done);
    },
  });
});

Deno.test("two networks in one process, with other secrets or names, do not meet", async () => {
  const schedulers = [0, 1, 2].map((i) => new Scheduler({ name: `s${i}` }));
  const addresses: string[] = [];
  const results: unknown[] = [];
  const options: NetworkOptions[] = [
    { secret: SECRET, network: "one" },
    { secret: SECRET, network: "two" },
    { secret: SECRET, network: "one" },
  ];
  try {
    await Promise.all(schedulers.map((scheduler, i) =>
      scheduler.spawn(function* (coro) {
        const network = yield* Network.join({ name: `n${i}`, ...options[i] });
        coro.register("same");
        addresses[i] = network.location.address;
        yield* eventually(() => addresses.filter(Boolean).length === 3);
        if (i === 2) {
          assertEquals((yield* network.peer(addresses[0])).name, "n0");
          yield* thrownBy(AuthenticationError, network.peer(addresses[1]));
          assertStrictEquals(yield* Coro.locate("same", 5), coro);
          results.push((yield* Coro.locate("same", 5, network.peers()[0]))!.location!.name);
        } else yield* eventually(() => results.length > 0);
      }).value(20)
    ));
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
  assertEquals(results, ["n0"]);
});

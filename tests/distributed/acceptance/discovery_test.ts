/** Discovery: off by default; on, peers of a network find each other, and others do not. */
import { Coro, Scheduler, sleep, until } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions, tcp } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals } from "@std/assert";
import { createSocket } from "node:dgram";
import { eventually, SECRET } from "./machines.ts";
import { withPeers } from "../processes/peer_processes.ts";

const GROUP = "239.255.97.5";

function freePort(): number {
  return 40_000 + Math.floor(Math.random() * 20_000);
}

/** Collects what is sent to a multicast group on the loopback interface. */
async function listen(port: number): Promise<{ packets: Uint8Array[]; stop(): Promise<void> }> {
  const packets: Uint8Array[] = [];
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.on("message", (bytes) => packets.push(bytes));
  await new Promise<void>((resolve) => socket.bind(port, "0.0.0.0", resolve));
  socket.addMembership(GROUP, "127.0.0.1");
  return { packets, stop: () => new Promise<void>((resolve) => socket.close(() => resolve())) };
}

/** Joins with each of the options, on schedulers of their own; resolves to the names of the peers of the first. */
async function joined(options: readonly NetworkOptions[], seconds: number): Promise<string[][]> {
  const schedulers = options.map(() => new Scheduler());
  try {
    return await Promise.all(schedulers.map((scheduler, i) =>
      scheduler.spawn(function* () {
        const network = yield* Network.join({ name: `peer ${i}`, secret: SECRET, ...options[i] });
        yield* sleep(seconds);
        return network.peers().map(({ name }) => name).sort();
      }).value(20)
    ));
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
}

Deno.test("nothing is sent by default; with `discover` peers find each other, and beacons carry no name", async () => {
  const port = freePort();
  const engines = () => [tcp({ discoveryPort: port })];
  const ear = await listen(port);
  assertEquals(await joined([{ engines: engines() }, { engines: engines() }], 1), [[], []]);
  assertEquals(ear.packets, []);
  assertEquals(
    await joined([{ engines: engines(), discover: true }, { engines: engines(), discover: true }], 2),
    [["peer 1"], ["peer 0"]],
  );
  assert(ear.packets.length > 0);
  for (const packet of ear.packets) {
    const text = new TextDecoder("latin1").decode(packet);
    assert(!text.includes("peer 0") && !text.includes("peer 1") && !text.includes(SECRET), text);
  }
  await ear.stop();
});

Deno.test("peers with another secret or network do not find each other, and nothing is reported or refused", async () => {
  const port = freePort();
  const engines = () => [tcp({ discoveryPort: port })];
  const all = { discover: true };
  assertEquals(
    await joined([
      { engines: engines(), ...all },
      { engines: engines(), ...all, secret: "another secret of the tests" },
      { engines: engines(), ...all, network: "another" },
      { engines: engines(), ...all },
    ], 2),
    [["peer 3"], [], [], ["peer 0"]],
  );
});

Deno.test("beacons that are forged, changed or replayed connect nobody and end nothing", async () => {
  const port = freePort();
  const ear = await listen(port);
  const scheduler = new Scheduler();
  const reported: unknown[] = [];
  scheduler.onError = (error) => reported.push(error);
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  try {
    await scheduler.spawn(function* () {
      const network = yield* Network.join({
        secret: SECRET,
        discover: true,
        engines: [tcp({ discoveryPort: port })],
      });
      yield* eventually(() => ear.packets.length > 0);
      const genuine = ear.packets[0];
      for (let i = 0; i < genuine.length; i++) {
        const changed = genuine.slice();
        changed[i] ^= 1;
        socket.send(changed, port, GROUP);
        socket.send(genuine.slice(0, i), port, GROUP);
      }
      for (let i = 0; i < 200; i++) socket.send(crypto.getRandomValues(new Uint8Array(i)), port, GROUP);
      socket.send(genuine, port, GROUP);
      yield* sleep(1);
      assertEquals(network.peers(), []);
      assertEquals(reported, []);
    }).value(20);
  } finally {
    await scheduler.terminate();
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    await ear.stop();
  }
});

Deno.test("two processes find each other", async () => {
  const port = freePort();
  await withPeers(function* (coro, { network, start }) {
    const starting = start("server", 0, { discover: true, engine: { discoveryPort: port } });
    yield* eventually(() => network.peers().length === 1);
    const server = (yield* Coro.locate("server", 10))!;
    server.send({ ask: 1, to: coro });
    assertEquals(yield* coro.receive(5), ["pong", 1]);
    yield* until(starting);
  }, { discover: true, engines: [tcp({ discoveryPort: port })] });
});

/** Discovery by UDP multicast, on the loopback interface. */
import dgram from "node:dgram";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Discovery, type DiscoveryPlan } from "../../../core/distributed/engines/discovery.ts";
import {
  addressOf,
  decodePacket,
  type DiscoveryPacket,
  encodePacket,
  MAX_BEACON,
} from "../../../core/distributed/engines/discovery_packet.ts";
import type { Link } from "../../../core/distributed/engine.ts";
import { tcp } from "../../../core/distributed/engines/tcp.ts";
import { bytes, drive, eventually, pause, text } from "../../io/helpers.ts";
import { withPrograms } from "../../helpers/program.ts";
import { Random } from "../../soak/random.ts";
import { withTimers } from "./host_timers.ts";
import { until } from "./link_suite.ts";

const GROUP = "239.255.97.5";

/** A UDP port for one test: tests run at the same time. */
async function freePort(): Promise<number> {
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "0.0.0.0", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** A member of the group that the test controls. */
class Member implements Disposable {
  readonly packets: DiscoveryPacket[] = [];
  readonly #port: number;
  readonly #socket = dgram.createSocket({ type: "udp4", reuseAddr: true });

  private constructor(port: number) {
    this.#port = port;
  }

  static async join(port: number): Promise<Member> {
    const member = new Member(port);
    const socket = member.#socket;
    await new Promise<void>((resolve) => socket.bind(port, "0.0.0.0", resolve));
    socket.addMembership(GROUP, "127.0.0.1");
    socket.setMulticastInterface("127.0.0.1");
    socket.on("message", (data) => {
      const packet = decodePacket(new Uint8Array(data));
      if (packet !== null) member.packets.push(packet);
    });
    return member;
  }

  send(packet: Uint8Array): void {
    this.#socket.send(packet, this.#port, GROUP);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function packetOf(parts: Partial<DiscoveryPacket>): DiscoveryPacket {
  return { sender: new Uint8Array(8).fill(1), hostname: "127.0.0.1", port: 9705, beacon: bytes("beacon"), ...parts };
}

function found(into: string[]): (address: string, beacon: Uint8Array) => void {
  return (address, beacon) => into.push(`${address} ${text(beacon)}`);
}

// --- packets --------------------------------------------------------------------------------------------------

Deno.test("a packet is decoded to what it was made of", () => {
  const packets = [
    packetOf({}),
    packetOf({ hostname: "" }),
    packetOf({ hostname: "fd00::2", port: 1 }),
    packetOf({ hostname: "a".repeat(255), port: 65_535, beacon: new Uint8Array(MAX_BEACON).fill(7) }),
    packetOf({ beacon: new Uint8Array(0) }),
  ];
  for (const packet of packets) assertEquals(decodePacket(encodePacket(packet)), packet);
});

Deno.test("bytes that are not a packet are ignored", () => {
  const good = encodePacket(packetOf({}));
  for (let length = 0; length < 15 + "127.0.0.1".length; length++) {
    assertEquals(decodePacket(good.subarray(0, length)), null);
  }
  const wrong = [
    encodePacket(packetOf({ port: 0 })),
    encodePacket(packetOf({ hostname: "a b" })),
    encodePacket(packetOf({ hostname: "a:80" })),
    encodePacket(packetOf({ beacon: new Uint8Array(MAX_BEACON + 1) })),
    good.map((byte, i) => i === 0 ? byte ^ 1 : byte),
    new Uint8Array(65_000),
    bytes("GET / HTTP/1.1\r\n\r\n"),
  ];
  for (const packet of wrong) assertEquals(decodePacket(packet), null);
  const random = new Random(1);
  for (let i = 0; i < 5000; i++) {
    const packet = good.slice(0, random.from(0, good.length));
    for (let k = random.from(0, 3); k > 0 && packet.length > 0; k--) {
      packet[random.below(packet.length)] = random.below(256);
    }
    decodePacket(packet);
  }
});

Deno.test("the address of a packet is its host name, or else where it came from", () => {
  assertEquals(addressOf(packetOf({ hostname: "node.example" }), "192.0.2.9"), "tcp://node.example:9705");
  assertEquals(addressOf(packetOf({ hostname: "" }), "192.0.2.9"), "tcp://192.0.2.9:9705");
  assertEquals(addressOf(packetOf({ hostname: "::1" }), "127.0.0.1"), "tcp://[::1]:9705");
  // Another machine's loopback address is not to be dialed here.
  for (const hostname of ["127.0.0.1", "::1", "localhost"]) {
    assertEquals(addressOf(packetOf({ hostname }), "192.0.2.9"), null);
  }
  for (const hostname of ["0.0.0.0", "::"]) assertEquals(addressOf(packetOf({ hostname }), "127.0.0.1"), null);
});

// --- what is sent and found -----------------------------------------------------------------------------------

Deno.test("two engines find each other, and not themselves", async () => {
  const discoveryPort = await freePort();
  await drive(function* () {
    const engines = ["127.0.0.1", "localhost"].map((hostname) => tcp({ hostname, discoveryPort }));
    const addresses: string[] = [];
    for (const engine of engines) addresses.push(yield* engine.open(() => {}));
    const seen: string[][] = [[], []];
    const ends = engines.map((engine, i) => engine.discover!(bytes(`beacon ${i}`), found(seen[i])));
    yield* until(() => seen.every(({ length }) => length > 0), "both are found");
    for (const end of ends) end();
    for (const engine of engines) yield* engine.close();
    for (const [i, all] of seen.entries()) {
      for (const other of all) assertEquals(other, `${addresses[1 - i]} beacon ${1 - i}`);
    }
  });
});

Deno.test("an engine at a wildcard is found at the address that its packets come from", async () => {
  const discoveryPort = await freePort();
  using member = await Member.join(discoveryPort);
  await drive(function* () {
    const engine = tcp({ hostname: "127.0.0.1", discoveryPort });
    yield* engine.open(() => {});
    const seen: string[] = [];
    engine.discover!(bytes("b"), found(seen));
    member.send(encodePacket(packetOf({ hostname: "", port: 1234 })));
    yield* until(() => seen.length > 0, "it is found");
    assertEquals(seen[0], "tcp://127.0.0.1:1234 beacon");
    yield* engine.close();
  });
});

Deno.test("an engine that does not discover sends nothing", async () => {
  const discoveryPort = await freePort();
  using member = await Member.join(discoveryPort);
  await drive(function* () {
    const engine = tcp({ discoveryPort });
    const links: Link[] = [];
    const address = yield* engine.open((link) => links.push(link));
    links.push(yield* engine.dial(address, 5));
    yield pause(100);
    for (const link of links) link.close();
    yield* engine.close();
  });
  assertEquals(member.packets, []);
});

Deno.test("discovery sends nothing and finds nothing after its end, or after that of the engine", async () => {
  const discoveryPort = await freePort();
  using member = await Member.join(discoveryPort);
  for (const closes of [false, true]) {
    await drive(function* () {
      const engine = tcp({ discoveryPort });
      yield* engine.open(() => {});
      const seen: string[] = [];
      const end = engine.discover!(bytes("b"), found(seen));
      yield* until(() => member.packets.length > 0, "it sends");
      if (closes) yield* engine.close();
      end();
      end();
      const { length } = member.packets;
      member.send(encodePacket(packetOf({})));
      yield pause(300);
      assertEquals(member.packets.slice(length).filter(({ port }) => port !== 9705), []);
      assertEquals(seen, []);
      yield* engine.close();
      member.packets.length = 0;
    });
  }
});

async function plan(into: string[]): Promise<DiscoveryPlan> {
  const port = await freePort();
  const where = { group: GROUP, port, networkInterface: "127.0.0.1", hostname: "127.0.0.1", tcpPort: 4567 };
  return { ...where, beacon: bytes("mine"), found: found(into) };
}

Deno.test("discovery sends at once, after 1, 2, 4, 8, 16 seconds, and then every 30", () =>
  withTimers(async (timers) => {
    const settings = await plan([]);
    using member = await Member.join(settings.port);
    const discovery = new Discovery(settings);
    await eventually(() => member.packets.length === 1, "it sends at once");
    for (let i = 0; i < 7; i++) {
      timers.at(-1)!.fire();
      await eventually(() => member.packets.length === i + 2, "it sends again");
    }
    assertEquals(timers.map(({ seconds }) => seconds), [1, 2, 4, 8, 16, 30, 30, 30]);
    for (const packet of member.packets) {
      assertEquals(packet, packetOf({ sender: packet.sender, port: 4567, beacon: bytes("mine") }));
    }
    discovery.end();
  }));

Deno.test("a peer that was not heard before gets an answer soon, and many together get one", () =>
  withTimers(async (timers) => {
    const seen: string[] = [];
    const settings = await plan(seen);
    using member = await Member.join(settings.port);
    const discovery = new Discovery(settings);
    const send = async (sender: number): Promise<void> => {
      const { length } = seen;
      member.send(encodePacket(packetOf({ sender: new Uint8Array(8).fill(sender) })));
      await eventually(() => seen.length > length, "it is found");
    };
    const mine = () => member.packets.filter(({ port }) => port === 4567).length;
    for (const sender of [1, 2, 1, 3]) await send(sender);
    assertEquals(seen.length, 4);
    assertEquals(timers.length, 2);
    const [, answer] = timers;
    assert(answer.seconds <= 0.2);
    assertEquals(mine(), 1);
    answer.fire();
    await eventually(() => mine() === 2, "it answers");
    await send(2);
    assertEquals(timers.length, 2);
    await send(4);
    assertEquals(timers.length, 3);
    discovery.end();
  }));

/** Runs a test that sees the sockets that are made. */
async function withSockets(test: (sockets: dgram.Socket[]) => Promise<void>): Promise<void> {
  const { createSocket } = dgram;
  const sockets: dgram.Socket[] = [];
  const recording = (...args: Parameters<typeof createSocket>) => {
    const socket = createSocket(...args);
    sockets.push(socket);
    return socket;
  };
  Object.assign(dgram, { createSocket: recording });
  try {
    await test(sockets);
  } finally {
    Object.assign(dgram, { createSocket });
  }
}

Deno.test("discovery goes on with another socket when one has failed, and the machine has a network again", () =>
  withTimers((timers) =>
    withSockets(async (sockets) => {
      const seen: string[] = [];
      const settings = await plan(seen);
      using member = await Member.join(settings.port);
      sockets.length = 0;
      const discovery = new Discovery(settings);
      await eventually(() => member.packets.length === 1, "it sends");
      sockets[0].emit("error", new Error("the network is down"));
      const { addMembership } = dgram.Socket.prototype;
      dgram.Socket.prototype.addMembership = () => {
        throw new Error("there is no network");
      };
      timers.at(-1)!.fire();
      dgram.Socket.prototype.addMembership = addMembership;
      assertEquals(sockets.length, 2);
      timers.at(-1)!.fire();
      await eventually(() => member.packets.length === 2, "it sends again");
      member.send(encodePacket(packetOf({})));
      await eventually(() => seen.length === 1, "it finds others");
      discovery.end();
    })
  ));

Deno.test("malformed packets, and packets from other machines on the loopback interface, are ignored", async () => {
  const discoveryPort = await freePort();
  using member = await Member.join(discoveryPort);
  await drive(function* () {
    const engine = tcp({ discoveryPort });
    yield* engine.open(() => {});
    const seen: string[] = [];
    engine.discover!(bytes("b"), found(seen));
    for (const size of [0, 1, 15, 2000, 60_000]) member.send(new Uint8Array(size));
    member.send(encodePacket(packetOf({ port: 0 })));
    member.send(encodePacket(packetOf({})));
    yield* until(() => seen.length > 0, "the good one is found");
    assertEquals(seen, ["tcp://127.0.0.1:9705 beacon"]);
    yield* engine.close();
  });
});

// --- errors ---------------------------------------------------------------------------------------------------

Deno.test("discover() refuses what is not a beacon, and an engine that is not open", () =>
  drive(function* () {
    const engine = tcp();
    assertThrows(() => engine.discover!(new Uint8Array(1), () => {}), Error, "yield its open() before");
    assertThrows(() => engine.discover!("b" as never, () => {}), TypeError, "'beacon' must be a Uint8Array");
    const long = new Uint8Array(MAX_BEACON + 1);
    assertThrows(() => engine.discover!(long, () => {}), RangeError, "has at most 1024 bytes: current value has 1025");
    yield* engine.open(() => {});
    yield* engine.close();
    assertThrows(() => engine.discover!(new Uint8Array(1), () => {}), Error, "not open");
  }));

Deno.test("discover() fails if another program uses the port alone", async () => {
  const discoveryPort = await freePort();
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(discoveryPort, "0.0.0.0", resolve));
  await drive(function* () {
    const engine = tcp({ discoveryPort });
    yield* engine.open(() => {});
    const error = assertThrows(() => engine.discover!(bytes("b"), () => {}), Deno.errors.AddrInUse);
    assertStringIncludes(error.message, `uses the UDP port ${discoveryPort} alone: choose another 'discoveryPort'`);
    yield* engine.close();
  });
  await new Promise<void>((resolve) => socket.close(() => resolve()));
});

for (const [missing, net] of [["port", ["127.0.0.1"]], ["group", ["127.0.0.1", "0.0.0.0"]]] as const) {
  Deno.test({
    name: `discover() without permission for the ${missing} fails with Deno's error`,
    permissions: { net: [...net], read: true },
    fn: () =>
      drive(function* () {
        const engine = tcp({ discoveryPort: 9707 });
        yield* engine.open(() => {});
        const error = assertThrows(() => engine.discover!(bytes("b"), () => {}), Deno.errors.NotCapable);
        assertStringIncludes(error.message, "9707");
        assertStringIncludes(error.message, "--allow-net");
        yield* engine.close();
      }),
  });
}

// --- processes ------------------------------------------------------------------------------------------------

Deno.test("engines in two processes find each other with the permissions that are needed", async () => {
  const discoveryPort = await freePort();
  const engine = new URL("../../../core/distributed/engines/tcp.ts", import.meta.url).href;
  const source = (beacon: string) =>
    `import { run, sleep } from "@asyncoro/asyncoro";
import { tcp } from ${JSON.stringify(engine)};
await run(function* () {
  const engine = tcp({ discoveryPort: ${discoveryPort} });
  console.log("I am", yield* engine.open(() => {}));
  engine.discover(new TextEncoder().encode("${beacon}"), (address, beacon) =>
    console.log("found", address, new TextDecoder().decode(beacon)));
  yield* sleep(60);
});`;
  const permission = `--allow-net=127.0.0.1,0.0.0.0:${discoveryPort},${GROUP}:${discoveryPort}`;
  await withPrograms(async (start) => {
    const programs = ["one", "two"].map((beacon) => start(source(beacon), [permission]));
    for (const program of programs) await program.printed("found");
    for (const program of programs) program.kill("SIGKILL");
    const [one, two] = await Promise.all(programs.map((program) => program.ended()));
    const address = ({ stdout }: { stdout: string }) => /I am (\S+)/.exec(stdout)![1];
    assertStringIncludes(one.stdout, `found ${address(two)} two\n`);
    assertStringIncludes(two.stdout, `found ${address(one)} one\n`);
  });
});

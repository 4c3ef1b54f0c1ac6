/** The engine for TCP: the suite of all engines, and what only TCP does. */
import { Coro, type Operation, TimeoutError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import type { Engine, Link } from "../../../core/distributed/engine.ts";
import { tcp, type TcpOptions } from "../../../core/distributed/engines/tcp.ts";
import { LOW_WATER } from "../../../core/distributed/engines/tcp_link.ts";
import { Random } from "../../soak/random.ts";
import { drive, has, pause, testCertificate, testWith, text } from "../../io/helpers.ts";
import { HOARD, starve } from "../../io/starving.ts";
import { frameOf, LinkEnd } from "./link_end.ts";
import { type Body, failure, type LinkSubject, linkSuite, until } from "./link_suite.ts";

const LOOPBACK = "127.0.0.1";

/** The port of nothing: it was free a moment ago. */
function freePort(): number {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  listener.close();
  return listener.addr.port;
}

/** Calls `test` with the address of a listener that takes no connection, as its queue is full. */
function* fullListener(test: (address: string) => Body): Body {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  const conns: Deno.Conn[] = [];
  for (let full = false; !full;) {
    const signal = AbortSignal.timeout(200);
    const conn = yield Deno.connect({ hostname: LOOPBACK, port, signal }).catch(() => null);
    full = conn === null;
    if (conn !== null) conns.push(conn as Deno.Conn);
  }
  yield* test(`tcp://${LOOPBACK}:${port}`);
  for (const conn of conns) conn.close();
  listener.close();
}

/** Calls `test` with the address of a listener that sends nothing. */
function* silentListener(test: (address: string) => Body): Body {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  yield* test(`tcp://${LOOPBACK}:${listener.addr.port}`);
  listener.close();
}

function tls(): TcpOptions {
  const { ca, cert, key } = testCertificate();
  return { hostname: "localhost", tls: { cert, key, caCerts: [ca] } };
}

const PLAIN: LinkSubject = {
  name: "tcp",
  run: (test) =>
    drive(function* () {
      yield* test(tcp(), tcp());
    }),
  nowhere: `tcp://${LOOPBACK}:${freePort()}`,
  silence: (_far, _address, test) => fullListener(test),
};

const TLS: LinkSubject = {
  ...PLAIN,
  name: "tcp with TLS",
  ignore: !has("openssl"),
  run: (test) =>
    drive(function* () {
      yield* test(tcp(tls()), tcp(tls()));
    }),
  silence: (_far, _address, test) => silentListener(test),
};

linkSuite(PLAIN);
linkSuite(TLS);

// --- addresses ------------------------------------------------------------------------------------------------

/** Opens an engine, and closes it after the test. */
function* opened(options: TcpOptions, test: (address: string, engine: Engine, links: Link[]) => Body): Body {
  const engine = tcp(options);
  const links: Link[] = [];
  const address = yield* engine.open((link) => links.push(link));
  try {
    yield* test(address, engine, links);
  } finally {
    for (const link of links) link.close();
    yield* engine.close();
  }
}

Deno.test("open() returns the host name of the options and the port that was bound", () =>
  drive(function* () {
    for (const hostname of ["127.0.0.1", "localhost", "::1"]) {
      yield* opened({ hostname }, function* (address) {
        const { port } = new URL(address);
        assert(Number(port) > 0);
        assertEquals(address, hostname === "::1" ? `tcp://[::1]:${port}` : `tcp://${hostname}:${port}`);
        (yield* tcp().dial(address, 5)).close();
      });
    }
    const port = freePort();
    yield* opened({ port }, function* (address) {
      assertEquals(address, `tcp://127.0.0.1:${port}`);
    });
  }));

Deno.test("an engine at a wildcard is dialed at the address that it tells, and at a loopback one", () =>
  drive(function* () {
    for (const hostname of ["0.0.0.0", "::"]) {
      yield* opened({ hostname }, function* (address) {
        const { port } = new URL(address);
        assertStringIncludes(address, hostname === "::" ? "tcp://[" : "tcp://");
        const loopback = hostname === "::" ? `[::1]:${port}` : `127.0.0.1:${port}`;
        for (const target of [address, loopback]) (yield* tcp().dial(target, 5)).close();
      });
    }
  }));

Deno.test("dial() takes host:port as well as a URL", () =>
  drive(function* () {
    yield* opened({}, function* (address) {
      for (const form of [address, address.slice("tcp://".length), `${address}/`]) {
        (yield* tcp().dial(form, 5)).close();
      }
    });
    assertThrows(() => tcp().dial("sim:b", 5), TypeError, `current value is "sim:b"`);
    assertThrows(() => tcp().dial("localhost:0", 5), RangeError, "current value is 0");
    assertThrows(() => tcp().dial("localhost:1", NaN), TypeError);
  }));

Deno.test("an engine that is open cannot be opened again", () =>
  drive(function* () {
    yield* opened({}, function* (_address, engine) {
      assertStringIncludes((yield* failure(engine.open(() => {}))).message, "another one with tcp()");
    });
  }));

Deno.test("errors of listening are Deno's, and say where", () =>
  drive(function* () {
    yield* opened({}, function* (address) {
      const port = Number(new URL(address).port);
      const inUse = yield* failure(tcp({ port }).open(() => {}));
      assertInstanceOf(inUse, Deno.errors.AddrInUse);
      assertStringIncludes(inUse.message, `Cannot listen at ${address} as the host refuses it: `);
      assertStringIncludes(inUse.message, "choose another 'port'");
      assertInstanceOf(inUse.cause, Deno.errors.AddrInUse);
    });
    const foreign = yield* failure(tcp({ hostname: "198.51.100.7" }).open(() => {}));
    assertStringIncludes(foreign.message, "Cannot listen at tcp://198.51.100.7:0 as the host refuses it: ");
  }));

Deno.test({
  name: "without permission, listening and dialing fail with Deno's error",
  permissions: { net: false, sys: false, read: true },
  fn: () =>
    drive(function* () {
      const refused = [tcp().open(() => {}), tcp().dial("127.0.0.1:9", 5), tcp({ hostname: "0.0.0.0" }).open(() => {})];
      const messages: string[] = [];
      for (const operation of refused as Operation<unknown>[]) {
        const error = yield* failure(operation);
        assertInstanceOf(error, Deno.errors.NotCapable);
        messages.push(error.message);
      }
      assertStringIncludes(messages[0], "Cannot listen at tcp://127.0.0.1:0");
      assertStringIncludes(messages[0], "--allow-net");
      assertStringIncludes(messages[1], "--allow-net");
      assertStringIncludes(messages[2], "--allow-sys");
    }),
});

// --- links ----------------------------------------------------------------------------------------------------

/** A connection of the host's to an engine. */
function* rawConn(address: string): Generator<unknown, Deno.TcpConn, unknown> {
  const { port } = new URL(address);
  return (yield Deno.connect({ hostname: LOOPBACK, port: Number(port) })) as Deno.TcpConn;
}

/** Waits for the link of the connection that was made last. */
function* lastLink(links: Link[], count: number): Generator<unknown, LinkEnd, unknown> {
  yield* until(() => links.length === count, "the connection is accepted");
  const end = new LinkEnd(links.at(-1)!);
  end.start();
  return end;
}

Deno.test("whole frames come out of whatever pieces the network makes of them", () =>
  drive(function* () {
    yield* opened({}, function* (address, _engine, links) {
      const conn = yield* rawConn(address);
      const end = yield* lastLink(links, 1);
      const random = new Random(3);
      const frames = Array.from({ length: 60 }, (_, i) => frameOf(random.from(5, 90), i));
      const bytes = Uint8Array.from(frames.flatMap((frame) => [...frame]));
      for (let at = 0; at < bytes.length;) {
        const size = random.chance(0.5) ? 1 : random.from(1, 200);
        yield conn.write(bytes.subarray(at, at += size));
        if (random.chance(0.3)) yield pause(1);
      }
      yield* until(() => end.frames.length === frames.length, "the frames have come");
      assertEquals(end.frames, frames);
      conn.close();
      yield* until(() => !end.open, "the end is told");
      assertEquals(end.ends, [null]);
    });
  }));

Deno.test("a peer that reads nothing makes frames wait, until it reads", () =>
  drive(function* () {
    yield* opened({}, function* (address, _engine, links) {
      const conn = yield* rawConn(address);
      const end = yield* lastLink(links, 1);
      const total = 32 * 1024 * 1024;
      for (let sent = 0; sent < total; sent += 1024 * 1024) end.write(frameOf(1024 * 1024, 1));
      yield pause(100);
      assert(end.link.queued > LOW_WATER, `${end.link.queued} bytes are queued`);
      assertEquals(end.drains, 0);
      const buffer = new Uint8Array(256 * 1024);
      for (let received = 0; received < total;) received += (yield conn.read(buffer)) as number;
      yield* until(() => end.link.queued === 0, "all is sent");
      assertEquals(end.drains, 1);
      conn.close();
      yield* until(() => !end.open, "the end is told");
    });
  }));

/** A client of Python's that sends some bytes and resets the connection. */
const RESET = `import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.sendall(b"hello")
s.recv(1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
`;

testWith(
  ["python3"],
  "a link that its peer resets ends with the error, and the engine goes on",
  () =>
    drive(function* () {
      yield* opened({}, function* (address, _engine, links) {
        const { port } = new URL(address);
        for (let i = 1; i <= 3; i++) {
          const client = new Deno.Command("python3", { args: ["-c", RESET, port], stderr: "piped" }).output();
          yield* until(() => links.length === i, "the connection is accepted");
          const reasons: (Error | null)[] = [];
          links[i - 1].start(() => {}, () => {}, (reason) => reasons.push(reason));
          links[i - 1].write(frameOf(10, 1));
          const { success, stderr } = (yield client) as Deno.CommandOutput;
          assert(success, text(stderr));
          yield* until(() => reasons.length > 0, "the end is told");
          assertInstanceOf(reasons[0], Deno.errors.ConnectionReset);
        }
        (yield* tcp().dial(address, 5)).close();
      });
    }),
);

Deno.test("a peer joins while 200 others connect and are silent", () =>
  drive(function* () {
    yield* opened({}, function* (address, engine, links) {
      const conns: Deno.Conn[] = [];
      for (let i = 0; i < 200; i++) conns.push(yield* rawConn(address));
      const near = new LinkEnd(yield* engine.dial(address, 5));
      const far = yield* lastLink(links, 201);
      near.start();
      near.write(frameOf(10, 1));
      far.write(frameOf(20, 2));
      yield* until(() => near.frames.length + far.frames.length === 2, "frames go both ways");
      near.close();
      for (const conn of conns) conn.close();
    });
  }));

Deno.test("closing an engine while connections come leaves nothing open", () =>
  drive(function* () {
    for (let i = 0; i < 10; i++) {
      const engine = tcp();
      const links: Link[] = [];
      const address = yield* engine.open((link) => links.push(link));
      const dials = Array.from({ length: 5 }, () =>
        new Coro(function* () {
          try {
            (yield* tcp().dial(address, 5)).close();
          } catch (error) {
            assert(!(error instanceof TimeoutError), `${error}`);
          }
        }));
      if (i % 2 === 0) yield pause(i);
      yield* engine.close();
      for (const dial of dials) yield* dial.finish();
      for (const link of links) link.close();
    }
  }));

/** A program whose engine gets no descriptors. It sends back what it receives. */
const HOARDER = `import { run, sleep } from "@asyncoro/asyncoro";
import { tcp } from ${JSON.stringify(new URL("../../../core/distributed/engines/tcp.ts", import.meta.url).href)};
${HOARD}
await run(function* () {
  const address = yield* tcp().open((link) => link.start((bytes) => link.write(bytes.slice()), () => {}, () => {}));
  console.log(JSON.stringify({ port: Number(new URL(address).port) }));
  hoard();
  free();
  yield* sleep(60);
});`;

testWith(["sh", "openssl"], "an engine that runs out of descriptors says so in a line, and goes on", async () => {
  const output = await starve(HOARDER);
  assertEquals(output.trim().split("\n").length, 1, output);
  assertStringIncludes(output, "Cannot accept at tcp://127.0.0.1:");
});

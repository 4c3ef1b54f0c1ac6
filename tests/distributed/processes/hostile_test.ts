/** Clients that are no peers, and peers that must not be: nothing they do stops the others. */
import { Coro, sleep, until } from "@asyncoro/asyncoro";
import { AuthenticationError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import { pause } from "../../io/helpers.ts";
import { withPeers } from "./peer_processes.ts";

interface Stats {
  readonly refused: number;
  readonly peers: number;
  readonly rss: number;
  readonly descriptors: number;
}

async function send(port: number, ...pieces: Uint8Array[]): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  for (const bytes of pieces) await conn.write(bytes);
  return conn;
}

/** Reads until the other side closes. Returns how many milliseconds that took. */
async function closed(conn: Deno.TcpConn): Promise<number> {
  const start = performance.now();
  const buffer = new Uint8Array(4096);
  try {
    while (await conn.read(buffer) !== null);
  } catch {
    // It was reset.
  }
  conn.close();
  return performance.now() - start;
}

const text = (value: string) => new TextEncoder().encode(value);

function assertIsInstance(reason: unknown): Error {
  assertInstanceOf(reason, AuthenticationError);
  return reason as Error;
}

function stats(coro: Coro, server: Coro): Generator<unknown, Stats, unknown> {
  return function* (): Generator<unknown, Stats, unknown> {
    server.send({ stats: true, to: coro });
    return (yield* coro.receive<Stats>(5))!;
  }();
}

Deno.test("HTTP, garbage, huge lengths and silence are closed, and a peer is served meanwhile", async () => {
  await withPeers(function* (coro, { network, start }) {
    const peer = yield* until(start("server"));
    yield* network.peer(peer.address);
    const server = (yield* Coro.locate("server", 10))!;
    const before = yield* stats(coro, server);
    const garbage = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) & 255);
    const clients = yield* until(Promise.all([
      send(peer.port, text("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")),
      send(peer.port, garbage),
      send(peer.port, Uint8Array.of(255, 255, 255, 255), garbage),
      send(peer.port, Uint8Array.of(0, 0, 2, 0, 1)),
      send(peer.port, Uint8Array.of(0, 0, 0, 0)),
      send(peer.port),
    ]));
    const closing = clients.map(closed);
    server.send({ ask: "during", to: coro });
    assertEquals(yield* coro.receive(5), ["pong", "during"]);
    for (const ms of yield* until(Promise.all(closing))) assertLess(ms, 20_000);
    const after = yield* stats(coro, server);
    assert(after.refused >= before.refused + 3);
    assertEquals(after.peers, 1);
    assertEquals(after.descriptors, before.descriptors);
    assertLess(after.rss - before.rss, 64 << 20);
  });
});

Deno.test("200 silent connections do not keep a peer out, and are closed", async () => {
  await withPeers(function* (coro, { network, start }) {
    const peer = yield* until(start("server"));
    const silent = yield* until(Promise.all(Array.from({ length: 200 }, () => send(peer.port))));
    const closing = Promise.all(silent.map(closed));
    yield* network.peer(peer.address);
    const server = (yield* Coro.locate("server", 10))!;
    server.send({ ask: 1, to: coro });
    assertEquals(yield* coro.receive(5), ["pong", 1]);
    yield* until(closing);
    const { descriptors } = yield* stats(coro, server);
    assertLess(descriptors, 60);
  });
});

Deno.test("a wrong secret is told to the dialer, counted at the acceptor, and never shown", async () => {
  await withPeers(function* (coro, { network, start, reported }) {
    const peer = yield* until(start("server", 0, { secret: "another secret of the tests" }));
    try {
      yield* network.peer(peer.address, 5);
      throw new TypeError("connected");
    } catch (reason) {
      const error = assertIsInstance(reason);
      assert(!`${error.message} ${error.stack}`.includes("secret of the tests"));
    }
    assertEquals(network.peers(), []);
    assertEquals(reported, []);
    assert(!Deno.inspect(network, { depth: 9 }).includes("secret of the tests"));
    assert(!JSON.stringify(coro.scheduler.dump()).includes("secret of the tests"));
  });
});

Deno.test("a thousand connections that come and go leave descriptors and memory as they were", async () => {
  await withPeers(function* (coro, { network, start }) {
    const peer = yield* until(start("server"));
    yield* network.peer(peer.address);
    const server = (yield* Coro.locate("server", 10))!;
    const round = function* (): Generator<unknown, Stats, unknown> {
      for (let i = 0; i < 10; i++) {
        yield* until(Promise.all(Array.from({ length: 50 }, async (_, k) => {
          const conn = await send(peer.port, text("x".repeat(k)));
          await pause(1);
          conn.close();
        })));
      }
      yield* sleep(0.2);
      return yield* stats(coro, server);
    };
    const first = yield* round();
    const second = yield* round();
    assertLess(Math.abs(second.descriptors - first.descriptors), 5);
    assertLess(second.rss - first.rss, 32 << 20);
  });
});

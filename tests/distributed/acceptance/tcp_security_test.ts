/** What a TCP peer does with clients that are no peers, and with whoever sits between two peers. */
import { Coro, Scheduler, sleep, UnsupportedError, until } from "@asyncoro/asyncoro";
import {
  AuthenticationError,
  Network,
  type NetworkOptions,
  tcp,
  type TcpOptions,
} from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertLess, assertThrows } from "@std/assert";
import { testCertificate, testWith } from "../../io/helpers.ts";
import { eventually, SECRET, type Steps, thrownBy } from "./machines.ts";

type Here = { network: Network; port: number; reported: unknown[] };

/** Runs programs in one process, each on a scheduler of its own; the first to end ends the test. */
async function overTcp(
  main: (coro: Coro, here: Here, server: Here) => Steps,
  options: NetworkOptions = {},
  engines: readonly TcpOptions[] = [{}, {}],
): Promise<void> {
  const schedulers = ["server", "client"].map((name) => new Scheduler({ name }));
  const ready = Promise.withResolvers<Here>();
  const join = function* (i: number): Steps<Here> {
    const reported: unknown[] = [];
    schedulers[i].onError = (error) => reported.push(error);
    const name = ["server", "client"][i];
    const network = yield* Network.join({ name, secret: SECRET, engines: [tcp(engines[i])], ...options });
    return { network, port: Number(new URL(network.location.address).port), reported };
  };
  try {
    schedulers[0].spawnWith({ daemon: true }, function* (coro) {
      coro.register("echo");
      const here = yield* join(0);
      ready.resolve(here);
      for (;;) {
        const [from, message] = (yield* coro.receive<[Coro, unknown]>()) as [Coro, unknown];
        from.send(message);
      }
    });
    await schedulers[1].spawn(function* (coro) {
      const here = yield* join(1);
      yield* main(coro, here, yield* until(ready.promise));
    }).value(60);
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
}

/** Everything that a connection brings until it is closed, and how long that took in seconds. */
async function readAll(conn: Deno.Conn): Promise<{ bytes: Uint8Array; seconds: number }> {
  const start = performance.now();
  const parts: number[] = [];
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      parts.push(...buffer.subarray(0, count));
    }
  } catch {
    // It was reset.
  }
  try {
    conn.close();
  } catch {
    // It is closed.
  }
  return { bytes: Uint8Array.from(parts), seconds: (performance.now() - start) / 1000 };
}

const connect = (port: number) => Deno.connect({ hostname: "127.0.0.1", port });

/** Passes bytes on between clients and a port, and may change or keep them. */
function proxy(
  to: number,
  change: (bytes: Uint8Array, fromDialer: boolean) => Uint8Array | null,
): { port: number; close(): void; count(): number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.Conn[] = [];
  let count = 0;
  const pump = async (from: Deno.Conn, into: Deno.Conn, fromDialer: boolean) => {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) break;
        const bytes = change(buffer.slice(0, length), fromDialer);
        if (bytes === null) break;
        for (let at = 0; at < bytes.length;) at += await into.write(bytes.subarray(at));
      }
    } catch {
      // One of them was closed.
    }
    for (const conn of [from, into]) {
      try {
        conn.close();
      } catch {
        // It is closed.
      }
    }
  };
  (async () => {
    try {
      for await (const dialer of listener) {
        count++;
        const acceptor = await connect(to);
        conns.push(dialer, acceptor);
        pump(dialer, acceptor, true);
        pump(acceptor, dialer, false);
      }
    } catch {
      // It is closed.
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    count: () => count,
    close() {
      listener.close();
      for (const conn of conns) {
        try {
          conn.close();
        } catch {
          // It is closed.
        }
      }
    },
  };
}

/** A promise that takes real time must not be cut short by the end of the test. */
function* pong(coro: Coro, message: unknown): Steps<void> {
  const echo = (yield* Coro.locate("echo", 10))!;
  echo.send([coro, message]);
  assertEquals(yield* coro.receive(10), message);
}

Deno.test("at the 65th connection that is not authenticated the oldest is closed at once", async () => {
  await overTcp(function* (coro, { network }, server) {
    const conns: Deno.Conn[] = [];
    for (let i = 0; i < 64; i++) conns.push(yield* until(connect(server.port)));
    const endings = conns.map(readAll);
    let closed = 0;
    for (const ending of endings) ending.then(() => closed++);
    yield* sleep(0.3);
    assertEquals(closed, 0);
    conns.push(yield* until(connect(server.port)));
    const { seconds } = yield* until(endings[0]);
    assertLess(seconds, 4);
    yield* sleep(0.1);
    assertEquals(closed, 1);
    // A peer is served all the same, and is authenticated: it closes the next of the silent ones.
    yield* network.peer(`127.0.0.1:${server.port}`);
    yield* pong(coro, 1);
    endings.push(readAll(conns[64]));
    for (const { seconds } of yield* until(Promise.all(endings))) assertLess(seconds, 8);
    assertEquals(server.network.peers().length, 1);
    assertEquals(server.reported, []);
  });
});

Deno.test("garbage, half frames and large lengths are closed at once, and before authentication little is answered", async () => {
  await overTcp(function* (_coro, _here, server) {
    const hello = (length: number, kind: number, count = length - 1) => {
      const bytes = new Uint8Array(5 + count);
      new DataView(bytes.buffer).setUint32(0, length);
      bytes[4] = kind;
      return bytes;
    };
    const before = server.network.stats().refused;
    const attempts = [
      new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1),
      Uint8Array.of(0, 0, 2, 1, 1),
      hello(513, 1),
      hello(512, 1),
      hello(10, 5),
      hello(30, 0),
      hello(30, 99),
      hello(60, 2),
      hello(60, 3),
      hello(1, 1, 0),
      Uint8Array.of(0, 0, 0, 0),
      crypto.getRandomValues(new Uint8Array(4096)),
    ];
    const rss = Deno.memoryUsage().rss;
    const results = yield* until(Promise.all(attempts.map(async (bytes) => {
      const conn = await connect(server.port);
      await conn.write(bytes);
      return await readAll(conn);
    })));
    for (const [i, { bytes, seconds }] of results.entries()) {
      assertLess(seconds, 2, `${i}`);
      assertLess(bytes.length, 513);
    }
    assertEquals(server.network.stats().refused - before, attempts.length);
    assertEquals(server.network.peers(), []);
    assertEquals(server.reported, []);
    assertLess(Deno.memoryUsage().rss - rss, 64 << 20);
  });
});

Deno.test("a client that sends its frame byte by byte is closed within 5 seconds all the same", async () => {
  await overTcp(function* (_coro, _here, server) {
    const conn = yield* until(connect(server.port));
    const reading = readAll(conn);
    let closed = false;
    reading.then(() => closed = true);
    const start = performance.now();
    yield* until(conn.write(Uint8Array.of(0, 0, 0, 100, 1)));
    while (!closed && performance.now() - start < 8000) {
      try {
        yield* until(conn.write(Uint8Array.of(65)));
      } catch {
        break;
      }
      yield* sleep(0.2);
    }
    assertLess((yield* until(reading)).seconds, 7);
  });
});

Deno.test("a handshake that was recorded is worth nothing when it is replayed, and what it carried is not done again", async () => {
  await overTcp(function* (coro, { network }, server) {
    const sent: number[] = [];
    const between = proxy(server.port, (bytes, fromDialer) => {
      if (fromDialer) sent.push(...bytes);
      return bytes;
    });
    yield* network.peer(`127.0.0.1:${between.port}`);
    yield* pong(coro, "first");
    const { received, refused } = server.network.stats();
    for (let i = 0; i < 3; i++) {
      const conn = yield* until(connect(server.port));
      yield* until(conn.write(Uint8Array.from(sent)));
      const { bytes, seconds } = yield* until(readAll(conn));
      assertLess(seconds, 6);
      assertLess(bytes.length, 513);
    }
    assertEquals(server.network.stats().received, received);
    assertEquals(server.network.stats().refused, refused + 3);
    assertEquals(server.network.peers().length, 1);
    // The session of the true peer is not disturbed.
    yield* pong(coro, "second");
    between.close();
  });
});

Deno.test("an echo of its own bytes is no peer: the dialer refuses it", async () => {
  await overTcp(function* (_coro, { network }) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const conns: Deno.Conn[] = [];
    (async () => {
      try {
        for await (const conn of listener) {
          conns.push(conn);
          conn.readable.pipeTo(conn.writable).catch(() => {});
        }
      } catch {
        // It is closed.
      }
    })();
    yield* thrownBy(AuthenticationError, network.peer(`127.0.0.1:${(listener.addr as Deno.NetAddr).port}`, 2));
    assertEquals(network.peers(), []);
    listener.close();
    for (const conn of conns) {
      try {
        conn.close();
      } catch {
        // The stream has closed it.
      }
    }
  });
});

Deno.test("a peer whose proof is sent back to itself on another link is not fooled", async () => {
  await overTcp(function* (_coro, { network, port }) {
    // Whoever accepts here passes all to the listener of the very peer that dials.
    const mirror = proxy(port, (bytes) => bytes);
    try {
      const location = yield* network.peer(`127.0.0.1:${mirror.port}`, 2);
      assertEquals(location.id, network.location.id);
    } catch (error) {
      assertInstanceOf(error, Error);
    }
    assertEquals(network.peers(), []);
    mirror.close();
  });
});

Deno.test("what is changed on the way closes the link; the session resumes and nothing is lost, doubled or forged", async () => {
  await overTcp(function* (coro, { network }, server) {
    let seen = 0;
    let changed = 0;
    const between = proxy(server.port, (bytes) => {
      seen += bytes.length;
      if (seen > 4000) {
        seen = 0;
        changed++;
        bytes[bytes.length >> 1] ^= 1;
      }
      return bytes;
    });
    yield* network.peer(`127.0.0.1:${between.port}`, 20);
    const echo = (yield* Coro.locate("echo", 20))!;
    for (let i = 0; i < 200; i++) {
      echo.send([coro, { i, text: "x".repeat(20) }]);
      if (i % 10 === 0) yield* sleep(0.02);
    }
    for (let i = 0; i < 200; i++) assertEquals(yield* coro.receive(20), { i, text: "x".repeat(20) });
    assert(changed > 0);
    assertEquals(server.reported, []);
    between.close();
  });
});

Deno.test("a frame that is replayed within its link closes it, and is not done twice", async () => {
  await overTcp(function* (coro, { network }, server) {
    let last: Uint8Array = new Uint8Array();
    let replay = false;
    const between = proxy(server.port, (bytes, fromDialer) => {
      if (!fromDialer) return bytes;
      const previous = last;
      last = bytes;
      if (!replay) return bytes;
      replay = false;
      const both = new Uint8Array(previous.length + bytes.length);
      both.set(previous);
      both.set(bytes, previous.length);
      return both;
    });
    yield* network.peer(`127.0.0.1:${between.port}`, 20);
    yield* pong(coro, 1);
    const links = between.count();
    replay = true;
    yield* pong(coro, 2);
    assertEquals(yield* coro.receive(1), undefined);
    yield* eventually(() => server.network.peers().length === 1);
    assert(between.count() >= links);
    between.close();
  });
});

Deno.test("a wrong secret over TCP: AuthenticationError at the dialer, counted at the acceptor, nothing decoded", async () => {
  const schedulers = [new Scheduler(), new Scheduler()];
  const address = Promise.withResolvers<string>();
  const done = Promise.withResolvers<void>();
  try {
    await Promise.all([
      schedulers[0].spawn(function* () {
        const network = yield* Network.join({ secret: SECRET });
        address.resolve(network.location.address);
        yield* until(done.promise);
        assertEquals(network.stats().refused, 2);
        assertEquals(network.stats().received, 0);
        assertEquals(network.peers(), []);
      }).value(20),
      schedulers[1].spawn(function* () {
        const network = yield* Network.join({ secret: "another secret of the tests" });
        yield* thrownBy(AuthenticationError, network.peer(yield* until(address.promise)));
        yield* network.leave();
        const none = yield* Network.join({ secret: null });
        const error = yield* thrownBy(Error, none.peer(yield* until(address.promise), 2));
        assertInstanceOf(error, AuthenticationError);
        done.resolve();
      }).value(20),
    ]);
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
});

const tls = (trusted = true): TcpOptions => {
  const { ca, cert, key } = testCertificate();
  return { hostname: "localhost", tls: { cert, key, ...trusted ? { caCerts: [ca] } : {} } };
};

testWith(
  ["openssl"],
  "peers talk over TLS, whose certificate must be for the host and by a trusted authority",
  async () => {
    await overTcp(
      function* (coro, { network }, server) {
        yield* network.peer(`localhost:${server.port}`);
        yield* pong(coro, "over TLS");
        assertEquals(network.peers().length, 1);
      },
      {},
      [tls(), tls()],
    );
    await overTcp(
      function* (_coro, { network, reported }, server) {
        const error = yield* thrownBy(Error, network.peer(`127.0.0.2:${server.port}`, 2));
        assert(!(error instanceof TypeError), `${error}`);
        assertEquals(network.peers(), []);
        assertEquals(server.network.peers(), []);
        assertEquals([...reported, ...server.reported], []);
      },
      {},
      [{ ...tls(), hostname: "0.0.0.0" }, tls()],
    );
    await overTcp(
      function* (_coro, { network }, server) {
        yield* thrownBy(Error, network.peer(`localhost:${server.port}`, 2));
        assertEquals(network.peers(), []);
      },
      {},
      [tls(), tls(false)],
    );
  },
);

testWith(["openssl"], "TLS and plain TCP do not mix, either way, and nobody hangs", async () => {
  for (const engines of [[tls(), { hostname: "localhost" }], [{ hostname: "localhost" }, tls()]]) {
    await overTcp(
      function* (_coro, { network, reported }, server) {
        const error = yield* thrownBy(Error, network.peer(`localhost:${server.port}`, 3));
        assert(!(error instanceof TypeError), `${error}`);
        assertEquals(network.peers(), []);
        assertEquals(server.network.peers(), []);
        assertEquals([...reported, ...server.reported], []);
      },
      {},
      engines,
    );
  }
});

testWith(
  ["openssl"],
  "a wrong secret over TLS is an AuthenticationError, and TLS without a secret needs loopback",
  async () => {
    await overTcp(
      function* (_coro, { network }, server) {
        yield* network.peer(`localhost:${server.port}`);
        yield* network.leave();
        const other = yield* Network.join({ secret: "another secret of the tests", engines: [tcp(tls())] });
        yield* thrownBy(AuthenticationError, other.peer(`localhost:${server.port}`, 5));
        yield* other.leave();
        yield* thrownBy(TypeError, Network.join({ secret: null, engines: [tcp({ ...tls(), hostname: "0.0.0.0" })] }));
      },
      {},
      [tls(), tls()],
    );
    assertThrows(
      () => tcp({ tls: { ...tls().tls!, requestClientCertificates: true } }),
      UnsupportedError,
    );
  },
);

/** The limits of the HTTP server under the monitor page. */
import { assert, assertEquals } from "@std/assert";
import { run, TimeoutError, until } from "@asyncoro/asyncoro";
import { HttpServer, type Reply } from "../../../core/cluster/page/http_server.ts";
import { AsyncSocket } from "../../../core/io/net/socket.ts";
import { exchange, readToEnd } from "./raw_client.ts";

const OK: Reply = { status: 200, headers: {}, body: "here" };
const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
// No client needs as long, on the slowest machine, if it is not meant to.
const LIMITS = { connections: 64, headBytes: 1024, seconds: 60 };
const BRIEF = { ...LIMITS, seconds: 0.2 };

/** Runs `body` while a server listens, and closes it. */
function serving(
  { limits, reply = () => OK }: { limits: typeof LIMITS; reply?: () => Reply },
  body: (port: number) => Generator<unknown, void, unknown>,
): Promise<unknown> {
  return run(function* () {
    const server = new HttpServer(reply, "serve", limits);
    try {
      yield* body(yield* until((signal) => server.listen("127.0.0.1", 0, signal)));
    } finally {
      yield* until(server.close());
    }
  });
}

const connect = (port: number) => AsyncSocket.connect({ hostname: "127.0.0.1", port });

Deno.test("a connection has one request: what follows is not read", async () => {
  let count = 0;
  const reply = () => (count++, OK);
  await serving({ limits: LIMITS, reply }, function* (port) {
    const response = yield* exchange(port, REQUEST.repeat(1000));
    assertEquals(response!.headers.get("connection"), "close");
    assertEquals(response!.body.startsWith("here"), true);
    yield* exchange(port, REQUEST);
    assertEquals(count, 2);
  });
});

Deno.test("a head that is too long is not responded to, and others are served", async () => {
  await serving({ limits: LIMITS }, function* (port) {
    for (const length of [2000, 2_000_000]) {
      let response;
      try {
        response = yield* exchange(port, `GET /?${"a".repeat(length)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      } catch (error) {
        // The server has closed while the client was still sending.
        assert(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset);
      }
      assert(response === undefined || response?.status !== 200);
    }
    assertEquals((yield* exchange(port, REQUEST))?.body, "here");
  });
});

Deno.test("what is not HTTP is not responded to, and others are served", async () => {
  await serving({ limits: LIMITS }, function* (port) {
    for (const text of ["\x16\x03\x01\x00\x01\r\n\r\n", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "\0\0\0\0"]) {
      assert((yield* exchange(port, text))?.status !== 200);
    }
    assertEquals((yield* exchange(port, REQUEST))?.body, "here");
  });
});

Deno.test("a client that sends nothing, or does not end its head, is cut off when its time is over", async () => {
  await serving({ limits: BRIEF }, function* (port) {
    for (const text of ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"]) {
      assertEquals(yield* exchange(port, text), null);
    }
  });
});

Deno.test("a client that sends a byte now and then is cut off when its time is over", async () => {
  await serving({ limits: BRIEF }, function* (port) {
    using socket = yield* connect(port);
    yield* socket.sendall("GET / HTTP/1.1\r\nHost: a\r\nName: ");
    for (let sent = 0; yield* isOpen(socket); sent++) {
      assert(sent < 1000, "It is not cut off");
      yield* socket.sendall("a");
    }
  });
});

function* isOpen(socket: AsyncSocket) {
  try {
    return (yield* socket.recv(10, 0.01)).length > 0;
  } catch (error) {
    return error instanceof TimeoutError;
  }
}

Deno.test("a client that does not read its response is cut off when its time is over", async () => {
  const reply = () => ({ ...OK, body: "x".repeat(30_000_000) });
  await serving({ limits: BRIEF, reply }, function* (port) {
    using stalled = yield* connect(port);
    yield* stalled.sendall(REQUEST);
    // When this one is cut off, which began later, the time of the other is over too.
    using later = yield* connect(port);
    assertEquals(yield* readToEnd(later), "");
    assert((yield* readToEnd(stalled)).length < 30_000_000);
  });
});

Deno.test("connections beyond the limit are closed, and those within it are served", async () => {
  await serving({ limits: { ...LIMITS, connections: 2 } }, function* (port) {
    using first = yield* connect(port);
    using second = yield* connect(port);
    for (let count = 0; count < 20; count++) assertEquals(yield* exchange(port, ""), null);
    for (const socket of [first, second]) {
      yield* socket.sendall(REQUEST);
      assert((yield* readToEnd(socket)).endsWith("here"));
    }
    assertEquals((yield* exchange(port, REQUEST))?.body, "here");
  });
});

Deno.test("closing cuts connections that are open, and may be repeated", async () => {
  await run(function* () {
    const server = new HttpServer(() => OK, "serve", LIMITS);
    const port = yield* until((signal) => server.listen("127.0.0.1", 0, signal));
    using socket = yield* connect(port);
    yield* socket.sendall("GET / HT");
    yield* until(server.close());
    assertEquals(yield* readToEnd(socket), "");
    yield* until(server.close());
  });
});

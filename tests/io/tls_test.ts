/** TLS: descriptors of failed handshakes, errors, and other programs as peers. */
import { Coro, type Operation, race, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { type AsyncListener, AsyncSocket, ClosedError, type TlsServerOptions } from "@asyncoro/asyncoro/io";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { bytes, drive, eventually, pause, testCertificate, testWith, text } from "./helpers.ts";

const LOOPBACK = "127.0.0.1";

function portOf({ addr }: { readonly addr: Deno.Addr }): number {
  return (addr as Deno.NetAddr).port;
}

/** Returns the number of descriptors of this process. */
function descriptors(): number {
  return [...Deno.readDirSync("/dev/fd")].length;
}

function listenTls(options: Partial<TlsServerOptions> = {}): AsyncListener {
  const { cert, key } = testCertificate();
  return AsyncSocket.listen({ hostname: LOOPBACK, port: 0, tls: { cert, key, ...options } });
}

function* fails<T>(operation: Operation<T>, kind: new (...args: never[]) => Error): Generator<unknown, Error, unknown> {
  try {
    yield* operation;
  } catch (error) {
    assertInstanceOf(error, kind);
    return error as Error;
  }
  throw new Error("Expected an error");
}

/** Accepts until the listener is closed, and runs a function for each connection. */
function serve(
  listener: AsyncListener,
  handle: (socket: AsyncSocket) => Generator<unknown, void, unknown>,
): Coro<void> {
  return new Coro(function* () {
    try {
      for (;;) {
        using socket = yield* listener.accept();
        yield* handle(socket);
      }
    } catch (error) {
      assertInstanceOf(error, ClosedError);
    }
  });
}

function* echo(socket: AsyncSocket): Generator<unknown, void, unknown> {
  for (let data = yield* socket.recv(); data.length > 0; data = yield* socket.recv()) yield* socket.sendall(data);
}

function* ignore(): Generator<unknown, void, unknown> {}

// --- descriptors ----------------------------------------------------------------------------------------------

/** The beginning of a ClientHello of 512 bytes. */
const HELLO = new Uint8Array([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

/** Clients that never finish their handshake. */
const BAD_CLIENTS: Record<string, (conn: Deno.TcpConn) => Promise<unknown>> = {
  "are silent": async () => {},
  "stop in the middle": (conn) => conn.write(HELLO),
  "send a byte now and then": async (conn) => {
    try {
      for (const byte of HELLO) {
        await conn.write(Uint8Array.of(byte));
        await pause(50);
      }
    } catch (error) {
      // The server has closed the connection.
      assert(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset);
    }
  },
  "send garbage": (conn) => conn.write(bytes("GET / HTTP/1.1\r\n\r\n")),
  "send nothing more": (conn) => conn.closeWrite(),
};

for (const [what, act] of Object.entries(BAD_CLIENTS)) {
  testWith(
    ["openssl"],
    `clients that ${what} take no descriptor of a TLS server after the handshake timeout`,
    async () => {
      const count = 40;
      const errors: unknown[] = [];
      const listener = listenTls({ handshakeTimeout: 0.3, onHandshakeError: (error) => errors.push(error) });
      const server = drive(function* () {
        yield* serve(listener, ignore).finish();
      });
      const clients = await Promise.all(Array.from({ length: count }, () => Deno.connect({ port: portOf(listener) })));
      const before = descriptors();
      await Promise.all(clients.map(act));
      await eventually(() => errors.length === count, "all handshakes have failed");
      // The clients still exist: each has kept its own descriptor.
      await eventually(() => descriptors() <= before, "the descriptors are free");
      for (const error of errors) {
        if (what.startsWith("send g")) assertInstanceOf(error, Deno.errors.InvalidData);
        else if (what.startsWith("send n")) assertInstanceOf(error, Deno.errors.UnexpectedEof);
        else assertInstanceOf(error, TimeoutError);
      }
      for (const client of clients) client.close();
      listener.close();
      await server;
    },
  );
}

testWith(["openssl"], "a closed TLS listener frees the descriptors of its handshakes", async () => {
  const listener = listenTls();
  const server = drive(function* () {
    yield* serve(listener, ignore).finish();
  });
  const before = descriptors();
  const clients = await Promise.all(Array.from({ length: 10 }, () => Deno.connect({ port: portOf(listener) })));
  await eventually(() => descriptors() === before + 20, "all are accepted");
  listener.close();
  await server;
  // The listener had one as well.
  await eventually(() => descriptors() === before + 10 - 1, "only the clients' are left");
  for (const client of clients) client.close();
});

/** Ways to give up a wait that never ends. */
const WAYS: Record<string, (wait: () => Operation<unknown>) => Generator<unknown, void, unknown>> = {
  *"a race"(wait) {
    yield* race(wait(), sleep(0.05));
  },
  *"a termination"(wait) {
    yield* cut(wait, (coro) => coro.terminate());
  },
  *"an error thrown into it"(wait) {
    yield* cut(wait, (coro) => coro.throw(new RangeError("cut")));
  },
};

function* cut(wait: () => Operation<unknown>, how: (coro: Coro) => void): Generator<unknown, void, unknown> {
  const coro = new Coro(function* () {
    try {
      yield* wait();
    } catch (error) {
      assertInstanceOf(error, RangeError);
    }
  });
  yield* sleep(0.05);
  how(coro as Coro);
  yield* coro.finish();
}

/** Runs a server that accepts and sends nothing, during a test. */
async function besideSilence(test: (port: number) => Generator<unknown, void, unknown>): Promise<void> {
  const silent = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const peers: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const conn of silent) peers.push(conn);
  })();
  const before = descriptors();
  await drive(function* () {
    yield* test(silent.addr.port);
  });
  await eventually(() => descriptors() === before + peers.length, "only the peers' descriptors are left");
  for (const peer of peers) peer.close();
  silent.close();
  await accepting;
}

const tls = { caCerts: [] };

for (const [way, giveUp] of Object.entries(WAYS)) {
  Deno.test(`connect() with TLS that is given up by ${way} frees its descriptor`, () =>
    besideSilence(function* (port) {
      yield* giveUp(() => AsyncSocket.connect({ hostname: LOOPBACK, port, tls }));
    }));

  Deno.test(`startTls() that is given up by ${way} frees its descriptor`, () =>
    besideSilence(function* (port) {
      const socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port }, 5);
      yield* giveUp(() => socket.startTls({ hostname: "localhost" }));
      assert(socket.closed);
    }));
}

Deno.test("connect() with TLS and startTls() that time out free their descriptors", () =>
  besideSilence(function* (port) {
    yield* fails(AsyncSocket.connect({ hostname: LOOPBACK, port, tls }, 0.05), TimeoutError);
    const signal = AbortSignal.timeout(50);
    yield* fails(AsyncSocket.connect({ hostname: LOOPBACK, port, tls }, signal), DOMException);
    const socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port }, 5);
    yield* fails(socket.startTls({ hostname: "localhost" }, 0.05), TimeoutError);
  }));

Deno.test("startTls() refuses options that are not an object", () => {
  using socket = AsyncSocket.from({ readable: new ReadableStream(), writable: new WritableStream() });
  for (const options of [undefined, null, "localhost"]) {
    assertThrows(() => socket.startTls(options as never), TypeError, "Cannot start TLS as 'options' must be an object");
  }
});

Deno.test("close() during startTls() fails it with a ClosedError", () =>
  besideSilence(function* (port) {
    const socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port }, 5);
    const starting = new Coro(function* () {
      return yield* fails(socket.startTls({ hostname: "localhost" }, 5), ClosedError);
    });
    yield* sleep(0.05);
    socket.close();
    assertStringIncludes((yield* starting.finish() as Operation<Error>).message, "Cannot start TLS");
    yield* fails(socket.startTls({ hostname: "localhost" }, 5), ClosedError);
  }));

testWith(["openssl"], "a TLS connection that is closed frees its descriptor while the peer stays", async () => {
  const { ca } = testCertificate();
  const listener = listenTls();
  await drive(function* () {
    const server = serve(listener, function* (socket) {
      yield* socket.sendall("bye");
    });
    const before = descriptors();
    const peer = yield* AsyncSocket.connect(
      { hostname: "localhost", port: portOf(listener), tls: { caCerts: [ca] } },
      5,
    );
    yield eventually(() => descriptors() === before + 1, "the server's is free");
    assertEquals(text(yield* peer.recvall(3, 5)), "bye");
    assertEquals((yield* peer.recv(1, 5)).length, 0);
    peer.close();
    listener.close();
    yield* server.finish();
  });
});

testWith(["openssl"], "a TLS connection that is closed while its peer takes nothing frees its descriptor", async () => {
  const { ca } = testCertificate();
  const listener = listenTls();
  await drive(function* () {
    const server = serve(listener, function* (socket) {
      yield* fails(socket.sendall(new Uint8Array(20_000_000), 0.2), TimeoutError);
    });
    const before = descriptors();
    const peer = yield* AsyncSocket.connect(
      { hostname: "localhost", port: portOf(listener), tls: { caCerts: [ca] } },
      5,
    );
    yield* sleep(0.2);
    yield eventually(() => descriptors() === before + 1, "the server's is free");
    peer.close();
    listener.close();
    yield* server.finish();
  });
});

// --- errors ---------------------------------------------------------------------------------------------------

testWith(["openssl"], "a bad certificate or key is refused when listening, and the error names it", () => {
  const { ca, cert, key } = testCertificate();
  const listen = (tls: unknown) => () => AsyncSocket.listen({ port: 0, tls: tls as TlsServerOptions });
  assertThrows(listen({ cert: "nonsense", key }), Deno.errors.InvalidData, "'cert' is not a certificate in PEM");
  assertThrows(listen({ cert, key: "nonsense" }), Deno.errors.InvalidData, "'key' is not a private key in PEM");
  assertThrows(listen({ cert: ca, key }), Deno.errors.InvalidData, "'key' does not belong to the certificate");
  return Promise.resolve();
});

testWith(["openssl"], "both sides of TLS get the reason why a handshake failed", async () => {
  const { ca } = testCertificate();
  const errors: Error[] = [];
  const onHandshakeError = (error: unknown) => errors.push(error as Error);
  const listener = listenTls({ alpnProtocols: ["one"], onHandshakeError });
  await drive(function* () {
    const server = serve(listener, ignore);
    const connect = (tls: object) => AsyncSocket.connect({ hostname: "localhost", port: portOf(listener), tls }, 5);
    const unknown = yield* fails(connect({}), Deno.errors.InvalidData);
    assertStringIncludes(unknown.message, "verify the first certificate");
    const name = yield* fails(connect({ caCerts: [ca], serverName: "other.example" }), Deno.errors.InvalidData);
    assertStringIncludes(name.message, "other.example");
    yield* fails(connect({ caCerts: [ca], alpnProtocols: ["two"] }), Error);
    const anyName = { caCerts: [ca], serverName: "other.example", unsafelyDisableHostnameVerification: true };
    (yield* connect({ ...anyName, alpnProtocols: ["two", "one"] })).close();
    yield eventually(() => errors.length === 3, "the server gets the errors");
    listener.close();
    yield* server.finish();
  });
  assertStringIncludes(errors[2].message, "protocol");
});

testWith(["openssl"], "a client whose handshake is refused gets an alert with the reason", async () => {
  const listener = listenTls();
  await drive(function* () {
    const server = serve(listener, ignore);
    using socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port: portOf(listener) }, 5);
    yield* socket.sendall("GET / HTTP/1.1\r\n\r\n");
    // An alert of TLS 1.2 with two bytes: fatal, illegal parameter or the like.
    assertEquals([...(yield* socket.recvall(6, 5))], [21, 3, 3, 0, 2, 2]);
    assertEquals((yield* socket.recvall(1, 5)).length, 1);
    assertEquals((yield* socket.recv(1, 5)).length, 0);
    listener.close();
    yield* server.finish();
  });
});

/** A client of Python's that does something to a TLS connection. */
const PYTHON = `import socket, ssl, struct, sys
port, ca, what = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
conn = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost",
                           suppress_ragged_eofs=False)
conn.sendall(b"hello\\n")
assert conn.recv(100) == b"hello\\n"
if what == "cut":
    socket.socket(fileno=conn.detach()).close()
elif what == "reset":
    raw = socket.socket(fileno=conn.detach())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
elif what == "end":
    # Raises if the server does not end its side of TLS as well.
    conn.unwrap().close()
elif what == "wait":
    assert conn.recv(100) == b""
`;

/** The result that a server gets with such a client: an error, or `null` at a proper end. */
async function withPython(what: string): Promise<Error | null> {
  const { ca } = testCertificate();
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/ca.pem`, ca);
  const listener = listenTls();
  const args = ["-c", PYTHON, String(portOf(listener)), `${dir}/ca.pem`, what];
  const client = new Deno.Command("python3", { args, stderr: "piped" }).output();
  const seen = await drive(function* (): Generator<unknown, Error | null, unknown> {
    using socket = yield* listener.accept(10);
    try {
      yield* socket.sendall((yield* socket.readline(10)) + "\n");
      if (what === "wait") return null;
      while ((yield* socket.recv(100, 10)).length > 0);
      return null;
    } catch (error) {
      return error as Error;
    }
  });
  const { success, stderr } = await client;
  assert(success, text(stderr));
  listener.close();
  await Deno.remove(dir, { recursive: true });
  return seen;
}

testWith(["openssl", "python3"], "the end of TLS, a cut connection and a reset can be distinguished", async () => {
  assertEquals(await withPython("end"), null);
  const cut = await withPython("cut");
  assertInstanceOf(cut, Deno.errors.UnexpectedEof);
  assertStringIncludes(String(cut), "close_notify");
  assertInstanceOf(await withPython("reset"), Deno.errors.ConnectionReset);
});

testWith(["openssl", "python3"], "close() ends TLS before the connection", async () => {
  assertEquals(await withPython("wait"), null);
});

testWith(["openssl"], "the end of TLS reaches the peer when both sides have ended", async () => {
  const { ca } = testCertificate();
  const listener = listenTls();
  const { port } = listener.addr as Deno.NetAddr;
  await drive(function* () {
    const server = serve(listener, function* (socket) {
      yield* echo(socket);
      yield* socket.shutdownWrite();
    });
    for (let i = 0; i < 20; i++) {
      const conn = (yield Deno.connectTls({ hostname: "localhost", port, caCerts: [ca] })) as Deno.TlsConn;
      const buffer = new Uint8Array(100);
      yield conn.write(bytes("hello"));
      assertEquals(yield conn.read(buffer), 5);
      yield conn.closeWrite();
      assertEquals(yield conn.read(buffer), null);
      conn.close();
    }
    listener.close();
    yield* server.finish();
  });
});

// --- other peers ----------------------------------------------------------------------------------------------

testWith(["openssl"], "openssl s_client connects to a TLS listener, and each side may end first", async () => {
  const { ca } = testCertificate();
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/ca.pem`, ca);
  const listener = listenTls({ alpnProtocols: ["echo"] });
  await drive(function* () {
    const server = serve(listener, function* (socket) {
      const line = yield* socket.readline(10);
      yield* socket.sendall(`you said ${line}\n`);
    });
    const client = new Deno.Command("openssl", {
      args: ["s_client", "-connect", `${LOOPBACK}:${portOf(listener)}`, "-servername", "localhost"]
        .concat(["-CAfile", `${dir}/ca.pem`, "-verify_return_error", "-alpn", "echo"]),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdin = client.stdin.getWriter();
    yield stdin.write(bytes("hello\n"));
    const { success, stdout, stderr } = (yield client.output()) as Deno.CommandOutput;
    const said = text(stdout);
    assert(success, text(stderr));
    assertStringIncludes(said, "you said hello");
    assertStringIncludes(said, "ALPN protocol: echo");
    yield stdin.close().catch(() => {});
    listener.close();
    yield* server.finish();
  });
  await Deno.remove(dir, { recursive: true });
});

testWith(["openssl", "curl"], "curl connects to a TLS listener", async () => {
  const { ca } = testCertificate();
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/ca.pem`, ca);
  const listener = listenTls();
  const body = "x".repeat(300_000);
  await drive(function* () {
    const server = serve(listener, function* (socket) {
      while ((yield* socket.readline(10)) !== "");
      yield* socket.sendall(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
    });
    const url = `https://localhost:${portOf(listener)}/`;
    const args = ["--silent", "--show-error", "--noproxy", "*", "--cacert", `${dir}/ca.pem`, url];
    const { success, stdout, stderr } = (yield new Deno.Command("curl", { args }).output()) as Deno.CommandOutput;
    assert(success, text(stderr));
    assertEquals(text(stdout), body);
    listener.close();
    yield* server.finish();
  });
  await Deno.remove(dir, { recursive: true });
});

testWith(["openssl"], "a client certificate is sent to a server that requests one", async () => {
  const { ca, cert, key } = testCertificate();
  const dir = await Deno.makeTempDir();
  for (const [name, pem] of Object.entries({ ca, cert, key })) await Deno.writeTextFile(`${dir}/${name}.pem`, pem);
  const reserved = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const { port } = reserved.addr;
  reserved.close();
  const server = new Deno.Command("openssl", {
    args: ["s_server", "-accept", `${LOOPBACK}:${port}`, "-cert", `${dir}/cert.pem`, "-key", `${dir}/key.pem`]
      .concat(["-CAfile", `${dir}/ca.pem`, "-Verify", "1", "-verify_return_error", "-rev", "-naccept", "2"]),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await drive(function* () {
    yield eventually(() => Deno.connect({ port }).then((conn) => (conn.close(), true), () => false), "it listens");
    const tls = { caCerts: [ca], serverName: "localhost", cert, key };
    using socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port, tls }, 5);
    yield* socket.sendall("hello\n");
    assertEquals(yield* socket.readline(5), "olleh");
  });
  await server.status;
  await Deno.remove(dir, { recursive: true });
});

testWith(["openssl"], "much data goes both ways at once over TLS, and both sides may half-close", async () => {
  const { ca } = testCertificate();
  const listener = listenTls();
  const data = Uint8Array.from({ length: 3_000_000 }, (_, i) => i * 31 + (i >> 8));
  await drive(function* () {
    const server = serve(listener, echo);
    using socket = yield* AsyncSocket.connect(
      { hostname: "localhost", port: portOf(listener), tls: { caCerts: [ca] } },
      5,
    );
    const sending = new Coro(function* () {
      yield* socket.sendall(data, 10);
      yield* socket.shutdownWrite();
    });
    assertEquals(yield* socket.recvall(data.length, 10), data);
    yield* sending.finish();
    listener.close();
    yield* server.finish();
    assertEquals((yield* socket.recv(1, 5)).length, 0);
  });
});

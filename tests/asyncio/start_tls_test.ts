/** asyncio streams over TLS: from the beginning, and after STARTTLS against servers of node:tls. */
import {
  type Awaitable,
  CancelledError,
  createTask,
  gather,
  openConnection,
  run,
  sleep,
  startServer,
  type StreamReader,
  type StreamWriter,
} from "@asyncoro/asyncoro/asyncio";
import { ClosedError, UnsupportedError } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import net from "node:net";
import tls from "node:tls";
import { testCertificate, testWith, text } from "../io/helpers.ts";

/** Sends `greeting` after a line, and goes on with TLS, where it echoes. */
class TlsServer {
  readonly server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  /** What came over TLS. */
  received = "";
  /** Clients that ended TLS properly. */
  ended = 0;
  /** Clients whose connection is closed. */
  closed = 0;

  constructor(greeting: string, { silent = false } = {}) {
    const { cert, key } = testCertificate();
    this.server = net.createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.closed++);
      socket.once("data", () => {
        socket.write(greeting);
        if (!silent) this.#secure(new tls.TLSSocket(socket, { isServer: true, cert, key }));
        else socket.resume();
      });
    });
  }

  #secure(socket: tls.TLSSocket): void {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      this.received += data;
      socket.write(data);
    });
    socket.on("end", () => this.ended++);
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return (this.server.address() as net.AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

type Visit = (
  reader: StreamReader,
  writer: StreamWriter,
  server: TlsServer,
) => Generator<unknown, void, unknown>;

function tlsTest(name: string, server: () => TlsServer, visit: Visit): void {
  testWith(["openssl"], name, async () => {
    const listening = server();
    const port = await listening.listen();
    await run(function* () {
      const [reader, writer] = yield* openConnection("127.0.0.1", port);
      writer.write("STARTTLS\r\n");
      assertEquals(text(yield* reader.readline()), "220 go ahead\r\n");
      try {
        yield* visit(reader, writer, listening);
      } finally {
        writer.close();
      }
    });
    await listening.close();
  });
}

const options = () => ({ hostname: "localhost", caCerts: [testCertificate().ca] });
const plain = () => new TlsServer("220 go ahead\r\n");

function* failure(work: Awaitable<unknown>): Generator<unknown, Error, unknown> {
  const [outcome] = yield* gather([work], { returnExceptions: true });
  if (outcome instanceof Error) return outcome;
  throw new Error(`it gave ${outcome}`);
}

function* eventually(condition: () => boolean, what: string): Generator<unknown, void, unknown> {
  for (let i = 0; i < 2000 && !condition(); i++) yield* sleep(0.002);
  assert(condition(), what);
}

tlsTest("startTls() goes on with TLS, reading ahead all the time", plain, function* (reader, writer, server) {
  // However long it takes: a host read is under way.
  yield* sleep(0.02);
  yield* writer.startTls(options());
  const message = "x".repeat(300_000) + "\n";
  writer.write(message);
  assertEquals((yield* reader.readexactly(message.length)).length, message.length);
  assertEquals(server.received, message);
  writer.write("bye");
  writer.close();
  yield* writer.waitClosed();
  yield* eventually(() => server.ended === 1, "the end was received");
  assert(server.received.endsWith("bye"));
});

tlsTest("startTls() serves a read that waits already", plain, function* (reader, writer) {
  const reading = createTask(reader.readline());
  yield* sleep(0);
  yield* writer.startTls(options());
  writer.write("hello\n");
  assertEquals(text(yield* reading), "hello\n");
});

tlsTest("what is written while TLS is agreed on goes over TLS", plain, function* (reader, writer, server) {
  const starting = createTask(writer.startTls(options()));
  yield* sleep(0);
  writer.write("early\n");
  yield* starting;
  assertEquals(text(yield* reader.readline()), "early\n");
  assertEquals(server.received, "early\n");
});

tlsTest(
  "startTls() refuses what came in the clear, and leaves the connection as it is",
  () => new TlsServer("220 go ahead\r\nINJECTED\r\n"),
  function* (reader, writer) {
    yield* eventually(() => reader.unread === 10, "the rest has come");
    assertMatch((yield* failure(writer.startTls(options()))).message, /10 bytes came in the clear/);
    assert(!writer.isClosing());
    assertEquals(text(yield* reader.readline()), "INJECTED\r\n");
    // It could go on now, as the input was read.
    yield* writer.startTls(options());
    writer.write("hello\n");
    assertEquals(text(yield* reader.readline()), "hello\n");
  },
);

tlsTest("startTls() verifies the name and closes the connection", plain, function* (reader, writer, server) {
  const error = yield* failure(writer.startTls({ ...options(), hostname: "other.example" }));
  assertMatch(error.message, /other\.example|altnames/);
  assert(writer.isClosing());
  assertEquals((yield* reader.read()).length, 0);
  yield* eventually(() => server.closed === 1, "it is closed");
  assertEquals(server.received, "");
});

tlsTest("startTls() verifies who has signed the certificate", plain, function* (_reader, writer) {
  const error = yield* failure(writer.startTls({ hostname: "localhost" }));
  assertMatch(error.message, /certificate/);
});

tlsTest(
  "startTls() that is cancelled frees the descriptor at once, whatever the peer does",
  () => new TlsServer("220 go ahead\r\n", { silent: true }),
  function* (_reader, writer, server) {
    const starting = createTask(writer.startTls(options()));
    yield* sleep(0.02);
    starting.cancel();
    assert(
      (yield* failure(starting)) instanceof CancelledError,
    );
    yield* eventually(() => server.closed === 1, "it is closed");
  },
);

tlsTest(
  "close() ends startTls() with a ClosedError",
  () => new TlsServer("220 go ahead\r\n", { silent: true }),
  function* (_reader, writer, server) {
    const starting = createTask(writer.startTls(options()));
    yield* sleep(0.02);
    writer.close();
    const error = yield* failure(starting);
    assert(error instanceof ClosedError, `it is ${error}`);
    yield* eventually(() => server.closed === 1, "it is closed");
  },
);

tlsTest("startTls() takes a plain connection that is open, once", plain, function* (_reader, writer) {
  yield* writer.startTls(options());
  assert((yield* failure(writer.startTls(options()))) instanceof UnsupportedError);
  writer.close();
  yield* writer.waitClosed();
  assertNotEquals((yield* failure(writer.startTls(options()))).message, "");
});

testWith(["openssl"], "close() after startTls() shows the peer that nothing was cut off", async () => {
  const { cert, key } = testCertificate();
  await run(function* () {
    let outcome: unknown;
    // A TLS server behind one that passes everything on after a line: Deno's TLS notices whether it was ended properly.
    const inner = yield* startServer(
      function* (reader, writer) {
        [outcome] = yield* gather([reader.read()], { returnExceptions: true });
        writer.close();
      },
      { hostname: "127.0.0.1", port: 0, tls: { cert, key } },
    );
    const outer = yield* startServer(
      function* (reader, writer) {
        yield* reader.readline();
        const [from, to] = yield* openConnection(inner.addr as Deno.NetAddr);
        writer.write("go ahead\n");
        yield* gather(pass(reader, to), pass(from, writer));
      },
      "127.0.0.1",
      0,
    );
    const [reader, writer] = yield* openConnection(outer.addr as Deno.NetAddr);
    writer.write("STARTTLS\n");
    yield* reader.readline();
    yield* writer.startTls(options());
    writer.write("bye");
    writer.close();
    yield* writer.waitClosed();
    yield* eventually(() => outcome !== undefined, "the server has read all");
    assertEquals(outcome, new TextEncoder().encode("bye"));
    for (const server of [outer, inner]) {
      server.close();
      server.closeClients();
      yield* server.waitClosed();
    }
  });
});

function* pass(reader: StreamReader, writer: StreamWriter): Generator<unknown, void, unknown> {
  for (let data = yield* reader.read(1000); data.length > 0; data = yield* reader.read(1000)) writer.write(data);
  writer.close();
}

testWith(
  ["openssl"],
  "a TLS connection reads ahead, and is closed with unread input without losing its output",
  async () => {
    const { ca, cert, key } = testCertificate();
    await run(function* () {
      using server = yield* startServer(
        function* (reader, writer) {
          yield* reader.readline();
          yield* eventually(() => reader.unread === 50_000, "the input has come");
          writer.write("y".repeat(200_000));
          writer.close();
        },
        { hostname: "127.0.0.1", port: 0, tls: { cert, key } },
      );
      const { port } = server.addr as Deno.NetAddr;
      const [reader, writer] = yield* openConnection("localhost", port, { tls: { caCerts: [ca] } });
      writer.write("POST\n" + "x".repeat(50_000));
      yield* eventually(() => reader.unread > 0, "it reads ahead");
      assertEquals((yield* reader.read()).length, 200_000);
      assert(reader.atEof());
      writer.close();
      yield* writer.waitClosed();
      server.close();
      yield* server.waitClosed();
    });
  },
);

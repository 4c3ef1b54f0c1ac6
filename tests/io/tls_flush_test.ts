/** What a TLS connection sends, and when: nothing may stay in the engine. */
import { Coro, type Operation } from "@asyncoro/asyncoro";
import { type AsyncListener, AsyncSocket } from "@asyncoro/asyncoro/io";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { bytes, drive, eventually, seeded, testCertificate, testWith, text } from "./helpers.ts";

const LOOPBACK = "127.0.0.1";
const RECORD = 16_384;

function portOf({ addr }: AsyncListener): number {
  return (addr as Deno.NetAddr).port;
}

function listenTls(): AsyncListener {
  const { cert, key } = testCertificate();
  return AsyncSocket.listen({ hostname: LOOPBACK, port: 0, tls: { cert, key } });
}

/** Gives a function both ends of a TLS connection. */
async function withPair(
  use: (server: AsyncSocket, client: AsyncSocket) => Generator<unknown, void, unknown>,
): Promise<void> {
  const { ca } = testCertificate();
  await drive(function* () {
    using listener = listenTls();
    const accepting = new Coro(function* () {
      return yield* listener.accept(10);
    });
    const tls = { caCerts: [ca] };
    using client = yield* AsyncSocket.connect({ hostname: "localhost", port: portOf(listener), tls }, 10);
    using server = yield* accepting.finish();
    yield* use(server, client);
  });
}

/** Sizes around those at which the engine begins a new record, or a write is split. */
const SIZES = [1, 64, RECORD - 1, RECORD, RECORD + 1, 48 * 1024, 48 * 1024 + 1, 65_536, 65_537, 200_000];

testWith(
  ["openssl"],
  "messages of all sizes arrive, whether or not the sender receives anything between",
  () =>
    withPair(function* (server, client) {
      const random = seeded(7);
      for (let round = 0; round < 60; round++) {
        const messages = Array.from({ length: 1 + random(4) }, () => {
          return new Uint8Array(SIZES[random(SIZES.length)]).fill(random(256));
        });
        const [from, to] = random(2) === 0 ? [server, client] : [client, server];
        const sending = new Coro(function* () {
          for (const message of messages) yield* from.sendall(message, 10);
        });
        for (const message of messages) assertEquals(yield* to.recvall(message.length, 10), message);
        yield* sending.finish();
      }
    }),
);

testWith(
  ["openssl"],
  "the end of TLS is sent at once after a small message",
  () =>
    withPair(function* (server, client) {
      yield* server.sendall("bye", 5);
      yield* server.shutdownWrite();
      assertEquals(text(yield* client.recvall(3, 5)), "bye");
      assertEquals((yield* client.recv(1, 5)).length, 0);
      yield* client.sendall("bye", 5);
      assertEquals(text(yield* server.recvall(3, 5)), "bye");
    }),
);

/** A client that receives a message and then does something to the connection beneath TLS. */
const CLIENT = `import os, socket, ssl, struct, sys, time
port, ca, what = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=ca)
conn = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
conn.settimeout(10)
assert conn.recv(5) == b"hello"
if what == "reset":
    raw = socket.socket(fileno=conn.detach())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
else:
    if what == "wait":
        time.sleep(0.5)
    # A record that cannot be decrypted.
    os.write(conn.fileno(), bytes([23, 3, 3, 0, 32]) + bytes(32))
    if what == "wait":
        time.sleep(0.5)
    try:
        while conn.recv(100000): pass
    except ssl.SSLError as error:
        print(error)
`;

/** Runs such a client against a server that has sent it a message. Returns what the client has printed. */
async function withClient(
  what: string,
  serve: (socket: AsyncSocket, client: Promise<Deno.CommandOutput>) => Generator<unknown, void, unknown>,
): Promise<string> {
  const { ca } = testCertificate();
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/ca.pem`, ca);
  using listener = listenTls();
  const args = ["-c", CLIENT, String(portOf(listener)), `${dir}/ca.pem`, what];
  const client = new Deno.Command("python3", { args, stdout: "piped", stderr: "piped" }).output();
  await drive(function* () {
    using socket = yield* listener.accept(10);
    yield* socket.sendall("hello", 10);
    yield* serve(socket, client);
  });
  const { success, stdout, stderr } = await client;
  assert(success, text(stderr));
  await Deno.remove(dir, { recursive: true });
  return text(stdout);
}

/** Runs an operation again and again. Returns the error with which it fails. */
function* untilFailure(run: () => Operation<unknown>): Generator<unknown, unknown, unknown> {
  try {
    for (let i = 0; i < 10_000; i++) yield* run();
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}

testWith(
  ["openssl", "python3"],
  "a peer whose record is refused gets the alert before the socket is closed",
  async () => {
    const printed = await withClient("garbage", function* (socket, client) {
      assertInstanceOf(yield* untilFailure(() => socket.recv(100, 10)), Deno.errors.InvalidData);
      yield client;
    });
    assertStringIncludes(printed.toLowerCase(), "bad record mac");
  },
);

testWith(["openssl", "python3"], "it gets the alert after what was being sent when the record came", async () => {
  const printed = await withClient("wait", function* (socket, client) {
    const sending = new Coro(function* () {
      return yield* untilFailure(() => socket.sendall(new Uint8Array(RECORD), 10));
    });
    assertInstanceOf(yield* untilFailure(() => socket.recv(100, 10)), Deno.errors.InvalidData);
    assertInstanceOf(yield* sending.finish(), Deno.errors.InvalidData);
    yield client;
  });
  assertStringIncludes(printed.toLowerCase(), "bad record mac");
});

testWith(["openssl", "python3"], "sending to a peer that has reset the connection fails", async () => {
  await withClient("reset", function* (socket, client) {
    yield client;
    const error = yield* untilFailure(() => socket.sendall(new Uint8Array(100_000), 10));
    assert(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset, String(error));
  });
});

testWith(["openssl"], "openssl s_client may change the keys between two messages", async () => {
  const { ca } = testCertificate();
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/ca.pem`, ca);
  using listener = listenTls();
  const client = new Deno.Command("openssl", {
    args: ["s_client", "-connect", `${LOOPBACK}:${portOf(listener)}`, "-servername", "localhost", "-tls1_3"]
      .concat(["-CAfile", `${dir}/ca.pem`, "-verify_return_error"]),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdin = client.stdin.getWriter();
  const stdout = client.stdout.text();
  let told = "";
  const telling = (async () => {
    for await (const part of client.stderr.pipeThrough(new TextDecoderStream())) told += part;
  })();
  await drive(function* () {
    using socket = yield* listener.accept(10);
    const say = function* (line: string): Generator<unknown, void, unknown> {
      yield stdin.write(bytes(`${line}\n`));
      assertEquals(yield* socket.readline(10), line);
      yield* socket.sendall(`you said ${line}\n`, 10);
    };
    yield* say("one");
    // The command of s_client that changes its keys, and asks the peer to change its own. It ignores what it reads
    // together with a command.
    yield stdin.write(bytes("K\n"));
    yield eventually(() => told.includes("KEYUPDATE"), "the keys are changed");
    yield* say("two");
    yield* say("three");
  });
  assert((await client.status).success, told);
  assertStringIncludes(await stdout, "you said three");
  await telling;
  await stdin.close().catch(() => {});
  await Deno.remove(dir, { recursive: true });
});

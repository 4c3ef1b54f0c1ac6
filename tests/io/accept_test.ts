/** Accepting goes on, whatever clients do, and after a lack of descriptors. */
import { Coro, type CoroFunction, Scheduler, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { run as runAsyncio, startServer } from "@asyncoro/asyncoro/asyncio";
import { type AsyncListener, AsyncSocket, ClosedError } from "@asyncoro/asyncoro/io";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { AsyncListener as Listener } from "../../core/io/net/listener.ts";
import { drive, eventually, testWith, text } from "./helpers.ts";
import { HOARD, starve } from "./starving.ts";

const LOOPBACK = "127.0.0.1";

/** An error of the host's `accept`. */
function hostError(name: string, code: string | undefined): Error {
  return Object.assign(new Error(`injected ${code ?? name}`), { name, code });
}

/** A listener whose host fails at first. The last accept waits for ever. */
class FaultyHost implements Pick<Deno.Listener, "accept" | "addr" | "close" | "ref" | "unref"> {
  readonly addr: Deno.Addr = { transport: "tcp", hostname: LOOPBACK, port: 7 };
  readonly #faults: Error[];
  accepts = 0;

  constructor(...faults: Error[]) {
    this.#faults = faults;
  }

  accept(): Promise<Deno.Conn> {
    this.accepts++;
    const fault = this.#faults.shift();
    if (fault !== undefined) return Promise.reject(fault);
    return this.accepts > 50 ? new Promise(() => {}) : Promise.resolve(new SilentConn() as unknown as Deno.Conn);
  }

  close(): void {}
  ref(): void {}
  unref(): void {}
}

class SilentConn {
  readonly remoteAddr: Deno.Addr = { transport: "tcp", hostname: LOOPBACK, port: 8 };
  readonly localAddr = this.remoteAddr;
  read(): Promise<null> {
    return Promise.resolve(null);
  }
  write(): Promise<number> {
    return Promise.resolve(1);
  }
  close(): void {}
}

function listenerOf(host: FaultyHost): AsyncListener {
  const wrap = (conn: unknown): AsyncSocket => AsyncSocket.from(conn as Deno.Conn);
  return new Listener(host as unknown as Deno.Listener, { wrap, tls: null, path: null });
}

/** Runs a coroutine, and returns the errors that were reported to its scheduler meanwhile. */
async function reported(target: CoroFunction<[], unknown>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const scheduler = new Scheduler({ name: "accept test" });
  scheduler.onError = (error) => errors.push(error);
  await scheduler.spawn(target).value(20);
  await scheduler.terminate();
  return errors;
}

const GONE: [name: string, code?: string][] = [
  ["ConnectionAborted", "ECONNABORTED"],
  ["ConnectionReset", "ECONNRESET"],
  ["NotConnected", "ENOTCONN"],
  ["NotConnected"],
  ["Error", "EPROTO"],
  ["Error", "EHOSTUNREACH"],
  ["TimedOut", "ETIMEDOUT"],
];

for (const [name, code] of GONE) {
  Deno.test(`accept() goes on after a connection that is already broken: ${code ?? name}`, async () => {
    using listener = listenerOf(new FaultyHost(hostError(name, code), hostError(name, code)));
    const errors = await reported(function* () {
      (yield* listener.accept(5)).close();
    });
    assertEquals(errors, []);
  });
}

for (const code of ["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"]) {
  Deno.test(`accept() reports ${code} once, pauses and goes on`, async () => {
    const host = new FaultyHost(hostError("Error", code), hostError("Error", code));
    using listener = listenerOf(host);
    const errors = await reported(function* () {
      (yield* listener.accept(20)).close();
      assertEquals(host.accepts, 3);
    });
    assertEquals(errors.length, 1);
    const [{ message, cause }] = errors as [Error];
    assertStringIncludes(message, "Cannot accept at 127.0.0.1:7 at the moment: injected");
    assertEquals((cause as { code: string }).code, code);
  });
}

Deno.test("accept() can time out, be terminated and closed while a shortage lasts", async () => {
  const host = new FaultyHost(hostError("Error", "EMFILE"), hostError("Error", "EMFILE"));
  const listener = listenerOf(host);
  const errors = await reported(function* () {
    try {
      yield* listener.accept(0.02);
      throw new Error("Expected a timeout");
    } catch (error) {
      assertInstanceOf(error, TimeoutError);
    }
    const given = new Coro(function* () {
      yield* listener.accept();
    });
    const closed = new Coro(function* () {
      try {
        yield* listener.accept();
      } catch (error) {
        return error;
      }
    });
    yield* sleep(0.01);
    given.terminate();
    yield* given.finish();
    listener.close();
    assertInstanceOf(yield* closed.finish(), ClosedError);
  });
  assertEquals(errors.length, 1);
  assertEquals(host.accepts, 1);
});

Deno.test("a second shortage is reported again if connections came in between", async () => {
  const [first, second] = [hostError("Error", "EMFILE"), hostError("Error", "ENFILE")];
  const host = new FaultyHost(first);
  using listener = listenerOf(host);
  const errors = await reported(function* () {
    (yield* listener.accept(5)).close();
    host.accept = () => {
      host.accept = FaultyHost.prototype.accept;
      return Promise.reject(second);
    };
    (yield* listener.accept(5)).close();
  });
  assertEquals(errors.map((error) => (error as Error).cause), [first, second]);
});

Deno.test("an error of accept() that no client causes fails the waiting accept()", async () => {
  using listener = listenerOf(new FaultyHost(hostError("PermissionDenied", "EACCES")));
  await drive(function* () {
    try {
      yield* listener.accept(5);
      throw new Error("Expected an error");
    } catch (error) {
      assertEquals((error as Error).name, "PermissionDenied");
    }
    (yield* listener.accept(5)).close();
  });
});

Deno.test("an error of accept() fails the first that waits, and the others wait on", async () => {
  using listener = listenerOf(new FaultyHost(hostError("PermissionDenied", "EACCES")));
  await drive(function* () {
    const first = new Coro(function* () {
      try {
        (yield* listener.accept(5)).close();
      } catch (error) {
        return (error as Error).name;
      }
    });
    const second = new Coro(function* () {
      (yield* listener.accept(5)).close();
      return "accepted";
    });
    assertEquals(yield* first.finish(), "PermissionDenied");
    assertEquals(yield* second.finish(), "accepted");
  });
});

// --- with the real host ---------------------------------------------------------------------------------------

/** Connects and resets at once, several times. */
const RESET = `import socket, struct, sys
for i in range(20):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
`;

async function resetAll(port: number): Promise<void> {
  const args = ["-c", RESET, String(port)];
  const { success, stderr } = await new Deno.Command("python3", { args, stderr: "piped" }).output();
  assert(success, text(stderr));
}

testWith(["python3"], "clients that reset at once do not end a server", async () => {
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  await drive(function* (coro) {
    const server = new Coro(function* () {
      for (;;) {
        using socket = yield* listener.accept();
        try {
          yield* socket.sendall(yield* socket.recv(100, 5));
        } catch (error) {
          assertInstanceOf(error, Deno.errors.ConnectionReset);
        }
      }
    });
    yield resetAll(port);
    using socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port }, 5);
    yield* socket.sendall("still there");
    assertEquals(text(yield* socket.recv(100, 5)), "still there");
    assert(coro.isAlive());
    server.terminate();
    yield* server.finish();
  });
});

testWith(["python3"], "clients that reset at once do not end a server of asyncio streams", async () => {
  const contexts: unknown[] = [];
  await runAsyncio(function* () {
    const server = yield* startServer(
      function* (reader, writer) {
        writer.write(yield* reader.readline());
        writer.close();
      },
      LOOPBACK,
      0,
    );
    server.getLoop().setExceptionHandler((_loop, { exception }) => contexts.push(exception));
    const { port } = server.addr as Deno.NetAddr;
    yield resetAll(port);
    assert(server.isServing());
    const socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port }, 5);
    yield* socket.sendall("hello\n");
    assertEquals(yield* socket.readline(5), "hello");
    socket.close();
    server.close();
    yield* server.waitClosed();
  });
  // The handlers may find that their client has left.
  for (const error of contexts) assertInstanceOf(error, Deno.errors.ConnectionReset);
});

const SERVERS: Record<string, string> = {
  "TCP": "AsyncSocket.listen({ hostname: '127.0.0.1', port: 0 })",
  "TLS": "AsyncSocket.listen({ hostname: '127.0.0.1', port: 0, tls: { cert: Deno.args[0], key: Deno.args[1] } })",
  "Unix": "AsyncSocket.listen({ path: Deno.args[2] })",
};

function program(server: string): string {
  return `import { AsyncSocket, Coro, run } from "@asyncoro/asyncoro";
${HOARD}
await run(function* () {
  using listener = ${server};
  console.log(JSON.stringify(listener.addr));
  hoard();
  free();
  for (;;) {
    new Coro(function* (_coro, socket) {
      yield* socket.sendall((yield* socket.readline()) + "\\n");
      socket.close();
    }, yield* listener.accept());
  }
});`;
}

const ASYNCIO = `import { run, startServer } from "@asyncoro/asyncoro/asyncio";
${HOARD}
await run(function* () {
  const server = yield* startServer(function* (reader, writer) {
    writer.write(yield* reader.readline());
    writer.close();
  }, "127.0.0.1", 0);
  console.log(JSON.stringify(server.addr));
  hoard();
  free();
  yield* server.serveForever();
});`;

for (const [kind, server] of Object.entries(SERVERS)) {
  testWith(
    ["sh", "openssl"],
    `a ${kind} server that runs out of descriptors prints a line, pauses and goes on`,
    async () => {
      const output = await starve(program(server));
      assertEquals(output.trim().split("\n").length, 1, output);
      assertStringIncludes(output, "at the moment: Too many open files");
    },
  );
}

testWith(
  ["sh", "openssl"],
  "a server of asyncio streams that runs out of descriptors calls the exception handler",
  async () => {
    const output = await starve(ASYNCIO);
    assertEquals(output.match(/socket.accept\(\) out of system resource/g)?.length, 1, output);
  },
);

// --- paths ----------------------------------------------------------------------------------------------------

/** Whether a listener can be reached at a path, and which files are in its folder. */
function* reach(listener: AsyncListener, path: string): Generator<unknown, void, unknown> {
  using _client = yield* AsyncSocket.connect({ path }, 5);
  (yield* listener.accept(5)).close();
}

for (const accepting of [false, true]) {
  const when = accepting ? "while accept() waits" : "while nobody waits";
  Deno.test(`closing a listener leaves the path of a newer one, ${when}`, async () => {
    const dir = await Deno.makeTempDir();
    const path = `${dir}/socket`;
    await drive(function* () {
      const start = (listener: AsyncListener): void => {
        if (!accepting) return;
        new Coro(function* () {
          try {
            yield* listener.accept();
          } catch (error) {
            assertInstanceOf(error, ClosedError);
          }
        });
      };
      const oldest = AsyncSocket.listen({ path });
      start(oldest);
      yield* sleep(0.02);
      Deno.removeSync(path);
      const newer = AsyncSocket.listen({ path });
      oldest.close();
      yield* sleep(0.02);
      yield* reach(newer, path);
      // A listener that is replaced at once.
      start(newer);
      yield* sleep(0.02);
      newer.close();
      const newest = AsyncSocket.listen({ path });
      yield* sleep(0.02);
      yield* reach(newest, path);
      assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["socket"]);
      newest.close();
    });
    await eventually(() => [...Deno.readDirSync(dir)].length === 0, "the path is removed");
    await Deno.remove(dir, { recursive: true });
  });
}

Deno.test("closing a listener does not remove a file that has replaced its socket", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/socket`;
  const listener = AsyncSocket.listen({ path });
  Deno.removeSync(path);
  Deno.writeTextFileSync(path, "a file");
  listener.close();
  assertEquals(Deno.readTextFileSync(path), "a file");
  await Deno.remove(dir, { recursive: true });
});

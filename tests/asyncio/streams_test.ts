/** Streams of asyncio over real sockets on loopback. */
import {
  type Awaitable,
  CancelledError,
  createTask,
  gather,
  IncompleteReadError,
  LimitOverrunError,
  openConnection,
  run,
  type Server,
  sleep,
  startServer,
  type StreamReader,
  type StreamWriter,
  TimeoutError,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

type Serve = (reader: StreamReader, writer: StreamWriter) => Generator<unknown, void, unknown>;
type Visit = (reader: StreamReader, writer: StreamWriter, server: Server) => Generator<unknown, void, unknown>;

/** Connects one client to a server that serves it, and closes everything in the end. */
function streamTest(name: string, serve: Serve, visit: Visit, limit?: number): void {
  Deno.test(name, () =>
    run(function* () {
      const server = yield* startServer(serve, "127.0.0.1", 0, { limit });
      const { port } = server.addr as Deno.NetAddr;
      const [reader, writer] = yield* openConnection("127.0.0.1", port, { limit });
      try {
        yield* visit(reader, writer, server);
      } finally {
        writer.close();
        server.close();
        server.closeClients();
        yield* server.waitClosed();
      }
    }));
}

/** The error of a certain kind that something fails with. */
function* failureOf<E extends Error>(
  work: Awaitable<unknown>,
  kind: abstract new (...args: never[]) => E,
): Generator<unknown, E, unknown> {
  const [outcome] = yield* gather([work], { returnExceptions: true });
  if (outcome instanceof kind) return outcome;
  throw new Error(`It gave ${outcome}, and not a ${kind.name}`);
}

/** Sends what it is given, and ends. */
function sends(...pieces: string[]): Serve {
  return function* (_reader, writer) {
    for (const piece of pieces) {
      writer.write(piece);
      yield* writer.drain();
      yield* sleep(0.005);
    }
    writer.close();
  };
}

function* echo(reader: StreamReader, writer: StreamWriter): Generator<unknown, void, unknown> {
  while (!reader.atEof()) {
    writer.write(yield* reader.read(1000));
    yield* writer.drain();
  }
  writer.close();
}

streamTest(
  "readline() gives lines with their ends, the last one without, and then nothing",
  sends("one\ntw", "o\n\nend"),
  function* (reader) {
    const lines: string[] = [];
    while (!reader.atEof()) lines.push(text(yield* reader.readline()));
    assertEquals(lines.filter((line) => line !== ""), ["one\n", "two\n", "\n", "end"]);
    assertEquals((yield* reader.readline()).length, 0);
  },
);

streamTest("readexactly() waits for as many bytes as it was asked for", sends("abc", "def", "gh"), function* (reader) {
  assertEquals(text(yield* reader.readexactly(4)), "abcd");
  assertEquals(text(yield* reader.readexactly(0)), "");
  assertEquals(text(yield* reader.readexactly(4)), "efgh");
});

streamTest("readexactly() tells what came before the end", sends("abc"), function* (reader) {
  const { partial, expected } = yield* failureOf(reader.readexactly(5), IncompleteReadError);
  assertEquals([text(partial), expected], ["abc", 5]);
  assert(reader.atEof());
});

streamTest("readuntil() finds a separator that comes in pieces", sends("a--b--", "", "c-", "-d"), function* (reader) {
  assertEquals(text(yield* reader.readuntil("--")), "a--");
  assertEquals(text(yield* reader.readuntil(new TextEncoder().encode("--"))), "b--");
  assertEquals(text(yield* reader.readuntil("--")), "c--");
  const { partial, expected } = yield* failureOf(reader.readuntil("--"), IncompleteReadError);
  assertEquals([text(partial), expected], ["d", null]);
});

streamTest(
  "a line over the limit is refused and stays in the stream",
  sends("x".repeat(100) + "\nshort\n"),
  function* (reader) {
    const { consumed } = yield* failureOf(reader.readline(), LimitOverrunError);
    assert(consumed >= 50 && consumed <= 100, `consumed is ${consumed}`);
    assertEquals((yield* reader.readexactly(101)).length, 101);
    assertEquals(text(yield* reader.readline()), "short\n");
  },
  50,
);

streamTest("read() gives all until the end, read(n) what is there", sends("abc", "def"), function* (reader) {
  assertEquals(text(yield* reader.read(2)), "ab");
  assertEquals((yield* reader.read(0)).length, 0);
  assertEquals(text(yield* reader.read()), "cdef");
  assertEquals((yield* reader.read(5)).length, 0);
});

streamTest("a read that is given up loses nothing", sends("abc", "def\n"), function* (reader) {
  for (const work of [reader.readexactly(100), reader.readuntil("\n\n"), reader.read()]) {
    const reading = createTask(work);
    yield* sleep(0.001);
    reading.cancel();
    yield* failureOf(reading, CancelledError);
  }
  assertEquals(text(yield* reader.readline()), "abcdef\n");
});

streamTest("a read that is late loses nothing", sends("abc"), function* (reader) {
  yield* sleep(0.02);
  yield* failureOf(waitFor(reader.readexactly(3), 0), TimeoutError);
  assertEquals(text(yield* reader.readexactly(3)), "abc");
});

streamTest("two tasks cannot read at once", sends("abc"), function* (reader) {
  const first = createTask(reader.readexactly(3));
  yield* sleep(0);
  const { message } = yield* failureOf(reader.read(1), Error);
  assertMatch(message, /another task waits for data already/);
  assertEquals(text(yield* first), "abc");
});

streamTest("write() sends in order, however large, and drain() holds back", echo, function* (reader, writer) {
  const piece = new Uint8Array(300_000).map((_, index) => index % 251);
  const sending = createTask(function* () {
    for (let i = 0; i < 10; i++) {
      writer.write(piece);
      yield* writer.drain();
    }
    writer.writeEof();
  });
  let length = 0;
  for (;;) {
    const bytes = yield* reader.read(70_000);
    if (bytes.length === 0) break;
    for (const byte of bytes) if (byte !== (length++ % piece.length) % 251) throw new Error(`Wrong at ${length}`);
  }
  yield* sending;
  assertEquals(length, 10 * piece.length);
});

streamTest("writeEof() ends one direction and leaves the other", echo, function* (reader, writer) {
  assert(writer.canWriteEof());
  writer.writelines(["a", new Uint8Array([98])]);
  writer.writeEof();
  writer.writeEof();
  assertThrows(() => writer.write("c"), Error, "half-closed");
  assertEquals(text(yield* reader.read()), "ab");
});

streamTest(
  "close() sends what was written first, and waitClosed() tells when that is done",
  echo,
  function* (_reader, writer) {
    writer.write("abc");
    assert(!writer.isClosing());
    writer.close();
    writer.close();
    assert(writer.isClosing());
    yield* writer.waitClosed();
    yield* writer.waitClosed();
    assertThrows(() => writer.write("c"), Error, "closing");
    assertThrows(() => writer.writeEof(), Error, "closing");
  },
);

streamTest("a lost connection is told by drain(), not by write()", function* (_reader, writer) {
  writer.socket.close();
}, function* (_reader, writer) {
  let failure: unknown;
  for (let i = 0; i < 200 && failure === undefined; i++) {
    writer.write(new Uint8Array(100_000));
    try {
      yield* writer.drain();
    } catch (error) {
      failure = error;
    }
  }
  assert(failure instanceof Error, "It was never told");
  assert(writer.isClosing());
  writer.write("nobody minds");
});

streamTest("getExtraInfo() knows the addresses", echo, function* (_reader, writer, server) {
  assertEquals((writer.getExtraInfo("peername") as Deno.NetAddr).port, (server.addr as Deno.NetAddr).port);
  assertEquals((writer.getExtraInfo("sockname") as Deno.NetAddr).hostname, "127.0.0.1");
  assertEquals(writer.getExtraInfo("socket"), writer.socket);
  assertEquals(writer.getExtraInfo("cipher", "none"), "none");
});

Deno.test("an error for one client goes to the exception handler, and the others are served", () =>
  run(function* (coro) {
    const contexts: string[] = [];
    const loop = createTask(sleep(0)).getLoop();
    loop.setExceptionHandler((_loop, context) => contexts.push(String(context.exception)));
    using server = yield* startServer(
      function* (reader, writer) {
        if (text(yield* reader.readline()) === "bad\n") throw new Error("no such thing");
        writer.write("fine\n");
        writer.close();
      },
      "127.0.0.1",
      0,
    );
    function* ask(question: string) {
      const [reader, writer] = yield* openConnection(server.addr as Deno.NetAddr);
      writer.write(question);
      const answer = text(yield* reader.read());
      writer.close();
      return answer;
    }
    assertEquals(yield* gather(ask("bad\n"), ask("good\n")), ["", "fine\n"]);
    assertEquals(contexts, ["Error: no such thing"]);
    assert(coro.isAlive());
  }));

Deno.test("a server stops accepting when it is closed, and serveForever() closes it when it is cancelled", () =>
  run(function* () {
    const server = yield* startServer((_reader, writer) => writer.close(), "127.0.0.1", 0);
    const serving = createTask(server.serveForever());
    yield* sleep(0);
    assert(server.isServing());
    serving.cancel();
    yield* failureOf(serving, CancelledError);
    assert(!server.isServing());
    yield* server.waitClosed();
    yield* failureOf(openConnection(server.addr as Deno.NetAddr), Error);
  }));

Deno.test("a path in the file system will do as well", async () => {
  const folder = await Deno.makeTempDir();
  await run(function* () {
    using server = yield* startServer(echo, { path: `${folder}/socket` });
    const [reader, writer] = yield* openConnection({ path: `${folder}/socket` });
    writer.write("hello");
    writer.writeEof();
    assertEquals(text(yield* reader.read()), "hello");
    writer.close();
    server.close();
    yield* server.waitClosed();
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("streams refuse wrong arguments at the call", async () => {
  assertThrows(() => openConnection("127.0.0.1", 70_000), RangeError, "port");
  assertThrows(() => openConnection("127.0.0.1", 80, { limit: 0 }), RangeError, "limit");
  // @ts-expect-error -- a number is no function
  assertThrows(() => startServer(5, "127.0.0.1", 0), TypeError, "clientConnected");
  await assertRejects(
    () =>
      run(function* () {
        using server = yield* startServer(echo, "127.0.0.1", 0);
        const [reader, writer] = yield* openConnection(server.addr as Deno.NetAddr);
        writer.close();
        assertThrows(() => reader.read(-2), RangeError, "'n' must be");
        assertThrows(() => reader.readuntil(""), RangeError, "empty");
        // @ts-expect-error -- a number is no data
        assertThrows(() => writer.write(5), TypeError, "'data' must be");
        throw new RangeError("reached the end");
      }),
    RangeError,
    "reached the end",
  );
});

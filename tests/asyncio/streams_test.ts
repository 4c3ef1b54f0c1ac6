/** Streams of asyncio over real sockets on loopback. */
import {
  type Awaitable,
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  IncompleteReadError,
  LimitOverrunError,
  openConnection,
  run,
  type Server,
  sleep,
  startServer,
  type StreamReader,
  StreamWriter,
  type Task,
  TimeoutError,
  wait,
  waitFor,
  wrapFuture,
} from "@asyncoro/asyncoro/asyncio";
import { AsyncSocket } from "@asyncoro/asyncoro";
import { StreamTransport } from "../../core/asyncio/streams/stream_transport.ts";
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
  for (let data = yield* reader.read(1000); data.length > 0; data = yield* reader.read(1000)) {
    writer.write(data);
    yield* writer.drain();
  }
  writer.close();
}

/** Waits until something holds. */
function* eventually(condition: () => boolean, what: string): Generator<unknown, void, unknown> {
  for (let i = 0; i < 2000 && !condition(); i++) yield* sleep(0.002);
  assert(condition(), what);
}

streamTest(
  "readline() returns lines with their ends, the last one without, and then an empty one",
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

streamTest("the error of readexactly() has what came before the end", sends("abc"), function* (reader) {
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
  "readline() throws once for a line over the limit and skips it",
  sends("x".repeat(100) + "\nshort\n" + "y".repeat(200), "z\nlast\n"),
  function* (reader) {
    yield* failureOf(reader.readline(), RangeError);
    assertEquals(text(yield* reader.readline()), "short\n");
    // Its end has not come: what has come is skipped.
    yield* failureOf(reader.readline(), RangeError);
    assertMatch(text(yield* reader.readline()), /^y*z\n$/);
    assertEquals(text(yield* reader.readline()), "last\n");
  },
  50,
);

streamTest(
  "readuntil() leaves what is over the limit in the stream, and says how much can be read",
  sends("x".repeat(100) + "\nshort\n"),
  function* (reader) {
    for (let i = 0; i < 2; i++) {
      const { consumed } = yield* failureOf(reader.readuntil(), LimitOverrunError);
      assert(consumed > 50 && consumed <= 100, `consumed is ${consumed}`);
    }
    assertEquals((yield* reader.readexactly(101)).length, 101);
    assertEquals(text(yield* reader.readuntil()), "short\n");
  },
  50,
);

streamTest(
  "readuntil() of several separators takes the one that ends first",
  sends("a=1;b=2\r\nc", "\rd\r\n"),
  function* (reader) {
    const next = reader.readuntil.bind(reader, ["\r\n", ";", new TextEncoder().encode("=")]);
    const parts: string[] = [];
    for (let i = 0; i < 5; i++) parts.push(text(yield* next()));
    assertEquals(parts, ["a=", "1;", "b=", "2\r\n", "c\rd\r\n"]);
  },
);

streamTest("a reader iterates its lines", sends("one\ntw", "o\n\nend"), function* (reader) {
  const lines: string[] = [];
  for (const next of reader) {
    const line = yield* next;
    if (line === null) break;
    lines.push(text(line));
    if (lines.length === 2) break;
  }
  yield* reader.lines().forEach((line) => void lines.push(text(line)));
  assertEquals(lines, ["one\n", "two\n", "\n", "end"]);
});

streamTest("a reader iterates its lines in async code", sends("one\ntw", "o"), function* (reader) {
  const lines: string[] = [];
  yield* wrapFuture((async () => {
    for await (const line of reader) lines.push(text(line));
  })());
  assertEquals(lines, ["one\n", "two"]);
});

streamTest("read() returns everything to the end, read(n) what is available", sends("abc", "def"), function* (reader) {
  assertEquals(text(yield* reader.read(2)), "ab");
  assertEquals((yield* reader.read(0)).length, 0);
  assertEquals(text(yield* reader.read()), "cdef");
  assertEquals((yield* reader.read(5)).length, 0);
});

streamTest("a read that is given up loses nothing", function* (reader, writer) {
  writer.write("abc");
  yield* reader.readline();
  writer.write("def\n");
  writer.close();
}, function* (reader, writer) {
  for (const work of [reader.readexactly(100), reader.readuntil("\n\n"), reader.read()]) {
    const reading = createTask(work);
    yield* sleep(0.001);
    reading.cancel();
    yield* failureOf(reading, CancelledError);
  }
  writer.write("go on\n");
  assertEquals(text(yield* reader.readline()), "abcdef\n");
});

streamTest("a read that is late loses nothing", sends("abc"), function* (reader) {
  yield* eventually(() => reader.unread === 3, "it reads ahead");
  yield* failureOf(waitFor(reader.readexactly(3), 0), TimeoutError);
  assertEquals(text(yield* reader.readexactly(3)), "abc");
});

streamTest("two tasks cannot read at once", function* (reader, writer) {
  writer.write(yield* reader.readexactly(3));
}, function* (reader, writer) {
  const first = createTask(reader.readexactly(3));
  yield* sleep(0);
  const { message } = yield* failureOf(reader.read(1), Error);
  assertMatch(message, /another task waits for data already/);
  writer.write("abc");
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
  "close() first sends what was written, and waitClosed() waits for that",
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

streamTest("drain() throws when the connection is lost, write() does not", function* (_reader, writer) {
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
  assert(failure instanceof Error, "The failure was never reported");
  assert(writer.isClosing());
  writer.write("nobody minds");
});

streamTest("atEof() is true once the end was received and all is read, although no task waits", function* (_, writer) {
  writer.write("abc");
  writer.close();
}, function* (reader) {
  yield* eventually(() => reader.unread === 3, "it reads ahead");
  assert(!reader.atEof());
  assertEquals(text(yield* reader.read(3)), "abc");
  yield* eventually(() => reader.atEof(), "the end is known");
});

streamTest("after close() what has come can be read, and then atEof() is true", function* (reader, writer) {
  writer.write("abc");
  yield* reader.read();
}, function* (reader, writer) {
  yield* eventually(() => reader.unread === 3, "it reads ahead");
  writer.close();
  yield* writer.waitClosed();
  assert(!reader.atEof());
  assertEquals(text(yield* reader.readexactly(2)), "ab");
  assertEquals(text(yield* reader.read()), "c");
  assert(reader.atEof());
  assertEquals((yield* reader.read(5)).length, 0);
});

streamTest("close() ends a read that waits", echo, function* (reader, writer) {
  const reading = createTask(reader.readexactly(3));
  yield* sleep(0);
  writer.close();
  const { partial } = yield* failureOf(reading, IncompleteReadError);
  assertEquals(partial.length, 0);
});

streamTest("drain() throws when the connection was closed", echo, function* (_reader, writer) {
  writer.close();
  yield* writer.waitClosed();
  for (let i = 0; i < 2; i++) yield* failureOf(writer.drain(), Deno.errors.ConnectionReset);
});

streamTest(
  "after a connection is lost in a write, reads, drain() and waitClosed() throw the error",
  function* (_, writer) {
    writer.socket.close();
  },
  function* (reader, writer) {
    for (let i = 0; i < 200 && reader.exception() === null; i++) {
      writer.write(new Uint8Array(100_000));
      yield* sleep(0.002);
    }
    const failure = reader.exception();
    assert(failure instanceof Error, "the failure was never reported");
    for (const read of [reader.read(), reader.read(1), reader.readexactly(1), reader.readline(), reader.readuntil()]) {
      assertEquals(yield* failureOf(read, Error), failure);
    }
    assertEquals(yield* failureOf(writer.drain(), Error), failure);
    assertEquals(yield* failureOf(writer.waitClosed(), Error), failure);
    assert(writer.isClosing());
  },
);

streamTest(
  "a read that waits for the peer counts as a host operation, until it ends",
  echo,
  function* (reader, writer) {
    const { scheduler } = getRunningLoop();
    // After this the server waits for input, and for another client.
    writer.write("x");
    yield* reader.readexactly(1);
    const before = scheduler.stats().hostOperations;
    const counts: number[] = [];
    const reads: Task<Uint8Array>[] = [];
    for (const end of [() => writer.write("y"), () => reads[1].cancel()]) {
      reads.push(createTask(reader.readexactly(1)));
      yield* sleep(0);
      counts.push(scheduler.stats().hostOperations - before);
      end();
      yield* wait([reads.at(-1)!]);
      counts.push(scheduler.stats().hostOperations - before);
    }
    assertEquals(counts, [1, 0, 1, 0]);
  },
);

streamTest("a connection closed with unread input loses no output", function* (reader, writer) {
  yield* reader.readline();
  yield* eventually(() => reader.unread === 100_000, "the input has come");
  writer.write("y".repeat(500_000));
  yield* writer.drain();
  writer.close();
}, function* (reader, writer) {
  writer.write("POST / HTTP/1.0\r\n" + "x".repeat(100_000));
  yield* writer.drain();
  assertEquals((yield* reader.read()).length, 500_000);
});

Deno.test("a reader reads ahead up to twice its limit and holds the peer back until it is down to the limit", () =>
  run(function* () {
    const LIMIT = 10_000;
    const MOST = 2 * LIMIT + 65_536;
    let reader!: StreamReader;
    using server = yield* startServer((theReader) => void (reader = theReader), "127.0.0.1", 0, { limit: LIMIT });
    const [, writer] = yield* openConnection(server.addr as Deno.NetAddr);
    const sending = createTask(function* () {
      for (let i = 0; i < 300; i++) {
        writer.write(new Uint8Array(100_000).fill(i % 251));
        yield* writer.drain();
      }
      writer.writeEof();
    });
    yield* eventually(() => reader?.paused, "it has read enough");
    for (let i = 0; i < 50; i++) {
      yield* sleep(0.002);
      assert(reader.unread <= MOST, `${reader.unread} bytes are kept`);
    }
    assert(!sending.done());
    const kept = reader.unread;
    yield* reader.readexactly(kept - LIMIT - 1);
    yield* sleep(0.02);
    assertEquals(reader.unread, LIMIT + 1, "it reads on too early");
    yield* reader.readexactly(1);
    yield* eventually(() => reader.paused, "it reads on");
    let length = kept - LIMIT;
    for (let data = yield* reader.read(70_000); data.length > 0; data = yield* reader.read(70_000)) {
      for (const byte of data) if (byte !== Math.trunc(length++ / 100_000) % 251) throw new Error(`wrong at ${length}`);
      assert(reader.unread <= MOST, `${reader.unread} bytes are kept`);
    }
    assertEquals(length, 300 * 100_000);
    yield* sending;
    writer.close();
    server.closeClients();
  }));

Deno.test("drain() waits until the unsent bytes are down to a quarter of what makes it wait", () =>
  run(function* () {
    const taken: (() => void)[] = [];
    const socket = AsyncSocket.from({
      readable: new ReadableStream<Uint8Array>(),
      writable: new WritableStream({ write: () => new Promise<void>((resolve) => void taken.push(resolve)) }),
    });
    const writer = new StreamWriter(new StreamTransport(getRunningLoop(), socket, 65_536));
    for (let i = 0; i < 3; i++) writer.write(new Uint8Array(30_000));
    const draining = createTask(writer.drain());
    for (let i = 1; i <= 3; i++) {
      yield* eventually(() => taken.length === i, "the next piece is being sent");
      assert(!draining.done(), `after ${i - 1} pieces`);
      taken[i - 1]();
    }
    yield* draining;
    writer.close();
    yield* writer.waitClosed();
  }));

streamTest("writelines() sends nothing if one piece is not data", echo, function* (reader, writer) {
  assertThrows(() => writer.writelines(["a", 5 as never]), TypeError);
  writer.writelines(["b", "c"]);
  writer.writeEof();
  assertEquals(text(yield* reader.read()), "bc");
});

streamTest("getExtraInfo() returns the addresses", echo, function* (_reader, writer, server) {
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

Deno.test("serveForever() fails in a second task and on a closed server", () =>
  run(function* () {
    const server = yield* startServer(echo, "127.0.0.1", 0);
    const serving = createTask(server.serveForever());
    yield* sleep(0);
    assertMatch((yield* failureOf(server.serveForever(), Error)).message, /another task/);
    assert(server.isServing());
    server.close();
    yield* failureOf(serving, CancelledError);
    assertMatch((yield* failureOf(server.serveForever(), Error)).message, /closed/);
  }));

Deno.test("close() cancels serveForever(), which closes the connections and ends when they have", () =>
  run(function* () {
    let served = "";
    const server = yield* startServer(
      function* (reader) {
        served = text(yield* reader.read());
      },
      "127.0.0.1",
      0,
    );
    const serving = createTask(server.serveForever());
    const [reader, writer] = yield* openConnection(server.addr as Deno.NetAddr);
    writer.write("hello");
    yield* writer.drain();
    yield* sleep(0.02);
    server.close();
    yield* failureOf(serving, CancelledError);
    assertEquals(served, "hello");
    assertEquals((yield* reader.read()).length, 0);
    writer.close();
  }));

Deno.test("closeClients() sends what was written, abortClients() does not wait for that", () =>
  run(function* () {
    using server = yield* startServer(
      (_reader, writer) => writer.write(new Uint8Array(20_000_000)),
      "127.0.0.1",
      0,
    );
    const visits: [StreamReader, StreamWriter][] = [];
    for (let i = 0; i < 2; i++) visits.push(yield* openConnection(server.addr as Deno.NetAddr));
    const [[first, one], [second, other]] = visits;
    yield* eventually(() => first.paused && second.paused, "both clients have begun to read");
    server.closeClients();
    assertEquals((yield* first.read()).length, 20_000_000);
    server.abortClients();
    server.close();
    yield* server.waitClosed();
    const [rest] = yield* gather([second.read()], { returnExceptions: true });
    assert(rest instanceof Error || rest.length < 20_000_000, "nothing was cut off");
    one.close();
    other.close();
  }));

Deno.test("what an async function does for a client is awaited, and its error reported", () =>
  run(function* () {
    const contexts: string[] = [];
    createTask(sleep(0)).getLoop().setExceptionHandler((_, context) => contexts.push(String(context.exception)));
    using server = yield* startServer(() => Promise.reject(new Error("no such thing")), "127.0.0.1", 0);
    const [reader, writer] = yield* openConnection(server.addr as Deno.NetAddr);
    assertEquals((yield* reader.read()).length, 0);
    assertEquals(contexts, ["Error: no such thing"]);
    writer.close();
  }));

Deno.test("a connection left open does not keep the process", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const code = `
    import { openConnection, run } from "@asyncoro/asyncoro/asyncio";
    await run(function* () {
      yield* openConnection("127.0.0.1", ${(listener.addr as Deno.NetAddr).port});
    });
    console.log("ended");`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", config, code],
    stdout: "piped",
    stderr: "inherit",
  });
  const [conn, { stdout }] = await Promise.all([listener.accept(), child.output()]);
  assertEquals(text(stdout), "ended\n");
  conn.close();
  listener.close();
});

Deno.test("a path in the file system is accepted as well", async () => {
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
  // @ts-expect-error -- a number is not a function
  assertThrows(() => startServer(5, "127.0.0.1", 0), TypeError, "clientConnected");
  await assertRejects(
    () =>
      run(function* () {
        using server = yield* startServer(echo, "127.0.0.1", 0);
        const [reader, writer] = yield* openConnection(server.addr as Deno.NetAddr);
        writer.close();
        assertThrows(() => reader.read(-2), RangeError, "'n' must be");
        assertThrows(() => reader.readuntil(""), RangeError, "empty");
        assertThrows(() => reader.readuntil(["a", ""]), RangeError, "empty");
        assertThrows(() => reader.readuntil([]), RangeError, "there is none");
        assertThrows(() => reader.readuntil(["a", 5 as never]), TypeError, "'data' must be");
        assertThrows(() => writer.startTls({} as never), TypeError, "'hostname' must be");
        // @ts-expect-error -- a number is not data
        assertThrows(() => writer.write(5), TypeError, "'data' must be");
        throw new RangeError("reached the end");
      }),
    RangeError,
    "reached the end",
  );
});

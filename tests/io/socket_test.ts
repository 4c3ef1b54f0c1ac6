/**
 * Sockets: messages, TLS, listening, hostile peers, many connections. The shared suite of streams is not repeated here.
 */
import { Coro, type Operation, race, Scheduler, sleep, TimeoutError, until } from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import {
  type AsyncListener,
  AsyncSocket,
  ClosedError,
  EOFError,
  type IoLimit,
  MessageTooLargeError,
} from "@asyncoro/asyncoro/io";
import { bytes, drive, eventually, pause, seeded, testCertificate, testWith, text, turns } from "./helpers.ts";
import { fails, farConn, patterned, preempted } from "./stream_suite.ts";

const LOOPBACK = "127.0.0.1";

function portOf(listener: AsyncListener | Deno.Listener): number {
  return (listener.addr as Deno.NetAddr).port;
}

/** A socket of ours and the raw connection at its other end. */
async function pair(): Promise<[AsyncSocket, Deno.TcpConn]> {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const connecting = Deno.connect({ hostname: LOOPBACK, port: portOf(listener) });
  const near = AsyncSocket.from(await listener.accept());
  listener.close();
  return [near, await connecting];
}

function frame(data: Uint8Array, length = data.length): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(4 + data.length);
  new DataView(framed.buffer).setUint32(0, length);
  framed.set(data, 4);
  return framed;
}

Deno.test("recvMsg() joins frames that are split at every byte", async () => {
  const [near, far] = await pair();
  const whole = new Uint8Array([...frame(bytes("one")), ...frame(bytes("")), ...frame(bytes("three"))]);
  await drive(function* () {
    for (let cut = 0; cut <= whole.length; cut++) {
      yield* until(far.write(whole.subarray(0, cut)));
      const reader = new Coro(function* () {
        return [yield* near.recvMsg(5), yield* near.recvMsg(5), yield* near.recvMsg(5)].map((part) => text(part!));
      });
      yield* sleep(0.001);
      yield* until(far.write(whole.subarray(cut)));
      assertEquals(yield* reader.finish(), ["one", "", "three"]);
    }
    far.close();
    assertEquals(yield* near.recvMsg(5), null);
    assertEquals(yield* near.recvMsg(5), null);
  });
  near.close();
});

Deno.test("sendMsg() and recvMsg() move messages of any size, and count text in bytes", async () => {
  const [a, far] = await pair();
  const b = AsyncSocket.from(far);
  await drive(function* () {
    for (const size of [0, 1, 131_072, 131_073, 3_000_000]) {
      const data = patterned(size);
      const sender = new Coro(function* () {
        yield* a.sendMsg(data, 10);
      });
      const got = yield* b.recvMsg(10);
      assert(got !== null && got.length === size && got.every((byte, index) => byte === data[index]));
      yield* sender.finish();
    }
    yield* a.sendMsg("häh");
    assertEquals(text((yield* b.recvMsg())!), "häh");
  });
  a.close();
  b.close();
});

Deno.test("recvMsg() refuses an oversize or negative length before it allocates, and reports a truncated message", async () => {
  for (const length of [16 * 1024 * 1024 + 1, 0x80000000, 0xffffffff]) {
    const [near, far] = await pair();
    await far.write(frame(new Uint8Array(0), length));
    await drive(function* () {
      const error = yield* fails(near.recvMsg(5), MessageTooLargeError);
      assert(error.message.includes(String(length)), error.message);
      yield* fails(near.recvMsg(5), MessageTooLargeError);
    });
    near.close();
    far.close();
  }
  const [near, far] = await pair();
  await far.write(frame(bytes("abc"), 10));
  far.close();
  await drive(function* () {
    const error = yield* fails(near.recvMsg(5), EOFError);
    assertEquals(error.partial.length, 7);
  });
  near.close();
});

Deno.test("recvMsg() allocates for a huge length only as the data comes", async () => {
  const [near, far] = await pair();
  await far.write(frame(new Uint8Array(1000), 16 * 1024 * 1024));
  await drive(function* () {
    const before = Deno.memoryUsage().external;
    yield* fails(near.recvMsg(0.05), TimeoutError);
    assert(Deno.memoryUsage().external - before < 4_000_000, "Expected no allocation of the announced length");
  });
  near.close();
  far.close();
});

Deno.test("recvInto() receives into a buffer that is used again, and loses nothing", async () => {
  const [near, far] = await pair();
  const buffer = new Uint8Array(8);
  await drive(function* () {
    yield* until(far.write(bytes("0123456789ab")));
    assertEquals(yield* near.recvInto(buffer, 5), 8);
    assertEquals(yield* near.recvInto(buffer, 5), 4);
    assertEquals(text(buffer), "89ab4567");
    yield* fails(near.recvInto(buffer, 0.01), TimeoutError);
    yield* until(far.write(bytes("xyz\n")));
    assertEquals(yield* near.readline(5), "xyz");
    // Both branches have their bytes in one turn: the bytes in the buffer of the loser go back.
    yield* until(far.write(bytes("abcd")));
    const winner = yield* race(near.recvInto(new Uint8Array(2), 5), near.recvInto(new Uint8Array(2), 5));
    assertEquals([winner, text(yield* near.recvall(2, 5))], [2, "cd"]);
    const terminated = new Coro(function* () {
      yield* near.recvInto(buffer);
    });
    yield* sleep(0.005);
    const written = far.write(bytes("last"));
    for (let i = 0; i < 3; i++) yield until(Promise.resolve());
    terminated.terminate();
    yield* until(written);
    assertEquals(text(yield* near.recvall(4, 5)), "last");
    yield* until(far.closeWrite());
    assertEquals(yield* near.recvInto(buffer, 5), 0);
    assertThrows(() => near.recvInto(new Uint8Array(0)), RangeError);
    assertThrows(() => near.recvInto("x" as never), TypeError);
  });
  near.close();
  far.close();
});

Deno.test("recvInto() loses no byte, whenever it is pre-empted", async () => {
  for (const seed of [11, 12, 13]) {
    const [near, far] = await pair();
    await drive(function* (coro) {
      coro.scheduler.onError = () => {};
      const next = seeded(seed);
      const recv = (max: number, limit?: IoLimit) => next(2) === 0 ? near.recv(max, limit) : into(near, max, limit);
      yield* preempted(
        { recv, recvall: (size, limit) => near.recvall(size, limit) },
        farConn(far),
        patterned(20_000),
        next,
      );
    });
    near.close();
    far.close();
  }
});

/** Receives into a buffer that is thrown away if the receive is pre-empted. */
function into(near: AsyncSocket, max: number, limit?: IoLimit): Operation<Uint8Array> {
  const buffer = new Uint8Array(max);
  const operation = near.recvInto(buffer, limit);
  const take = operation.take;
  operation.take = function () {
    const count = take.call(this);
    return typeof count === "number" ? buffer.slice(0, count) : count;
  };
  return operation as Operation<unknown> as Operation<Uint8Array>;
}

Deno.test("a line longer than the maximum is an error, and maxMessageSize also limits what is sent", async () => {
  const [near, far] = await pair();
  await far.write(new Uint8Array(5000).fill(65));
  await drive(function* () {
    yield* fails(near.readline({ max: 1000, timeout: 5 }), MessageTooLargeError);
    near.maxMessageSize = 10;
    assertThrows(
      () => near.sendMsg("more than ten"),
      MessageTooLargeError,
      "longer than the limit of 10 bytes: current length is 13",
    );
  });
  near.close();
  far.close();
});

Deno.test("a sendMsg() that is pre-empted half-way closes the socket; one that has not begun does not", async () => {
  const [near, far] = await pair();
  const much = new Uint8Array(12_000_000);
  await drive(function* () {
    const first = new Coro(function* () {
      yield* fails(near.sendMsg(much, 0.2), TimeoutError);
    });
    const second = new Coro(function* () {
      yield* fails(near.sendMsg("waits behind", 0.02), TimeoutError);
      assertEquals(near.closed, false);
      yield* fails(near.recv(1), ClosedError);
      assertEquals(near.closed, true);
    });
    yield* first.finish();
    yield* second.finish();
  });
  far.close();
});

Deno.test("a send with a timeout of zero sends nothing", async () => {
  const [near, far] = await pair();
  await drive(function* () {
    yield* fails(near.sendall("a", 0), TimeoutError);
    yield* fails(near.sendMsg("b", 0), TimeoutError);
    yield* fails(near.send("c", -1), TimeoutError);
    assertEquals(near.closed, false);
    yield* near.sendall("d");
    near.close();
    yield* fails(near.sendall("e", 0), ClosedError);
  });
  const buffer = new Uint8Array(10);
  assertEquals(text(buffer.subarray(0, (await far.read(buffer))!)), "d");
  far.close();
});

Deno.test("default timeouts apply to reading and writing, and null lifts them", async () => {
  const [near, far] = await pair();
  await drive(function* () {
    near.settimeout({ read: 0.02 });
    yield* fails(near.recv(), TimeoutError);
    near.settimeout({ milliseconds: 20 });
    yield* fails(near.readline(), TimeoutError);
    yield* fails(near.sendall(new Uint8Array(12_000_000)), TimeoutError);
    yield* fails(near.recv(10, AbortSignal.timeout(5)), Error);
    const winner = yield* race(near.recv(10, null), sleep(0.05));
    assertEquals(winner, undefined);
  });
  near.close();
  far.close();
});

Deno.test("a wait for a socket is a host operation: virtual time does not run ahead of it", async () => {
  const [near, far] = await pair();
  setTimeout(() => far.write(bytes("x")), 30);
  await runVirtual(function* () {
    assertEquals(text(yield* near.recv(10, 3600)), "x");
  });
  near.close();
  far.close();
});

Deno.test("a recv() whose data is there returns without giving others a turn", async () => {
  const [near, far] = await pair();
  await far.write(bytes("a\nb\nc\n"));
  await drive(function* () {
    assertEquals(yield* near.readline(5), "a");
    let others = 0;
    new Coro(function* () {
      others++;
    });
    assertEquals(yield* near.readline(5), "b");
    assertEquals(text(yield* near.recv(10, 0)), "c\n");
    assertEquals(others, 0);
  });
  near.close();
  far.close();
});

Deno.test("a race that a receive loses at the last moment gives its bytes back", async () => {
  const [near, far] = await pair();
  await far.write(bytes("abc"));
  await drive(function* () {
    // Both are ready in the same turn; only one of them may keep its bytes.
    const got = yield* race(near.recv(1, 5), near.recv(1, 5));
    assertEquals(text(got), "a");
    assertEquals(text(yield* near.recvall(2, 5)), "bc");
    yield* until(far.write(bytes("line\nrest")));
    assertEquals(yield* race(near.readline(5), near.readline(5)), "line");
    assertEquals(text(yield* near.recvall(4, 5)), "rest");
  });
  near.close();
  far.close();
});

Deno.test("bytes that are given back go to the waiting read, before bytes that the host returns later", async () => {
  const [near, far] = await pair();
  await drive(function* () {
    const reader = new Coro(function* () {
      return [text(yield* near.recv(10, 5)), text(yield* near.recv(10, 5))];
    });
    yield* sleep(0.01);
    // A race does this when a branch that has received something loses.
    near.readBuffer.putBack(bytes("back"));
    yield* sleep(0.01);
    yield* until(far.write(bytes("later")));
    assertEquals(yield* reader.finish(), ["back", "later"]);
  });
  near.close();
  far.close();
});

Deno.test("a reset by the peer is the host's error, after the bytes that came before", async () => {
  const [near, far] = await pair();
  await drive(function* () {
    yield* near.sendall(new Uint8Array(100_000));
    yield* until(far.write(bytes("last words")));
    yield* sleep(0.02);
    // Closing with unread data makes the kernel send a reset.
    far.close();
    yield* sleep(0.02);
    let heard = "";
    try {
      for (let part = yield* near.recv(100, 5); part.length > 0; part = yield* near.recv(100, 5)) heard += text(part);
    } catch (error) {
      assertEquals((error as Error).name, "ConnectionReset");
    }
    assert(heard === "" || heard === "last words");
  });
  near.close();
});

Deno.test("accept() keeps a connection that comes when no coroutine waits any more, and serves waiters in order", async () => {
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
  const port = portOf(listener);
  await drive(function* () {
    yield* fails(listener.accept(0.02), TimeoutError);
    const client = yield* AsyncSocket.connect({ port }, 5);
    yield* sleep(0.02);
    const accepted = yield* listener.accept(0);
    const waiters = [0, 1, 2].map(() =>
      new Coro(function* () {
        return yield* listener.accept(5);
      })
    );
    yield* sleep(0.01);
    waiters[0].terminate();
    const clients = [yield* AsyncSocket.connect({ port }, 5), yield* AsyncSocket.connect({ port }, 5)];
    const others = [yield* waiters[1].finish(), yield* waiters[2].finish()];
    for (const each of [client, accepted, ...clients, ...others]) each.close();
  });
});

Deno.test("accept() loses no connection, whenever it is pre-empted", async () => {
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
  await drive(function* (coro) {
    coro.scheduler.onError = () => {};
    const clients: AsyncSocket[] = [];
    const accepted: AsyncSocket[] = [];
    for (let i = 0; i < 60; i++) {
      const waiter = new Coro(function* () {
        accepted.push(yield* listener.accept(5));
      });
      const connecting = new Coro(function* () {
        clients.push(yield* AsyncSocket.connect({ port: portOf(listener) }, 5));
      });
      yield* turns(i % 7);
      if (i % 3 === 0) yield* connecting.finish();
      if (i % 2 === 0) waiter.terminate();
      else if (i % 5 === 0) waiter.throw(new RangeError("pre-empted"));
      yield* connecting.finish();
    }
    while (accepted.length < clients.length) accepted.push(yield* listener.accept(5));
    for (const socket of [...clients, ...accepted]) socket.close();
  });
});

Deno.test("a listener that is closed wakes its waiters, closes connections that were not accepted, and frees its port", async () => {
  const listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
  const port = portOf(listener);
  await drive(function* () {
    yield* fails(listener.accept(0), TimeoutError);
    const client = yield* AsyncSocket.connect({ port }, 5);
    yield* sleep(0.02);
    listener.close();
    listener.close();
    assertEquals((yield* client.recv(10, 5)).length, 0);
    client.close();
    yield* fails(listener.accept(), ClosedError);
    const again = AsyncSocket.listen({ hostname: LOOPBACK, port });
    const waiter = new Coro(function* () {
      yield* fails(again.accept(), ClosedError);
    });
    yield* sleep(0.01);
    again.close();
    yield* waiter.finish();
  });
});

Deno.test("a connect() that is refused, times out or is terminated leaves nothing open", async () => {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const port = portOf(listener);
  listener.close();
  await drive(function* () {
    const error = yield* fails(AsyncSocket.connect({ port }, 5), Deno.errors.ConnectionRefused);
    assertEquals(error.name, "ConnectionRefused");
    yield* fails(AsyncSocket.connect({ hostname: "no.such.host.invalid", port: 80 }, 10), Error);
    yield* fails(AsyncSocket.connect({ port }, AbortSignal.abort(new RangeError("early"))), RangeError);
    using open = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
    for (let i = 0; i < 20; i++) {
      const dialer = new Coro(function* () {
        using _ = yield* AsyncSocket.connect({ port: portOf(open) });
      });
      yield* turns(i % 5);
      if (i % 2) yield* sleep(0.0005);
      dialer.terminate();
      yield* dialer.finish();
    }
  });
  // Connections that came too late have been closed; otherwise the resource sanitizer fails the test.
  await pause(50);
});

Deno.test("a connect() that is given up in the moment in which it succeeds leaves nothing open", async () => {
  const random = seeded(1);
  await drive(function* () {
    using open = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
    const acceptor = new Coro(function* () {
      for (;;) (yield* open.accept()).close();
    });
    // Deno itself would lose about one of a hundred.
    for (let i = 0; i < 600; i++) {
      const dialer = new Coro(function* () {
        using _ = yield* AsyncSocket.connect({ port: portOf(open) });
      });
      yield* turns(random(3));
      yield* sleep(random(1000) / 1e6);
      dialer.terminate();
      yield* dialer.finish();
    }
    acceptor.terminate();
    yield* acceptor.finish();
  });
  // The resource sanitizer fails the test if one is open.
  await pause(100);
});

Deno.test("bad input is refused at the call", async () => {
  const [near, far] = await pair();
  // deno-lint-ignore no-explicit-any -- wrong on purpose
  const wrong = near as any;
  assertThrows(() => AsyncSocket.connect({ port: 70_000 }), RangeError, "from 1 to 65535: current value is 70000");
  assertThrows(() => AsyncSocket.connect({ port: 0 }), RangeError);
  assertThrows(() => AsyncSocket.listen({ port: -1 }), RangeError);
  assertThrows(() => AsyncSocket.listen({ port: 1.5 }), RangeError);
  assertThrows(() => AsyncSocket.connect({ port: NaN }), RangeError);
  assertThrows(() => AsyncSocket.connect({ port: "80" } as never), TypeError, "'port' must be a number");
  assertThrows(() => AsyncSocket.connect({ hostname: 4, port: 80 } as never), TypeError, "'hostname'");
  assertThrows(() => AsyncSocket.connect(null as never), TypeError, "is needed: current value is null");
  assertThrows(() => AsyncSocket.connect({ path: "" }), TypeError, "'path'");
  assertThrows(() => AsyncSocket.connect({ port: 80, tls: 7 } as never), TypeError, "'tls'");
  assertThrows(() => AsyncSocket.from({} as never), TypeError, "a Deno.Conn is needed");
  assertThrows(() => near.recv(0), RangeError, "Cannot read as 'max' must be a positive integer: current value is 0");
  assertThrows(() => near.recv(-5), RangeError);
  assertThrows(() => near.recv(1.5), RangeError);
  assertThrows(() => wrong.recv("5"), TypeError);
  assertThrows(() => near.recvall(-1), RangeError);
  assertThrows(() => near.recv(5, NaN), TypeError, "Cannot read as 'timeout'");
  assertThrows(() => wrong.recv(5, "1s"), TypeError);
  assertThrows(() => wrong.recv(5, { signal: 3 }), TypeError, "'signal' must be an AbortSignal");
  assertThrows(() => wrong.sendall(5), TypeError, "'data' must be a Uint8Array or a string: current value is 5");
  assertThrows(() => wrong.send([1, 2]), TypeError);
  assertThrows(() => wrong.sendMsg(null), TypeError);
  assertThrows(() => wrong.settimeout("1"), TypeError);
  assertThrows(() => wrong.lines().forEach(3), TypeError);
  near.close();
  far.close();
  await assertRejects(() => near.lines()[Symbol.asyncIterator]().next(), ClosedError);
});

Deno.test("lines() and messages() iterate over the stream, in coroutines and in async code", async () => {
  const [near, far] = await pair();
  await far.write(bytes("a\nb\nstop\n"));
  await far.write(frame(bytes("x")));
  await far.write(frame(bytes("y")));
  await far.write(bytes("c\nd"));
  await far.closeWrite();
  await drive(function* () {
    const seen: string[] = [];
    for (const next of near.lines(5)) {
      const line = yield* next;
      if (line === null || line === "stop") break;
      seen.push(line);
    }
    assertEquals(seen, ["a", "b"]);
    for (const expected of ["x", "y"]) assertEquals(text((yield* near.messages(5).next())!), expected);
  });
  const rest: string[] = [];
  for await (const line of near) rest.push(line);
  assertEquals(rest, ["c", "d"]);
  await drive(function* () {
    assertEquals(yield* near.lines().forEach(() => {}), 0);
  });
  near.close();
  far.close();
});

Deno.test("streams() returns a pair of web streams that begins with bytes that were received before", async () => {
  const [near, far] = await pair();
  await far.write(bytes("first\nsecond"));
  await far.closeWrite();
  await drive(function* () {
    assertEquals(yield* near.readline(5), "first");
  });
  const { readable, writable } = near.streams();
  assertEquals(await new Response(readable).text(), "second");
  const writer = writable.getWriter();
  await writer.write(bytes("answer"));
  await writer.close();
  assertEquals(await new Response(far.readable).text(), "answer");
  assertEquals(near.closed, true);
});

Deno.test("a socket that no coroutine waits for does not keep the process alive, and neither does a daemon", async () => {
  const code = (daemon: boolean) => `
    import { Coro, Scheduler, sleep } from "${new URL("../../mod.ts", import.meta.url)}";
    import { AsyncSocket } from "${new URL("../../core/io/mod.ts", import.meta.url)}";
    const listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
    new Coro(function* (coro) {
      coro.setDaemon(${daemon});
      try { yield* listener.accept(${daemon ? "" : "0.02"}); } catch { console.log("timed out"); }
    });
    new Coro(function* () { yield* sleep(0.1); console.log("done"); });`;
  for (const daemon of [true, false]) {
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(file, code(daemon));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", "--no-config", file],
      stdout: "piped",
    });
    const { stdout, code: exit } = await child.output();
    assertEquals([text(stdout), exit], [daemon ? "done\n" : "timed out\ndone\n", 0]);
    await Deno.remove(file);
  }
});

Deno.test("a daemon's wait keeps the process alive while other coroutines live that may depend on it", async () => {
  const code = `
    import { Coro, run, sleep } from "${new URL("../../mod.ts", import.meta.url)}";
    import { AsyncSocket } from "${new URL("../../core/io/mod.ts", import.meta.url)}";
    const listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
    const main = new Coro(function* (coro) { console.log("main got", yield* coro.receive()); });
    new Coro(function* (coro) {
      coro.setDaemon();
      for (;;) {
        const socket = yield* listener.accept();
        main.send(yield* socket.readline());
      }
    });
    console.log(listener.addr.port);`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, code);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-check", "--no-config", file],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const port = Number(text((await reader.read()).value!));
  await pause(300);
  const conn = await Deno.connect({ hostname: LOOPBACK, port });
  await conn.write(bytes("word\n"));
  assertEquals(text((await reader.read()).value!), "main got word\n");
  const { code: exit } = await child.status;
  assertEquals(exit, 0);
  await reader.cancel();
  conn.close();
  await Deno.remove(file);
});

Deno.test("a thousand connections are opened and closed", async () => {
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
  await drive(function* () {
    const server = new Coro(function* () {
      for (let i = 0; i < 1000; i++) new Coro(echo, yield* listener.accept(10));
    });
    const clients = Array.from({ length: 1000 }, (_, i) =>
      new Coro(function* () {
        using socket = yield* AsyncSocket.connect({ port: portOf(listener) }, 10);
        yield* socket.sendall(`hello ${i}\n`);
        assertEquals(yield* socket.readline(10), `hello ${i}`);
      }));
    yield* server.finish();
    for (const client of clients) yield* client.finish();
  });
});

function* echo(_coro: Coro, socket: AsyncSocket): Generator<unknown, void, unknown> {
  using _ = socket;
  for (let data = yield* socket.recv(); data.length > 0; data = yield* socket.recv()) yield* socket.sendall(data);
}

Deno.test("a connection that floods does not starve the others", async () => {
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
  await drive(function* (coro) {
    coro.scheduler.onError = () => {};
    const server = new Coro(function* () {
      for (;;) {
        const socket = yield* listener.accept();
        new Coro(echo, socket);
      }
    });
    using flood = yield* AsyncSocket.connect({ port: portOf(listener) }, 5);
    const flooding = [
      new Coro(function* () {
        for (;;) yield* flood.sendall(new Uint8Array(64));
      }),
      new Coro(function* () {
        for (;;) yield* flood.recv();
      }),
    ];
    using quiet = yield* AsyncSocket.connect({ port: portOf(listener) }, 5);
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      yield* quiet.sendall("x");
      yield* quiet.recv(10, 5);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    assert(times[10] < 250, `Expected a median under 250 ms: ${times[10]}`);
    for (const each of [server, ...flooding]) each.terminate();
  });
});

// --- TLS ------------------------------------------------------------------------------------------------------

testWith(["openssl"], "TLS verifies certificate and host name by default", async () => {
  const { ca, cert, key } = testCertificate();
  const errors: unknown[] = [];
  const tls = { cert, key, onHandshakeError: (error: unknown) => errors.push(error) };
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0, tls });
  const port = portOf(listener);
  await drive(function* () {
    const server = new Coro(function* () {
      using socket = yield* listener.accept(10);
      yield* socket.sendall("verified\n");
    });
    yield* fails(AsyncSocket.connect({ hostname: "localhost", port, tls: true }, 5), Deno.errors.InvalidData);
    const other = { caCerts: [ca], serverName: "other.example" };
    yield* fails(AsyncSocket.connect({ hostname: "localhost", port, tls: other }, 5), Deno.errors.InvalidData);
    using socket = yield* AsyncSocket.connect({ hostname: LOOPBACK, port, tls: { caCerts: [ca] } }, 5);
    assertEquals(yield* socket.readline(5), "verified");
    yield* server.finish();
  });
  assertEquals(errors.length, 2);
});

testWith(["openssl"], "TLS clients that are silent or send garbage do not stall accept() for others", async () => {
  const { ca, cert, key } = testCertificate();
  let failed = 0;
  const tls = { cert, key, handshakeTimeout: 0.3, onHandshakeError: () => failed++ };
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0, tls });
  const port = portOf(listener);
  const silent = await Promise.all(Array.from({ length: 20 }, () => Deno.connect({ port })));
  const garbage = await Deno.connect({ port });
  await garbage.write(bytes("GET / HTTP/1.1\r\n\r\n"));
  await drive(function* () {
    const start = performance.now();
    const accepting = new Coro(function* () {
      return yield* listener.accept(5);
    });
    using client = yield* AsyncSocket.connect({ hostname: "localhost", port, tls: { caCerts: [ca] } }, 5);
    using server = yield* accepting.finish();
    assert(performance.now() - start < 280, "Expected not to wait for the silent ones");
    yield* client.sendall("hello\n");
    assertEquals(yield* server.readline(5), "hello");
    yield* fails(listener.accept(0.5), TimeoutError);
  });
  await eventually(() => failed === 21, "every bad handshake is given up");
  for (const conn of [...silent, garbage]) conn.close();
});

testWith(
  ["openssl"],
  "startTls() turns a plain connection into a verified one, and refuses what came in the clear",
  async () => {
    const { ca, cert, key } = testCertificate();
    // A server that takes a line in the clear and goes on with TLS: made of a plain proxy before a TLS listener.
    using inner = AsyncSocket.listen({ hostname: LOOPBACK, port: 0, tls: { cert, key } });
    using outer = AsyncSocket.listen({ hostname: LOOPBACK, port: 0 });
    await drive(function* (coro) {
      coro.scheduler.onError = () => {};
      new Coro(function* (self) {
        self.setDaemon();
        for (;;) {
          const front = yield* outer.accept();
          new Coro(proxy, front);
        }
      }).setDaemon();
      function* proxy(_coro: Coro, front: AsyncSocket): Generator<unknown, void, unknown> {
        using _ = front;
        const command = yield* front.readline(5);
        yield* front.sendall(command === "STARTTLS" ? "go ahead\n" : "go ahead\ninjected\n");
        using back = yield* AsyncSocket.connect({ port: portOf(inner) }, 5);
        new Coro(pass, front, back);
        yield* pass(_coro, back, front);
      }
      const server = new Coro(function* () {
        using socket = yield* inner.accept(10);
        yield* socket.sendall(`you said ${yield* socket.readline(5)}\n`);
      });
      using socket = yield* AsyncSocket.connect({ port: portOf(outer) }, 5);
      yield* socket.sendall("STARTTLS\n");
      assertEquals(yield* socket.readline(5), "go ahead");
      yield* socket.startTls({ hostname: "localhost", caCerts: [ca] }, 5);
      yield* socket.sendall("hello\n");
      assertEquals(yield* socket.readline(5), "you said hello");
      yield* server.finish();
      using victim = yield* AsyncSocket.connect({ port: portOf(outer) }, 5);
      yield* victim.sendall("INJECT\n");
      assertEquals(yield* victim.readline(5), "go ahead");
      yield* sleep(0.02);
      const error = yield* fails(victim.startTls({ hostname: "localhost", caCerts: [ca] }, 5), Error);
      assert(/in the clear|under way/.test(error.message), error.message);
    });
  },
);

function* pass(_coro: Coro, from: AsyncSocket, to: AsyncSocket): Generator<unknown, void, unknown> {
  for (let data = yield* from.recv(); data.length > 0; data = yield* from.recv()) yield* to.sendall(data);
  yield* to.shutdownWrite();
}

Deno.test("importing works without Deno, and using fails with an UnsupportedError", async () => {
  const code = `
    delete globalThis.Deno;
    const io = await import("${new URL("../../core/io/mod.ts", import.meta.url)}");
    for (const use of [
      () => io.AsyncSocket.connect({ port: 80 }),
      () => io.AsyncSocket.listen({ port: 0 }),
      () => io.AsyncFile.open("x"),
      () => new io.AsyncPipe("x"),
      () => io.stdin.readline(),
    ]) {
      try { use(); console.log("no error"); } catch (error) { console.log(error.name); }
    }`;
  const file = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(file, code);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-config", file],
  }).output();
  assertEquals(text(stdout), "UnsupportedError\n".repeat(5), text(stderr));
  await Deno.remove(file);
});

Deno.test("missing permissions are NotCapable errors", async () => {
  const { state } = await Deno.permissions.query({ name: "net", host: "192.0.2.1:9" });
  assertEquals(state, "granted");
  const code = `
    import { run } from "${new URL("../../mod.ts", import.meta.url)}";
    import { AsyncFile, AsyncPipe, AsyncSocket } from "${new URL("../../core/io/mod.ts", import.meta.url)}";
    const tell = async (name, body) => console.log(name, await run(body).then(() => "no error", (error) => error.name));
    await tell("connect", function* () { yield* AsyncSocket.connect({ port: 9 }); });
    await tell("listen", function* () { AsyncSocket.listen({ port: 0 }); });
    await tell("open", function* () { yield* AsyncFile.open("/etc/passwd"); });
    await tell("pipe", function* () { new AsyncPipe("ls"); });`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, code);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-lock", "--no-check", "--no-config", file],
  }).output();
  const expected = ["connect", "listen", "open", "pipe"].map((name) => `${name} NotCapable\n`).join("");
  assertEquals(text(stdout), expected, text(stderr));
  await Deno.remove(file);
});

Deno.test("a seeded order of coroutines does not change which coroutine gets which bytes", async () => {
  for (const seed of [1, 2, 3]) {
    const [near, far] = await pair();
    const scheduler = new Scheduler({ shuffle: seed });
    const got: string[] = [];
    for (let i = 0; i < 5; i++) {
      scheduler.spawn(function* () {
        got.push((yield* near.readline(5))!);
      });
    }
    await far.write(bytes("0\n1\n2\n3\n4\n"));
    await scheduler.join();
    assertEquals(got, ["0", "1", "2", "3", "4"], `seed ${seed}`);
    near.close();
    far.close();
    await scheduler.terminate();
  }
});

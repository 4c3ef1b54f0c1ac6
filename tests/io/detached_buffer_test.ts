/** Receives into a buffer that is detached before it has its bytes, or afterwards. */
import { Coro, sleep, TimeoutError, until } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FakeConn } from "./fake_conn.ts";
import { bytes, drive, testCertificate, testWith, text, untilWaiting } from "./helpers.ts";
import { fails } from "./stream_suite.ts";

const LOOPBACK = "127.0.0.1";

async function pair(): Promise<[AsyncSocket, Deno.TcpConn]> {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const connecting = Deno.connect({ hostname: LOOPBACK, port: listener.addr.port });
  const near = AsyncSocket.from(await listener.accept());
  listener.close();
  return [near, await connecting];
}

/** Moves the memory of a buffer away. */
function detach({ buffer }: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return structuredClone(buffer, { transfer: [buffer] });
}

/** Detaches the buffer of a receive that waits; returns its outcome. */
function* detachedWhileWaiting(socket: AsyncSocket, bring: () => unknown): Generator<unknown, string, unknown> {
  const buffer = new Uint8Array(8);
  const receiver = new Coro(function* () {
    return (yield* fails(socket.recvInto(buffer, 5), TypeError)).message;
  });
  yield* untilWaiting(receiver);
  yield* sleep(0.005);
  detach(buffer);
  bring();
  return yield* receiver.finish();
}

const DETACHED = /^Cannot read as 'buffer' was detached before it was filled: current length is 0, keep it/;

Deno.test("recvInto() fails if its buffer is detached before it begins, and the next receive gets the bytes", async () => {
  const [near, far] = await pair();
  await drive(function* () {
    for (const isBuffered of [false, true, true]) {
      if (isBuffered) {
        yield* until(far.write(bytes("12345")));
        yield* fails(near.recvall(9, 0.02), TimeoutError);
      }
      const buffer = new Uint8Array(8);
      const receive = near.recvInto(buffer, 5);
      detach(buffer);
      assertMatch((yield* fails(receive, TypeError)).message, DETACHED);
      if (!isBuffered) yield* until(far.write(bytes("12345")));
      assertEquals(text(yield* near.recvall(5, 5)), "12345");
    }
  });
  near.close();
  far.close();
});

for (const way of ["yield*", "yield"]) {
  Deno.test(`a buffer that is detached after it was filled and before the outcome has the bytes, with ${way}`, async () => {
    const [near, far] = await pair();
    await drive(function* () {
      const buffer = new Uint8Array(8);
      const first = new Coro(function* () {
        yield* near.recv(1, 5);
        // The receive behind it has its bytes now, and has not gone on.
        return detach(buffer);
      });
      yield* untilWaiting(first);
      const second = new Coro(function* () {
        if (way === "yield*") return yield* near.recvInto(buffer, 5);
        return (yield near.recvInto(buffer, 5)) as number;
      });
      yield* untilWaiting(second);
      yield* until(far.write(bytes("abcd")));
      assertEquals(text(new Uint8Array(yield* first.finish())), "bcd\0\0\0\0\0");
      assertEquals(yield* second.finish(), 3);
      yield* until(far.write(bytes("ef")));
      assertEquals(text(yield* near.recv(9, 5)), "ef");
    });
    near.close();
    far.close();
  });
}

Deno.test("a buffer that is detached while the host reads has the bytes, wherever it went", async () => {
  const [near, far] = await pair();
  await drive(function* () {
    const buffer = new Uint8Array(8);
    const receiver = new Coro(function* () {
      return yield* near.recvInto(buffer, 5);
    });
    yield* untilWaiting(receiver);
    const moved = detach(buffer);
    yield* until(far.write(bytes("12345")));
    assertEquals([yield* receiver.finish(), text(new Uint8Array(moved, 0, 5))], [5, "12345"]);
    yield* until(far.write(bytes("abc")));
    assertEquals(text(yield* near.recv(9, 5)), "abc");
  });
  near.close();
  far.close();
});

Deno.test("a receive that was given up and whose buffer was then detached fails the next: bytes are missing", async () => {
  const [near, far] = await pair();
  await drive(function* () {
    const buffer = new Uint8Array(8);
    yield* fails(near.recvInto(buffer, 0.01), TimeoutError);
    detach(buffer);
    yield* until(far.write(bytes("12345")));
    for (let i = 0; i < 2; i++) {
      assertMatch((yield* fails(near.recv(9, 5), TypeError)).message, /current count of lost bytes is 5, keep/);
    }
  });
  near.close();
  far.close();
});

Deno.test("a pair of streams keeps the bytes for which the buffer was detached", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  using socket = AsyncSocket.from({ readable, writable: new WritableStream() });
  const writer = writable.getWriter();
  await drive(function* () {
    assertMatch(yield* detachedWhileWaiting(socket, () => writer.write(bytes("12345"))), DETACHED);
    assertEquals(text(yield* socket.recv(9, 5)), "12345");
  });
});

testWith(["openssl"], "TLS keeps the bytes for which the buffer was detached", async () => {
  const { ca, cert, key } = testCertificate();
  using listener = AsyncSocket.listen({ hostname: LOOPBACK, port: 0, tls: { cert, key } });
  await drive(function* () {
    const accepting = new Coro(function* () {
      return yield* listener.accept(5);
    });
    const { port } = listener.addr as Deno.NetAddr;
    using near = yield* AsyncSocket.connect({ hostname: "localhost", port, tls: { caCerts: [ca] } }, 5);
    using far = yield* accepting.finish();
    const bring = () =>
      new Coro(function* () {
        yield* far.sendall("12345");
      });
    assertMatch(yield* detachedWhileWaiting(near, bring), DETACHED);
    assertEquals(text(yield* near.recv(9, 5)), "12345");
  });
});

Deno.test("a host that fails as the buffer was detached may be read from again", async () => {
  const arrival = Promise.withResolvers<Uint8Array>();
  using socket = FakeConn.of([arrival.promise]).socket();
  await drive(function* () {
    assertMatch(yield* detachedWhileWaiting(socket, () => arrival.resolve(bytes("12345"))), DETACHED);
    assertEquals(text(yield* socket.recv(9, 5)), "12345");
  });
});

Deno.test("recvInto() refuses a buffer that may shrink", () => {
  using socket = FakeConn.of([]).socket();
  const buffer = new Uint8Array(new ArrayBuffer(8, { maxByteLength: 8 }));
  assertThrows(
    () => socket.recvInto(buffer),
    TypeError,
    "'buffer' must have a fixed length: current value is a view of",
  );
});

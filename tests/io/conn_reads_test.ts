/** Both ways to read from a connection of Deno: its own `read`, and the operation beneath. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { AsyncSocket } from "@asyncoro/asyncoro/io";
import { connReads, internalsOf } from "../../core/io/net/conn_reads.ts";
import { bytes, drive, text } from "./helpers.ts";
import { FakeConn } from "./fake_conn.ts";

/** A connection whose `read` is its own, so that it is used. */
function instrumented(conn: Deno.TcpConn): { conn: Deno.TcpConn; readonly reads: number } {
  let reads = 0;
  const read = (buffer: Uint8Array): Promise<number | null> => {
    reads++;
    return Object.getPrototypeOf(conn).read.call(conn, buffer);
  };
  Object.defineProperty(conn, "read", { value: read });
  return {
    conn,
    get reads() {
      return reads;
    },
  };
}

async function tcpPair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await Promise.all([Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }), listener.accept()]);
}

Deno.test("a connection with a read of its own, and a host without the operation, are read from by their read", async () => {
  const [near, far] = await tcpPair();
  assert(connReads(near) !== null);
  assertStrictEquals(connReads(near, null), null);
  assertStrictEquals(connReads(new FakeConn(() => null)), null);
  assertStrictEquals(connReads(instrumented(near).conn), null);
  near.close();
  far.close();
});

Deno.test("internal functions of Deno are used only if all of them are as expected", () => {
  const internal = Symbol();
  const fn = (): void => {};
  const core = {
    read: fn,
    refOpPromise: fn,
    unrefOpPromise: fn,
    internalRidSymbol: Symbol(),
    promiseIdSymbol: Symbol(),
  };
  assertStrictEquals(internalsOf({ Deno: { internal, [internal]: { core } } }) as unknown, core);
  assertStrictEquals(internalsOf({}), null);
  assertStrictEquals(internalsOf({ Deno: {} }), null);
  for (const name of Object.keys(core)) {
    const partial = { ...core, [name]: undefined };
    assertStrictEquals(internalsOf({ Deno: { internal, [internal]: { core: partial } } }), null, name);
  }
});

for (const own of [false, true]) {
  const way = own ? "its own read" : "the operation of Deno";
  Deno.test(`bytes, the end, a timeout and an error of the host come by ${way}`, async () => {
    const [conn, far] = await tcpPair();
    const wrapped = own ? instrumented(conn) : null;
    using socket = AsyncSocket.from(conn);
    await drive(function* () {
      yield far.write(bytes("hello"));
      assertEquals(text(yield* socket.recv(100, 5)), "hello");
      try {
        yield* socket.recv(100, 0.01);
        throw new Error("Expected a timeout");
      } catch (error) {
        assertEquals((error as Error).name, "TimeoutError");
      }
      // The host read is under way for the whole time.
      yield far.write(bytes("later\n"));
      assertEquals(yield* socket.readline(5), "later");
      yield far.closeWrite();
      assertEquals((yield* socket.recv(100, 5)).length, 0);
      assertEquals(yield* socket.recvInto(new Uint8Array(3), 5), 0);
    });
    if (wrapped !== null) assert(wrapped.reads > 0);
    conn.close();
    const [closed, other] = await tcpPair();
    if (own) instrumented(closed);
    const broken = AsyncSocket.from(closed);
    closed.close();
    await drive(function* () {
      try {
        yield* broken.recv(100, 5);
        throw new Error("Expected an error");
      } catch (error) {
        assertEquals((error as Error).name, "BadResource");
      }
    });
    broken.close();
    far.close();
    other.close();
  });
}

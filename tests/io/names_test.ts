/** The strings of objects that stand for host resources: an address or a path, to be used within a sentence. */
import { AsyncDatagram, AsyncFile, AsyncSocket, Channel, Coro, run, WorkerPool } from "@asyncoro/asyncoro";
import { run as runLoop, startServer } from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";

const LOCAL = { hostname: "127.0.0.1", port: 0 };

Deno.test("String() of a listener, a datagram socket and a server is the address", async () => {
  await run(function* () {
    using listener = AsyncSocket.listen(LOCAL);
    const { port } = listener.addr as Deno.NetAddr;
    assertEquals(String(listener), `127.0.0.1:${port}`);
    using six = AsyncSocket.listen({ hostname: "::1", port: 0 });
    assertEquals(String(six), `[::1]:${(six.addr as Deno.NetAddr).port}`);
    using datagrams = yield* AsyncDatagram.bind(LOCAL);
    assertEquals(`${datagrams}`, `127.0.0.1:${datagrams.addr.port}`);
    using socket = yield* AsyncSocket.connect({ ...LOCAL, port });
    assertEquals(String(socket), `127.0.0.1:${port}`);
  });
  await runLoop(function* () {
    const server = yield* startServer(() => {}, "127.0.0.1", 0);
    assertEquals(String(server), `127.0.0.1:${(server.addr as Deno.NetAddr).port}`);
    server.close();
  });
});

Deno.test("String() of a file and of a listener on a path is the path, of a channel and a pool the name", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await run(function* () {
      using listener = AsyncSocket.listen({ path: `${directory}/socket` });
      assertEquals(String(listener), `${directory}/socket`);
      using file = yield* AsyncFile.open(`${directory}/file`, "w+");
      assertEquals(String(file), `${directory}/file`);
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  using channel = new Channel("prices");
  assertEquals(String(channel), "prices");
  await using pool = new WorkerPool(1, { name: "hashing" });
  assertEquals(String(pool), "hashing");
});

Deno.test("errors and dump() name the resource", () =>
  run(function* (coro) {
    const listener = AsyncSocket.listen(LOCAL);
    const datagrams = yield* AsyncDatagram.bind(LOCAL);
    const accepting = new Coro(function* () {
      yield* listener.accept();
    });
    yield;
    const waits = coro.scheduler.dump().map(({ waitsFor }) => waitsFor);
    assertEquals(waits, [null, `a connection to ${listener}`]);
    const ended = accepting.value().catch((error: Error) => error.message);
    listener.close();
    assertEquals(yield ended, `Cannot accept as the listener at ${listener} is closed`);
    datagrams.close();
    let message = "";
    try {
      yield* datagrams.recvfrom();
    } catch (error) {
      ({ message } = error as Error);
    }
    assertEquals(message, `Cannot receive as the datagram socket at ${datagrams} is closed`);
  }));

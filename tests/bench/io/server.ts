/** An echo server to be measured: `server.ts coro` is ours, `server.ts into` is ours with one
 * buffer for each connection, as the others have it, `server.ts async` is the same in plain async/await. */
import { Coro, main } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";

const WHERE = { hostname: "127.0.0.1", port: 0, backlog: 4096 };

function* serve(_coro: Coro, socket: AsyncSocket): Generator<unknown, void, unknown> {
  using _ = socket;
  for (let data = yield* socket.recv(); data.length > 0; data = yield* socket.recv()) yield* socket.sendall(data);
}

function* serveInto(_coro: Coro, socket: AsyncSocket): Generator<unknown, void, unknown> {
  using _ = socket;
  const buffer = new Uint8Array(65_536);
  for (let count = yield* socket.recvInto(buffer); count > 0; count = yield* socket.recvInto(buffer)) {
    yield* socket.sendall(buffer.subarray(0, count));
  }
}

function withCoroutines(server: typeof serve): void {
  main(function* (coro) {
    coro.scheduler.onError = () => {};
    const listener = AsyncSocket.listen(WHERE);
    console.log((listener.addr as Deno.NetAddr).port);
    for (;;) new Coro(server, yield* listener.accept());
  });
}

async function serveAsync(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    conn.setNoDelay(true);
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      for (let sent = 0; sent < count;) sent += await conn.write(buffer.subarray(sent, count));
    }
  } catch {
    // The client has disconnected.
  } finally {
    conn.close();
  }
}

async function withAsync(): Promise<void> {
  const listener = Deno.listen(WHERE);
  console.log(listener.addr.port);
  for (;;) serveAsync(await listener.accept());
}

if (Deno.args[0] === "coro") withCoroutines(serve);
else if (Deno.args[0] === "into") withCoroutines(serveInto);
else withAsync();

/**
 * An echo server to be measured: `server.ts KIND`.
 *
 * Ours: `recv`; `recvInto`, with one buffer for each connection; `readline`; `recvMsg`. The same in plain async/await:
 * `async` with one buffer for each connection, `fresh` with a new array for each read.
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";

const WHERE = { hostname: "127.0.0.1", port: 0, backlog: 4096 };
const SIZE = 65_536;

type Serving = (coro: Coro, socket: AsyncSocket) => Generator<unknown, void, unknown>;

const SERVING: Readonly<Record<string, Serving>> = {
  *recv(_coro, socket) {
    using _ = socket;
    for (let data = yield* socket.recv(); data.length > 0; data = yield* socket.recv()) yield* socket.sendall(data);
  },
  *recvInto(_coro, socket) {
    using _ = socket;
    const buffer = new Uint8Array(SIZE);
    for (let count = yield* socket.recvInto(buffer); count > 0; count = yield* socket.recvInto(buffer)) {
      yield* socket.sendall(buffer.subarray(0, count));
    }
  },
  *readline(_coro, socket) {
    using _ = socket;
    for (let line = yield* socket.readline(); line !== null; line = yield* socket.readline()) {
      yield* socket.sendall(line + "\n");
    }
  },
  *recvMsg(_coro, socket) {
    using _ = socket;
    for (let data = yield* socket.recvMsg(); data !== null; data = yield* socket.recvMsg()) yield* socket.sendMsg(data);
  },
};

function withCoroutines(serve: Serving): void {
  main(function* (coro) {
    coro.scheduler.onError = () => {};
    const listener = AsyncSocket.listen(WHERE);
    console.log((listener.addr as Deno.NetAddr).port);
    for (;;) new Coro(serve, yield* listener.accept());
  });
}

async function serveAsync(conn: Deno.TcpConn, fresh: boolean): Promise<void> {
  let buffer = new Uint8Array(SIZE);
  try {
    conn.setNoDelay(true);
    for (;;) {
      if (fresh) buffer = new Uint8Array(SIZE);
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

async function withAsync(fresh: boolean): Promise<void> {
  const listener = Deno.listen(WHERE);
  console.log(listener.addr.port);
  for (;;) serveAsync(await listener.accept(), fresh);
}

const [kind] = Deno.args;
if (kind in SERVING) withCoroutines(SERVING[kind]);
else withAsync(kind === "fresh");

/** An echo server over TLS: `tls_server.ts CERTIFICATE KEY`. Prints its port. */
import { AsyncSocket, Coro, run } from "@asyncoro/asyncoro";

const [cert, key] = Deno.args.map((path) => Deno.readTextFileSync(path));

function* echo(_coro: Coro, socket: AsyncSocket): Generator<unknown, void, unknown> {
  using _ = socket;
  for (let data = yield* socket.recv(); data.length > 0; data = yield* socket.recv()) yield* socket.sendall(data);
}

await run(function* () {
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0, tls: { cert, key } });
  console.log((listener.addr as Deno.NetAddr).port);
  for (;;) new Coro(echo, yield* listener.accept());
});

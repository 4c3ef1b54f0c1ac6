/**
 * An echo server: it sends back all that a client sends.
 *
 *     deno run --allow-net examples/io/echo_server.ts [port]
 *     socat - TCP:localhost:7000
 */
import { Coro, main } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";

function* serve(_coro: Coro, socket: AsyncSocket) {
  using _ = socket;
  for (let data = yield* socket.recv(); data.length > 0; data = yield* socket.recv()) yield* socket.sendall(data);
}

main(function* () {
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: Number(Deno.args[0] ?? 7000) });
  console.log(`Listening on port ${(listener.addr as Deno.NetAddr).port}`);
  for (;;) new Coro(serve, yield* listener.accept());
});

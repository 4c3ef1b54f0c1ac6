/**
 * A client of the echo server: sends its arguments as lines and prints the replies.
 *
 *     deno run --allow-net examples/io/echo_client.ts 7000 hello world
 */
import { main } from "@asyncoro/asyncoro";
import { AsyncSocket } from "@asyncoro/asyncoro/io";

main(function* () {
  const [port, ...words] = Deno.args;
  using socket = yield* AsyncSocket.connect({ hostname: "127.0.0.1", port: Number(port) }, 5);
  for (const word of words) {
    yield* socket.sendall(`${word}\n`);
    console.log(`${word} -> ${yield* socket.readline(5)}`);
  }
});

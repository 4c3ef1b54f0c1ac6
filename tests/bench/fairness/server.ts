/**
 * Replies to each byte that comes over TCP a little later, with the time of the reply, and to HTTP at once. Prints both
 * ports. Ends when its standard input ends.
 */
import { delay, stamp, timer } from "./waits.ts";

const tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("here"));

async function serve(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay(true);
  const request = new Uint8Array(1);
  while (await connection.read(request) !== null) {
    await timer(delay());
    await connection.write(stamp());
  }
  connection.close();
}

(async () => {
  for await (const connection of tcp) serve(connection).catch(() => {});
})();

console.log(JSON.stringify({ tcp: (tcp.addr as Deno.NetAddr).port, http: http.addr.port }));
for await (const _ of Deno.stdin.readable);
Deno.exit(0);

/**
 * UDP ping: a server replies to most datagrams; the client waits a second for each reply.
 *
 *     deno run --allow-net examples/io/udp_ping.ts
 */
import { Coro, main, TimeoutError } from "@asyncoro/asyncoro";
import { AsyncDatagram } from "@asyncoro/asyncoro/io";

function* reply(_coro: Coro, server: AsyncDatagram) {
  for (;;) {
    const [data, from] = yield* server.recvfrom();
    const number = Number(new TextDecoder().decode(data));
    // The network may lose a datagram, too.
    if (number !== 3) yield* server.sendto(`pong ${number}`, from);
  }
}

main(function* () {
  using server = yield* AsyncDatagram.bind({ hostname: "127.0.0.1", port: 0 });
  using client = yield* AsyncDatagram.bind({ hostname: "127.0.0.1", port: 0 });
  const replying = new Coro(reply, server);
  for (let number = 1; number <= 4; number++) {
    yield* client.sendto(String(number), server.addr);
    try {
      const [data] = yield* client.recvfrom(1);
      console.log(new TextDecoder().decode(data));
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      console.log(`ping ${number} got no answer`);
    }
  }
  replying.terminate();
});

/** Datagrams over the loopback: none arrives twice, changed or from another sender, and a timeout loses none. */
import { AsyncDatagram, type Coro, TimeoutError } from "@asyncoro/asyncoro";
import type { Society } from "../society.ts";
import type { Body, World } from "../world.ts";
/** How many were sent so far. */
interface Sent {
  count: number;
}

function* receive(world: World, socket: AsyncDatagram, port: number, sent: Sent): Body {
  let last = -1;
  while (!world.over || last < sent.count - 1) {
    try {
      const [data, from] = yield* socket.recvfrom(world.over ? 2 : world.seconds(1));
      const [number, length] = new Uint32Array(data.buffer, 0, 2);
      world.check(from.port === port, "A datagram has the address of its sender", () => `${from.port}, not ${port}`);
      world.check(length === data.length, "A datagram stays whole", () => `${data.length} bytes of ${length}`);
      // The loopback keeps their order; it may drop some when it is full.
      world.check(number > last, "A datagram comes once", () => `${number} after ${last}`);
      last = number;
      world.done("datagram: received");
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      world.done("datagram: timed out");
      if (world.over) return;
    }
  }
}

function* send(coro: Coro, world: World, socket: AsyncDatagram, to: AsyncDatagram, sent: Sent): Body {
  while (!world.over) {
    const data = new Uint32Array(world.random.from(2, 100));
    data.set([sent.count, data.byteLength]);
    yield* socket.sendto(new Uint8Array(data.buffer), to.addr, 20);
    sent.count++;
    world.done("datagram: sent");
    yield* coro.sleep(world.seconds(1));
  }
}

/** See the head of this file. */
export const datagrams: Society = {
  name: "datagrams",
  host: true,
  *conduct(_coro: Coro, world: World): Body {
    using one = yield* AsyncDatagram.bind({ hostname: "127.0.0.1", port: 0 });
    using other = yield* AsyncDatagram.bind({ hostname: "127.0.0.1", port: 0 });
    const sent: Sent = { count: 0 };
    const ends = [
      world.spawn("datagram sender", (coro) => send(coro, world, one, other, sent)),
      world.spawn("datagram receiver", () => receive(world, other, one.addr.port, sent)),
    ];
    for (const end of ends) yield* end.finish();
  },
};

/** Two peers in one process, each with a scheduler, a client and an engine of its own. */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions } from "@asyncoro/asyncoro/distributed";
import { nats } from "@asyncoro/asyncoro/nats";
import type { NatsConnection } from "@nats-io/transport-node";
import { HAS_SERVER, NatsServer } from "./nats_server.ts";

/** The secret of the tests. */
export const SECRET = "the secret of the tests";

/** The code of a peer. */
export type Program = (coro: Coro, here: Here) => Generator<unknown, unknown, unknown>;

/** What a program gets beside its coroutine. */
export interface Here {
  readonly network: Network;
  readonly connection: NatsConnection;
  readonly server: NatsServer;
}

/** Registers a test that needs nats-server; it is ignored, visibly, where that is missing. */
export function natsTest(name: string, fn: (server: NatsServer) => Promise<unknown>): void {
  Deno.test({
    name: name + (HAS_SERVER ? "" : " (skipped: no nats-server)"),
    ignore: !HAS_SERVER,
    fn: async () => {
      const server = await NatsServer.start();
      try {
        await fn(server);
      } finally {
        await server.stop();
      }
    },
  });
}

/** Runs `near`, which has connected to the peer `far`, of which `setUp` was run. */
export async function twoPeers(
  server: NatsServer,
  setUp: Program,
  near: Program,
  options: NetworkOptions = {},
): Promise<void> {
  const connections = [await server.connect(), await server.connect()];
  const schedulers = ["far", "near"].map((name) => new Scheduler({ name }));
  const [farCoro, nearCoro] = [setUp, near].map((program, i) =>
    function* (coro: Coro, address?: string): Generator<unknown, string, unknown> {
      const connection = connections[i];
      const engines = [nats({ connection, prefix: "test" })];
      const network = yield* Network.join({ secret: SECRET, name: coro.scheduler.name, engines, ...options });
      if (address !== undefined) yield* network.peer(address);
      yield* program(coro, { network, connection, server });
      return network.location.address;
    }
  );
  try {
    const address = await schedulers[0].spawn(farCoro).value(30);
    await schedulers[1].spawn(nearCoro, address).value(30);
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
    for (const connection of connections) await connection.close();
  }
}

/**
 * The program of a server: joins the network by its node, and runs jobs until it is told to end or the node has ended.
 *
 * Its argument is {@linkcode ServerParameters} as JSON.
 */
import "./entries.ts";
import { Scheduler } from "../../coroutine/scheduler.ts";
import { Location } from "../../distributed/location.ts";
import { Network } from "../../distributed/network.ts";
import { PeerId } from "../../distributed/session/peer_id.ts";
import { onTermination } from "../../host/process.ts";
import { NODE_ADDRESS, NodeEngine } from "./node_engine.ts";
import type { ServerParameters } from "./parameters.ts";
import { resolveTarget } from "./resolve_target.ts";
import { serve } from "./serve.ts";
import { replaceStandardStreams } from "./standard_streams.ts";
import { StdioConn } from "./stdio_conn.ts";

/** Seconds to connect to the node, which is there but may be busy. */
const CONNECT_SECONDS = 60;

const { name, address, folder, client, options } = JSON.parse(Deno.args[0]) as ServerParameters;
const conn = new StdioConn();
replaceStandardStreams();
// A signal to all processes of a terminal or a service is for the node to handle: it ends its servers.
onTermination(() => {});
const { error } = console;
// What a job leaves behind may fail later: that must not end other jobs.
for (const type of ["error", "unhandledrejection"] as const) {
  addEventListener(type, (event) => {
    event.preventDefault();
    error("Uncaught in a job:", "reason" in event ? event.reason : event.error);
  });
}

function* serveClient(): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ ...options, name, engines: [new NodeEngine(address, conn)] });
  network.relay.gateway = yield* network.peer(NODE_ADDRESS, CONNECT_SECONDS);
  const location = new Location(PeerId.parse(client.id)!, client.name, client.addresses);
  yield* serve({
    network,
    client: location,
    resolve: (target) => resolveTarget(target, folder),
    sent: () => conn.sent(),
  });
  yield* network.leave();
}

Scheduler.instance().spawnWith({ name: "server", daemon: true }, serveClient).value().catch((reason: unknown) => {
  error(reason);
  Deno.exit(1);
});

/** Servers in processes of their own, started by a node that is in the process of the test and is their client, too. */
import { type Coro, type CoroFunction, type Operation, Scheduler } from "@asyncoro/asyncoro";
import { ProcessLauncher } from "../../../core/cluster/node/process_launcher.ts";
import type { ServerPermissions } from "../../../core/cluster/node/permissions.ts";
import type { ServerProcess } from "../../../core/cluster/node/server_launcher.ts";
import { JOB_RCI, type JobCall, type JobTarget } from "../../../core/cluster/protocol.ts";
import { tcp } from "../../../core/distributed/engines/tcp.ts";
import { Network } from "../../../core/distributed/network.ts";
import { RCI } from "../../../core/distributed/rci/rci.ts";

/** The steps of a coroutine. */
export type Steps<T> = Generator<unknown, T, unknown>;

/** What the steps or the operation throw. */
export function* errorOf(body: Steps<unknown> | Operation<unknown>): Steps<Error> {
  try {
    yield* body;
  } catch (error) {
    return error as Error;
  }
  throw new Error("Expected an error");
}

/** What a test gets. */
export interface Here {
  readonly network: Network;
  /** The folder of the job. */
  readonly folder: string;
  /** What the servers have written to their standard error, with their names. */
  readonly lines: string[];
  /** What was reported. */
  readonly reported: unknown[];
  /** Starts a server. */
  start(name?: string): Operation<ServerProcess>;
  /** Runs a job at a server. Returns what it returns. */
  job(server: ServerProcess, target: JobTarget | CoroFunction, ...args: unknown[]): Steps<unknown>;
}

/** Peers are lost after so many seconds of silence. */
export const PEER_SECONDS = 1;

/** Runs a test in a coroutine of a node, for 30 seconds at most. */
export async function withServers(
  body: (coro: Coro, here: Here) => Steps<unknown>,
  permissions: ServerPermissions = {},
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "asyncoro-servers-" });
  const [lines, reported]: [string[], unknown[]] = [[], []];
  const scheduler = new Scheduler({ name: "test" });
  scheduler.onError = (error) => reported.push(error);
  const sink = (line: string) => Promise.resolve(void lines.push(line));
  try {
    await scheduler.spawn(function* (coro: Coro) {
      const network = yield* Network.join({
        name: "node",
        secret: "the secret of the tests",
        engines: [tcp()],
        heartbeat: PEER_SECONDS / 5,
        peerTimeout: PEER_SECONDS,
      });
      const launcher = yield* ProcessLauncher.create(network, { permissions, sink });
      try {
        return yield* body(coro, hereOf(network, launcher, { folder, lines, reported }));
      } finally {
        yield* launcher.close();
        yield* network.leave();
      }
    }).value(30);
  } finally {
    await scheduler.terminate();
    await Deno.remove(folder, { recursive: true });
  }
}

function hereOf(
  network: Network,
  launcher: ProcessLauncher,
  rest: Pick<Here, "folder" | "lines" | "reported">,
): Here {
  let calls = 0;
  return {
    network,
    ...rest,
    start: (name = "server") => launcher.launch({ folder: rest.folder, client: network.location, name }),
    *job(server, target, ...args) {
      const rci = (yield* RCI.locate<CoroFunction<[JobCall], unknown>>(JOB_RCI, 10, server.location))!;
      return yield* rci.call({
        id: ++calls,
        name: "job",
        target: typeof target === "function" ? { source: target.toString() } : target,
        args: network.peerTable.pack(args),
        exclusive: false,
        isHandleWanted: false,
      });
    },
  };
}

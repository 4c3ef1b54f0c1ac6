/** What the program of a node does: it joins the network, serves clients, and ends by a signal or after its last client. */
import type { Coro } from "../../coroutine/coro.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import { race } from "../../coroutine/race.ts";
import { tcp } from "../../distributed/engines/tcp.ts";
import type { TcpTls } from "../../distributed/engines/tcp_options.ts";
import { Network } from "../../distributed/network.ts";
import { exitProcess } from "../../host/process.ts";
import { signals } from "../../io/process/signals.ts";
import { sleep } from "../../operations/sleep.ts";
import { until } from "../../operations/until.ts";
import { type Node, type NodeStatus, startNode } from "../node.ts";
import { bar } from "../progress.ts";
import { FlagError, type FlagValues } from "./node_flags.ts";
import type { ServerPermissions } from "./permissions.ts";
import { StatusLine } from "./status_line.ts";

/** Seconds between two looks at what the node does. */
const STATUS_SECONDS = 0.5;
/** Seconds until a peer that cannot be reached, or is gone, is dialed again. */
const REDIAL_SECONDS = 2;

// Exit codes as of shells: 128 plus the number of the signal.
const EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Runs a node until it has ended. Returns the exit code: 0 if it has served as many computations as it was to, or was
 * drained after a signal; 130 or 143 if a second signal has ended it.
 */
export function* runNode(flags: FlagValues, secret: string): Generator<unknown, number, unknown> {
  const { name, discover, heartbeat, cpus, serve, directory, peer = [] } = flags;
  const engine = tcp({ hostname: flags.host, port: flags.port, tls: tlsOf(flags) });
  const network = yield* Network.join(
    withoutUndefined({
      name,
      secret,
      network: flags.network,
      engines: [engine],
      discover,
      heartbeat,
      peerTimeout: flags["peer-timeout"],
    }),
  );
  const line = new StatusLine();
  const permissions = permissionsOf(flags);
  const node = yield* startNode(withoutUndefined({ network, cpus, serve, permissions, directory }), line.write);
  yield* writeLine(line, `Node ${node.location} serves`);
  const daemons = peer.map((address) => daemon(`peer ${address}`, keepConnected(network, address, line)));
  daemons.push(daemon("status", showStatus(node, line)));
  const code = yield* untilEnded(node, line);
  for (const coro of daemons) coro.terminate();
  yield* network.leave();
  yield* writeLine(line, `Node ${node.location} has ended`);
  return code;
}

/** The first signal drains the node, the second closes it, and the third ends the process at once. */
function* untilEnded(node: Node, line: StatusLine): Generator<unknown, number, unknown> {
  using asked = signals("SIGINT", "SIGTERM");
  if ((yield* race(node.closed(), asked.next())) === true) return 0;
  yield* writeLine(line, "Draining: what runs may end, and a second signal ends it at once");
  const second = yield* race(node.drain(), asked.next());
  if (!second) return 0;
  const third = yield* race(node.close(), asked.next());
  if (third) exitProcess(EXIT_CODES[third]);
  return EXIT_CODES[second];
}

/** Connects to a peer, and again when it is gone. What goes wrong is shown once. */
function* keepConnected(network: Network, address: string, line: StatusLine): Generator<unknown, void, unknown> {
  let last = "";
  for (;;) {
    let problem = "";
    try {
      yield* network.peer(address);
    } catch (error) {
      problem = (error as Error).message;
    }
    if (problem !== "" && problem !== last) yield* writeLine(line, problem);
    last = problem;
    yield* sleep(REDIAL_SECONDS);
  }
}

function* showStatus(node: Node, line: StatusLine): Generator<unknown, void, unknown> {
  try {
    for (;;) {
      line.show(describeStatus(node.status, line.isTerminal));
      yield* sleep(STATUS_SECONDS);
    }
  } finally {
    yield* until(line.end());
  }
}

/** What the node does, in one line: a terminal shows how far runs of many items are, too. */
function describeStatus({ current, waiting, served }: NodeStatus, isTerminal: boolean): string {
  const parts: string[] = [];
  if (current === null) parts.push("Idle");
  else parts.push(`Serving '${current.computation}'`, count(current.servers, "server"));
  if (waiting > 0) parts.push(`${count(waiting, "client")} waiting`);
  if (served > 0) parts.push(`${count(served, "computation")} served`);
  const progress = current?.progress ?? null;
  // Where each change is a line, these would be too many.
  if (progress !== null && isTerminal) {
    const { running, done, run } = progress;
    parts.push(`${count(running, "job")} running`, `${done} done`);
    if (run !== null) parts.push(bar("run", run.done, run.total));
  }
  return parts.join(", ");
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function* writeLine(line: StatusLine, text: string): Generator<unknown, void, unknown> {
  yield* until(line.write(text));
}

function daemon(name: string, body: Generator<unknown, void, unknown>): Coro {
  return runningCoro()!.scheduler.spawnWith({ name, daemon: true }, function* () {
    yield* body;
  });
}

function tlsOf(flags: FlagValues): TcpTls | undefined {
  const { "tls-cert": cert, "tls-key": key, ca = [] } = flags;
  if (cert === undefined && key === undefined && ca.length === 0) return undefined;
  if (cert === undefined || key === undefined) throw new FlagError("TLS needs both --tls-cert and --tls-key");
  return {
    cert: Deno.readTextFileSync(cert),
    key: Deno.readTextFileSync(key),
    caCerts: ca.map((path) => Deno.readTextFileSync(path)),
  };
}

function permissionsOf(flags: FlagValues): ServerPermissions {
  const permissions: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(flags)) {
    if (name.startsWith("allow-")) permissions[name.slice("allow-".length)] = value;
  }
  return permissions;
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

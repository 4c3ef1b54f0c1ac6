/**
 * Durable jobs: they are kept by a NATS server until they are done, whatever dies. This starts a NATS server, a node and a
 * client, kills each of them in the middle of the work as a crash would, and starts it again. Each job has one result.
 *
 *     deno run -A examples/cluster/durable.ts
 *
 * needs the program `nats-server`. `durable.ts client 127.0.0.1:4222 127.0.0.1:9705` is the client alone, with the addresses
 * of a NATS server and of a node; it may be killed and started again at any time.
 */
import { Coro, main, sleep, until } from "@asyncoro/asyncoro";
import { Computation } from "@asyncoro/asyncoro/cluster";
import { Network } from "@asyncoro/asyncoro/distributed";
import { AsyncPipe } from "@asyncoro/asyncoro/io";
import { natsJobs } from "@asyncoro/asyncoro/nats";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { NodeProcess, SECRET, TIMES } from "./nodes.ts";

const JOBS = 30;

/** Takes a while. Each run makes a number of its own, so that it can be seen whether a result is of another run. */
function* slowSquare(coro: Coro, n: number): Generator<unknown, [square: number, run: string], unknown> {
  yield* coro.sleep(0.1);
  return [n * n, crypto.randomUUID()];
}

/** Submits the jobs, unless they were submitted before, and prints their results. */
function* client(_coro: Coro, server: string, node: string): Generator<unknown, void, unknown> {
  const options = { servers: server, maxReconnectAttempts: -1, reconnectTimeWait: 100, noAsyncTraces: true };
  const connection = yield* until(connect(options));
  const store = natsJobs({ connection, jetstream, jetstreamManager, leaseSeconds: 3 });
  const network = yield* Network.join({ name: "client", secret: SECRET, ...TIMES });
  new Coro(keepConnected, network, node).setDaemon();
  const computation = new Computation({ network, name: "squares", store });
  for (let n = 0; n < JOBS; n++) yield* computation.submit(slowSquare, [n], { id: `square of ${n}`, retries: 9 });
  for (let n = 0; n < JOBS; n++) {
    const [square, run] = yield* computation.result<[number, string]>(`square of ${n}`);
    console.log(`${n} ${square} ${run}`);
  }
  yield* computation.close();
  yield* network.leave();
  yield* until(connection.close());
}

/** The node may come later, and may come again. */
function* keepConnected(_coro: Coro, network: Network, node: string): Generator<unknown, void, unknown> {
  for (;;) {
    try {
      yield* network.peer(node, 5);
    } catch {
      // Not yet.
    }
    yield* sleep(0.5);
  }
}

/** Plays all parts. */
function* play(): Generator<unknown, void, unknown> {
  const folder = Deno.makeTempDirSync();
  const [natsPort, nodePort] = [freePort(), freePort()];
  const startNats = () =>
    new AsyncPipe("nats-server", {
      args: ["-a", "127.0.0.1", "-p", `${natsPort}`, "-js", "-sd", folder],
      stderr: "null",
    });
  const startNode = () => new NodeProcess("node", "--port", `${nodePort}`);
  const startClient = () =>
    new AsyncPipe(Deno.execPath(), {
      args: ["run", "-A", import.meta.filename!, "client", `127.0.0.1:${natsPort}`, `127.0.0.1:${nodePort}`],
      stderr: "inherit",
    });
  let [nats, node, worker] = [startNats(), startNode(), startClient()];
  /** What is killed once so many results have been printed by the client that runs. */
  const crashes = [
    {
      what: "client",
      after: 5,
      *crash() {
        worker.kill("SIGKILL");
        worker = startClient();
      },
    },
    {
      what: "node",
      after: 12,
      *crash() {
        node.kill();
        node = startNode();
      },
    },
    {
      what: "NATS server",
      after: 20,
      *crash() {
        nats.kill("SIGKILL");
        yield* nats.wait();
        nats = startNats();
      },
    },
  ];
  const runs = new Map<string, Set<string>>();
  try {
    for (let results = 1; results <= JOBS; results++) {
      const line = yield* worker.readline();
      if (line === null) throw new Error("The client has ended before its work was done");
      const [n, square, run] = line.split(" ");
      if (Number(square) !== Number(n) ** 2) throw new Error(`This is not a square: ${line}`);
      runs.set(n, (runs.get(n) ?? new Set()).add(run));
      if (results !== crashes[0]?.after) continue;
      const { what, crash } = crashes.shift()!;
      yield* crash();
      console.log(`the ${what} was killed`);
      if (what === "client") results = 0;
    }
    yield* worker.wait();
    const once = [...runs.values()].filter(({ size }) => size === 1).length;
    console.log(`${runs.size} jobs have a result, ${once} of them one only`);
  } finally {
    worker.kill("SIGKILL");
    yield* node.end();
    nats.kill("SIGKILL");
    Deno.removeSync(folder, { recursive: true });
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

const [role, server, node] = Deno.args;
if (role === "client") main(client, server, node);
else main(play);

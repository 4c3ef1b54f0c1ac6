/**
 * A cluster of one node with two servers on this machine, each in a process of its own:
 *
 *     deno run -A tests/bench/cluster/main.ts [rounds]
 *
 * - `first job`: milliseconds from the moment at which a client wants servers of a node that is idle until its first job
 *   has returned.
 * - `empty jobs`: jobs a second that do nothing, by `runResults`.
 * - `cores`: which part of two cores jobs get that compute for 50 ms each.
 * - `lost server`: milliseconds from SIGKILL of a server until its job has begun elsewhere.
 * - `durable jobs`: jobs a second from `submit` to `result`, kept by a NATS server with JetStream, if `nats-server` is there.
 *
 * Prints the median of all rounds and the extremes.
 */
import { type Coro, run, until } from "@asyncoro/asyncoro";
import { Computation, type JobStore } from "@asyncoro/asyncoro/cluster";
import { Network } from "@asyncoro/asyncoro/distributed";
import { natsJobs } from "@asyncoro/asyncoro/nats";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { HAS_SERVER, NatsServer } from "../../nats/nats_server.ts";

const ROUNDS = Number(Deno.args[0] ?? 5);
const SECRET = "the secret of the benchmark";
const NODE = new URL("../../../core/cluster/node_main.ts", import.meta.url).pathname;
const EMPTY_JOBS = 10_000;
const BUSY_JOBS = 60;
const BUSY_SECONDS = 0.05;
const DURABLE_JOBS = 1000;

type Steps<T> = Generator<unknown, T, unknown>;

function* nothing(): Steps<void> {}

/** Computes for so many seconds of processor time. */
function* busy(_coro: Coro, seconds: number): Steps<number> {
  const end = performance.now() + 1000 * seconds;
  let count = 0;
  while (performance.now() < end) count++;
  return count;
}

/** Tells which process it is in, and waits. */
function* tellPid(coro: Coro, to: Coro): Steps<void> {
  to.send(Deno.pid);
  yield* coro.receive();
}

function* firstJob(network: Network): Steps<number> {
  const start = performance.now();
  const computation = new Computation({ network });
  yield* computation.runResult(nothing);
  const time = performance.now() - start;
  yield* computation.close();
  return time;
}

function* emptyJobs(network: Network): Steps<number> {
  const computation = yield* ready(network);
  const start = performance.now();
  yield* computation.runResults(nothing, Array.from({ length: EMPTY_JOBS }, () => [] as []));
  const time = performance.now() - start;
  yield* computation.close();
  return 1000 * EMPTY_JOBS / time;
}

function* cores(network: Network): Steps<number> {
  const computation = yield* ready(network);
  const start = performance.now();
  yield* computation.runResults(busy, Array.from({ length: BUSY_JOBS }, () => BUSY_SECONDS));
  const time = (performance.now() - start) / 1000;
  yield* computation.close();
  return 100 * BUSY_JOBS * BUSY_SECONDS / 2 / time;
}

function* lostServer(network: Network, coro: Coro): Steps<number> {
  const computation = yield* ready(network, { retries: 1 });
  const job = coro.scheduler.spawn(function* () {
    yield* computation.runResult(tellPid, coro);
  });
  const pid = yield* coro.receive<number>();
  const start = performance.now();
  Deno.kill(pid, "SIGKILL");
  yield* coro.receive();
  const time = performance.now() - start;
  job.terminate();
  yield* computation.close({ terminate: true });
  return time;
}

let queues = 0;

function* durableJobs(network: Network, coro: Coro, store: JobStore): Steps<number> {
  const computation = yield* ready(network, { store, name: `queue-${++queues}` });
  const start = performance.now();
  // Many at once, as a program with much to do would.
  const all = Array.from({ length: DURABLE_JOBS }, (_, n) =>
    coro.scheduler.spawn(function* () {
      const id = yield* computation.submit(nothing, [], { id: `job ${n}` });
      yield* computation.result(id);
    }));
  for (const each of all) yield* each.finish();
  const time = performance.now() - start;
  yield* computation.close();
  return 1000 * DURABLE_JOBS / time;
}

/** A computation of which both servers are ready. */
function* ready(
  network: Network,
  options: { retries?: number; store?: JobStore; name?: string } = {},
): Steps<Computation> {
  const computation = new Computation({ network, ...options });
  yield* computation.schedule();
  while (computation.servers().length < 2) yield* until(new Promise((done) => setTimeout(done, 5)));
  return computation;
}

function print(name: string, unit: string, values: number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, median, high] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)!]
    .map((value) => value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 1 : 0 }));
  console.log(`${name.padEnd(14)} ${median.padStart(8)} ${unit.padEnd(5)} (${low} to ${high})`);
}

await run(function* (coro: Coro) {
  const network = yield* Network.join({ name: "client", secret: SECRET });
  const address = network.location.address.replace("tcp://", "");
  const node = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", NODE, "--name", "node", "--cpus", "2", "--peer", address],
    env: { ASYNCORO_SECRET: SECRET },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    yield* network.locate("node");
    const works: [string, string, () => Steps<number>][] = [
      ["first job", "ms", () => firstJob(network)],
      ["empty jobs", "/s", () => emptyJobs(network)],
      ["cores", "%", () => cores(network)],
      ["lost server", "ms", () => lostServer(network, coro)],
    ];
    for (const [name, unit, work] of works) {
      const values: number[] = [];
      for (let i = 0; i < ROUNDS; i++) values.push(yield* work());
      print(name, unit, values);
    }
    if (!HAS_SERVER) return;
    const server = yield* until(NatsServer.start());
    const connection = yield* until(server.connect());
    const store = natsJobs({ connection, jetstream, jetstreamManager });
    const values: number[] = [];
    for (let i = 0; i < ROUNDS; i++) values.push(yield* durableJobs(network, coro, store));
    print("durable jobs", "/s", values);
    yield* until(connection.close());
    yield* until(server.stop());
  } finally {
    node.kill("SIGTERM");
    yield* until(node.status);
    yield* network.leave();
  }
});

/**
 * A peer of the benchmark: `server`, or `client ADDRESS WORK AMOUNT`, which prints a measurement as JSON. Over TCP, or over
 * the NATS server whose address is in the environment variable `NATS_SERVER`.
 */
import { Coro, main, scope } from "@asyncoro/asyncoro";
import { type Engine, Network, tcp } from "@asyncoro/asyncoro/distributed";
import { cpuSeconds, type Measurement, messageOf } from "./message.ts";

const SECRET = "a secret of sixteen characters";
const engines = [await engine()];

async function engine(): Promise<Engine> {
  const servers = Deno.env.get("NATS_SERVER");
  if (servers === undefined) return tcp();
  const { nats } = await import("@asyncoro/asyncoro/nats");
  const { connect } = await import("@nats-io/transport-node");
  return nats({ connection: await connect({ servers, noAsyncTraces: true }) });
}

interface Report {
  readonly count: number;
  readonly cpu: number;
}

/** Counts messages. Asked for a report, it replies how many came, and the CPU time since the last report. */
function* sink(coro: Coro): Generator<unknown, void, unknown> {
  coro.register("sink");
  let count = 0;
  let cpu = cpuSeconds();
  for (;;) {
    const message = yield* coro.receive<{ id?: number; report?: Coro }>();
    count++;
    if (message.report === undefined) continue;
    message.report.send({ count: count - 1, cpu: cpuSeconds() - cpu } satisfies Report);
    count = 0;
    cpu = cpuSeconds();
  }
}

function* server(): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "server", secret: SECRET, engines });
  new Coro(sink);
  console.log(network.location.address);
  yield* network.closed();
}

/** Sends in bursts of so many messages, each in one turn. */
function* send(remote: Coro, amount: number, burst: number): Generator<unknown, void, unknown> {
  for (let id = 0; id < amount;) {
    for (const end = Math.min(amount, id + burst); id < end; id++) remote.send(messageOf(id));
    yield;
  }
}

/** Delivers one message after the other, and notes the milliseconds that each took. */
function* deliver(remote: Coro, amount: number, times: number[]): Generator<unknown, void, unknown> {
  for (let id = 0; id < amount; id++) {
    const start = performance.now();
    yield* remote.deliver(messageOf(id));
    times.push(performance.now() - start);
  }
}

function* deliverMany(remote: Coro, amount: number, inFlight: number): Generator<unknown, void, unknown> {
  yield* scope(function* (children) {
    for (let i = 0; i < inFlight; i++) {
      children.spawn(function* () {
        yield* deliver(remote, amount / inFlight, []);
      });
    }
  });
}

const WORKS: Record<string, (remote: Coro, amount: number, times: number[]) => Generator<unknown, void, unknown>> = {
  "send 1": (remote, amount) => send(remote, amount, 1),
  "send 10": (remote, amount) => send(remote, amount, 10),
  "send 100": (remote, amount) => send(remote, amount, 100),
  "deliver 1": deliver,
  "deliver 100": (remote, amount) => deliverMany(remote, amount, 100),
};

function* client(coro: Coro, address: string, work: string, amount: number): Generator<unknown, void, unknown> {
  const network = yield* Network.join({ name: "client", secret: SECRET, engines });
  yield* network.peer(address);
  const remote = (yield* Coro.locate("sink", 5))!;
  const run = function* (amount: number): Generator<unknown, Measurement, unknown> {
    remote.send({ report: coro });
    yield* coro.receive();
    const times: number[] = [];
    const [start, cpu] = [performance.now(), cpuSeconds()];
    yield* WORKS[work](remote, amount, times);
    remote.send({ report: coro });
    const report = yield* coro.receive<Report>();
    const seconds = (performance.now() - start) / 1000;
    if (report.count !== amount) throw new Error(`${report.count} of ${amount} messages arrived`);
    times.sort((a, b) => a - b);
    return {
      amount,
      seconds,
      cpu: [(cpuSeconds() - cpu) / amount * 1e6, report.cpu / amount * 1e6],
      percentiles: times.length === 0 ? undefined : [times[times.length >> 1], times[Math.floor(times.length * 0.99)]],
    };
  };
  // Once to warm up.
  yield* run(amount);
  console.log(JSON.stringify(yield* run(amount)));
  yield* network.leave();
  // A connection to NATS keeps the process alive.
  Deno.exit();
}

const [role, address, work, amount] = Deno.args;
if (role === "server") main(server);
else main(client, address, work, Number(amount));

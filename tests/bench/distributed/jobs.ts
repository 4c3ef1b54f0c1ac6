/** A process of the benchmark of jobs: `server`, which does them, or `client - WORK AMOUNT`, which prints a measurement. */
import { type Coro, main, scope } from "@asyncoro/asyncoro";
import { natsJobs } from "@asyncoro/asyncoro/nats";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { cpuSeconds, type Measurement } from "./message.ts";

const connection = await connect({ servers: Deno.env.get("NATS_SERVER")!, noAsyncTraces: true });
const store = natsJobs({ connection, jetstream, jetstreamManager });
const JOB = new TextEncoder().encode(JSON.stringify({ name: "item", ok: true, values: [1, 2.5, "x"] }));

/** Who does jobs takes up to so many of them at once, for each of so many coroutines. */
const [TAKERS, BATCH] = [8, 16];

function* server(): Generator<unknown, void, unknown> {
  yield* store.pending("jobs");
  console.log("-");
  yield* scope(function* (children) {
    for (let i = 0; i < TAKERS; i++) {
      children.spawn(function* () {
        for (;;) {
          const leases = yield* store.take("jobs", BATCH);
          yield* scope(function* (children) {
            for (const lease of leases) {
              children.spawn(function* () {
                yield* store.done(lease, lease.job);
              });
            }
          });
        }
      });
    }
  });
}

function* client(_coro: Coro, work: string, amount: number): Generator<unknown, void, unknown> {
  const [kind, inFlight] = work.split(" ");
  const queue = kind === "submit" ? "nobody takes them" : "jobs";
  const run = function* (name: string, amount: number): Generator<unknown, Measurement, unknown> {
    const times: number[] = [];
    const [start, cpu] = [performance.now(), cpuSeconds()];
    yield* scope(function* (children) {
      for (let i = 0; i < Number(inFlight); i++) {
        children.spawn(function* () {
          for (let k = i; k < amount; k += Number(inFlight)) {
            const start = performance.now();
            yield* store.submit(queue, `${name} ${k}`, JOB);
            if (kind === "jobs") yield* store.wait(queue, `${name} ${k}`);
            times.push(performance.now() - start);
          }
        });
      }
    });
    const seconds = (performance.now() - start) / 1000;
    times.sort((a, b) => a - b);
    const percentiles = [times[times.length >> 1], times[Math.floor(times.length * 0.99)]] as const;
    return { amount, seconds, cpu: [(cpuSeconds() - cpu) / amount * 1e6, NaN], percentiles };
  };
  yield* run("warm", Math.ceil(amount / 10));
  console.log(JSON.stringify(yield* run("job", amount)));
  Deno.exit();
}

const [role, _address, work, amount] = Deno.args;
if (role === "server") main(server);
else main(client, work, Number(amount));

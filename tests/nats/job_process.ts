/**
 * A process of the crash test: `PORT submit COUNT` submits jobs, `PORT work` does jobs until it is killed. It prints a line
 * for each.
 */
import { type Coro, main, scope } from "@asyncoro/asyncoro";
import { natsJobs } from "@asyncoro/asyncoro/nats";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const [port, role, count] = Deno.args;
const connection = await connect({
  servers: `127.0.0.1:${port}`,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 50,
  waitOnFirstConnect: true,
  noAsyncTraces: true,
});
const store = natsJobs({ connection, jetstream, jetstreamManager, leaseSeconds: 1 });

function* submit(): Generator<unknown, void, unknown> {
  for (let i = 0; i < Number(count); i++) {
    yield* store.submit("squares", `job ${i}`, Uint8Array.of(i >> 8, i));
    console.log(i);
  }
}

/** Does a few jobs at once, so that some are always under way when it is killed. */
function* work(): Generator<unknown, void, unknown> {
  yield* scope(function* (children) {
    for (let i = 0; i < 8; i++) children.spawn(doJobs);
  });
}

function* doJobs(coro: Coro): Generator<unknown, void, unknown> {
  for (;;) {
    for (const lease of yield* store.take("squares", 1)) {
      const [high, low] = lease.job;
      yield* coro.sleep(0.01);
      const isFirst = yield* store.done(lease, new TextEncoder().encode(`${(high * 256 + low) ** 2}`));
      console.log(lease.id, isFirst);
    }
  }
}

main(role === "submit" ? submit : work);

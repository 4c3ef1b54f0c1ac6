/** The store of jobs in JetStream: wrong input, wrong servers, and what only JetStream has. */
import { Coro, MessageTooLargeError, sleep, until, withTimeout } from "@asyncoro/asyncoro";
import { type JobStore, type Lease, natsJobs } from "@asyncoro/asyncoro/nats";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { assert, assertEquals, assertInstanceOf, assertMatch, assertThrows } from "@std/assert";
import { thrown } from "../distributed/acceptance/world.ts";
import { drive } from "../io/helpers.ts";
import { NatsServer } from "./nats_server.ts";
import { natsTest } from "./two_peers.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const NOTHING = new Uint8Array(0);

/** Runs a test with a store and its client. */
function withStore(
  server: NatsServer,
  test: (store: JobStore, connection: NatsConnection) => Generator<unknown, void, unknown>,
): Promise<void> {
  return drive(function* () {
    const connection = yield* until(server.connect());
    try {
      // The client waits for a response for longer than the test: after a restart of the server there is none.
      const client = (connection: NatsConnection) => jetstream(connection, { timeout: 60_000 });
      const manager = (connection: NatsConnection) => jetstreamManager(connection, { timeout: 60_000 });
      const options = { connection, jetstream: client, jetstreamManager: manager, leaseSeconds: 1 };
      yield* test(natsJobs(options), connection);
    } finally {
      yield* until(connection.close());
    }
  });
}

natsTest("a store of jobs says what is wrong with its options", async (server) => {
  const connection = await server.connect();
  const make = (options: object) => () => natsJobs({ connection, jetstream, jetstreamManager, ...options });
  const cases: [object, new (...args: never[]) => Error, string][] = [
    [{ store: 1 }, TypeError, "Cannot make a store of jobs as there is no option 'store': use connection,"],
    [
      { connection: null },
      TypeError,
      "'connection' must be a NatsConnection of @nats-io/nats-core: current value is null",
    ],
    [{ jetstream: {} }, TypeError, "'jetstream' must be that function of @nats-io/jetstream"],
    [{ jetstreamManager: 1 }, TypeError, "'jetstreamManager' must be that function of @nats-io/jetstream"],
    [{ prefix: "a b" }, TypeError, "as 'prefix' must be"],
    [{ leaseSeconds: "1" }, TypeError, "as 'leaseSeconds' must be a positive, finite number"],
    [{ leaseSeconds: 0 }, RangeError, "as 'leaseSeconds' must be a positive, finite number"],
    [{ storage: "disk" }, TypeError, `as 'storage' must be "file" or "memory"`],
    [{ replicas: 6 }, RangeError, "as 'replicas' must be an integer from 1 to 5"],
    [{ replicas: "3" }, TypeError, "as 'replicas' must be an integer from 1 to 5"],
    [{ retention: 0 }, RangeError, "as 'retention' must be positive"],
    [{ retention: "a day" }, TypeError, "'retention'"],
  ];
  for (const [options, error, text] of cases) assertThrows(make(options), error, text);
  assertEquals(make({})().leaseSeconds, 30);
  await connection.close();
});

natsTest(
  "a store of jobs says what is wrong with arguments, before anything is stored",
  (server) =>
    withStore(server, function* (store) {
      assertThrows(() => store.submit("", "a", NOTHING), TypeError, "Cannot submit a job as 'queue' must be a text");
      assertThrows(() => store.submit("q", "\uD800", NOTHING), TypeError, "Cannot submit a job as 'id' must be a text");
      assertThrows(() => store.submit("q".repeat(201), "a", NOTHING), RangeError, "'queue' has at most 200 bytes");
      assertThrows(
        () => store.submit("q", "a", "job" as unknown as Uint8Array),
        TypeError,
        "'job' must be a Uint8Array",
      );
      assertThrows(
        () => store.submit("q", "a", new Uint8Array(2 ** 20)),
        MessageTooLargeError,
        "at most 1032192 bytes",
      );
      assertThrows(() => store.take("q", 0), RangeError, "Cannot take jobs as 'n' must be a positive integer");
      const foreign = { queue: "q", id: "a", job: NOTHING, attempt: 1 };
      for (const act of ["working", "done", "retry", "bury"] as const) {
        const call = () => (store[act] as (lease: Lease, more: unknown) => unknown)(foreign, NOTHING);
        assertThrows(call, TypeError, "as 'lease' must be one that take() of this store has returned");
      }
      // Nearly the longest that the server takes.
      yield* store.submit("q", "long", new Uint8Array(1_032_192));
      const [lease] = yield* store.take("q", 1);
      assertThrows(() => store.done(lease, new Uint8Array(2 ** 20)), MessageTooLargeError, "'result' has at most");
      assertThrows(() => store.retry(lease, NaN), TypeError, "'delay'");
      assertThrows(() => store.retry(lease, Infinity), RangeError, "use bury()");
      assertThrows(() => store.bury(lease, 5 as unknown as string), TypeError, "'reason' must be a text");
      assertEquals(yield* store.bury(lease, "\u20ac".repeat(10_000)), true);
      const state = yield* store.result("q", "long");
      assert(state.kind === "dead" && /^\u20ac{2730}$/.test(state.reason), "a reason is cut");
      yield* store.revive("q", "long");
      assertEquals((yield* store.take("q", 1))[0].job.length, 1_032_192);
    }),
);

natsTest("a server without JetStream is told of, and streams of somebody else's are", async (server) => {
  const plain = await NatsServer.start("no JetStream");
  await withStore(plain, function* (store) {
    const error = yield* thrown<Error>(() => store.submit("q", "a", NOTHING));
    assertMatch(error.message, /the server has no JetStream: start it with --jetstream/);
  });
  await plain.stop();
  await withStore(server, function* (store, connection) {
    const manager = yield* until(jetstreamManager(connection));
    yield* until(manager.streams.add({ name: "asyncoro_jobs", subjects: ["theirs"] }));
    const error = yield* thrown<Error>(() => store.submit("q", "a", NOTHING));
    assertMatch(error.message, /stream asyncoro_jobs has other subjects: choose another 'prefix'/);
    // It can be used once that is mended.
    yield* until(manager.streams.delete("asyncoro_jobs"));
    assertEquals(yield* store.submit("q", "a", NOTHING), true);
  });
});

natsTest(
  "operations that are begun while the server is away end when it is back",
  (server) =>
    withStore(server, function* (store) {
      yield* store.submit("q", "a", bytes("a"));
      const [lease] = yield* store.take("q", 1);
      const waiting = new Coro(function* () {
        return yield* store.wait("q", "b");
      });
      yield* sleep(0.05);
      yield* until(server.kill());
      const operations = [
        new Coro(function* () {
          return yield* store.done(lease, NOTHING);
        }),
        new Coro(function* () {
          return yield* store.submit("q", "b", NOTHING);
        }),
        new Coro(function* () {
          return yield* store.result("q", "c");
        }),
      ];
      const cutShort = new Coro(function* () {
        yield* store.submit("q", "never", NOTHING);
      });
      yield* sleep(0.05);
      cutShort.terminate();
      yield* cutShort.finish(1);
      yield* until(server.restart());
      const outcomes: unknown[] = [];
      for (const operation of operations) outcomes.push(yield* operation.finish(10));
      assertEquals(outcomes, [true, true, { kind: "unknown" }]);
      const [other] = yield* withTimeout(10, store.take("q", 5));
      assertEquals(other.id, "b");
      yield* store.done(other, bytes("!"));
      assertEquals(yield* waiting.finish(10), { kind: "done", result: bytes("!") });
    }),
);

natsTest(
  "a settled job that is in its queue still is not handed out, and a dead one is listed then",
  (server) =>
    withStore(server, function* (store, connection) {
      const manager = yield* until(jetstreamManager(connection));
      for (const id of ["done", "dead", "new"]) yield* store.submit("q", id, bytes(id));
      const leases = yield* store.take("q", 2);
      yield* store.done(leases[0], NOTHING);
      yield* store.bury(leases[1], "no");
      yield* until(manager.streams.purge("asyncoro_states", { filter: "asyncoro.dead.q.dead" }));
      assertEquals(yield* store.dead("q"), []);
      // As a server does that was killed.
      for (const id of ["done", "dead"]) connection.publish(`asyncoro.job.q.${id}`, new Uint8Array(8));
      yield* until(connection.flush());
      const [lease] = yield* store.take("q", 5);
      assertEquals(lease.id, "new");
      yield* store.done(lease, NOTHING);
      const more = yield* store.submit("q", "more", NOTHING);
      assert(more);
      assertEquals((yield* withTimeout(10, store.take("q", 5))).map(({ id }) => id), ["more"]);
      assertEquals(yield* store.dead("q"), [{ id: "dead", reason: "no" }]);
    }),
);

natsTest(
  "a consumer that somebody deletes is made anew, and a store keeps what another prefix has apart",
  (server) =>
    withStore(server, function* (store, connection) {
      const other = natsJobs({
        connection,
        jetstream,
        jetstreamManager,
        prefix: "other",
        storage: "memory",
        retention: 60,
      });
      yield* other.submit("q", "a", NOTHING);
      const taking = new Coro(function* () {
        return yield* store.take("q", 1);
      });
      while ((yield* store.pending("q")) > 0) yield;
      yield* sleep(0.1);
      const manager = yield* until(jetstreamManager(connection));
      yield* until(manager.consumers.delete("asyncoro_jobs", "q"));
      yield* store.submit("q", "b", NOTHING);
      assertEquals((yield* taking.finish(10))[0].id, "b");
      const { config } = yield* until(manager.streams.info("other_states"));
      assertEquals([config.storage, config.max_age, config.num_replicas], ["memory", 60e9, 1]);
    }),
);

natsTest("a closed client ends operations with its error", (server) =>
  withStore(server, function* (store, connection) {
    yield* store.submit("q", "a", NOTHING);
    const [lease] = yield* store.take("q", 1);
    const taking = new Coro(function* () {
      return yield* thrown(() => store.take("q", 1));
    });
    yield* sleep(0.05);
    yield* until(connection.close());
    assertInstanceOf(yield* taking.finish(10), Error);
    for (const operation of [store.done(lease, NOTHING), store.result("q", "a"), store.pending("q")]) {
      assertInstanceOf(yield* thrown(() => operation), Error);
    }
  }));

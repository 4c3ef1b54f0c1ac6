/** Jobs of a store: they survive crashes, run at least once, and have one result. */
import { type Coro, sleep, TimeoutError } from "@asyncoro/asyncoro";
import { Computation, type ComputationOptions, JobLostError } from "@asyncoro/asyncoro/cluster";
import type { Network } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { thrown } from "../distributed/acceptance/world.ts";
import { MemoryJobs } from "./memory_jobs.ts";
import { ClusterWorld, type Steps, withCluster } from "./world.ts";

function* square(_coro: Coro, n: number): Generator<unknown, number, unknown> {
  return n * n;
}

function* nap(coro: Coro, seconds: number): Generator<unknown, string, unknown> {
  yield* coro.sleep(seconds);
  return "rested";
}

const LEASE_SECONDS = 6;

/** Runs one client with a store, and nodes of so many servers. */
async function withStore(
  servers: readonly number[],
  program: (computation: Computation, store: MemoryJobs, world: ClusterWorld, network: Network) => Steps,
  options: Partial<ComputationOptions> = {},
): Promise<void> {
  const world = new ClusterWorld();
  const store = new MemoryJobs(LEASE_SECONDS);
  servers.forEach((cpus, i) => world.node(`node${i}`, { cpus }));
  world.client(function* (_coro, network) {
    const computation = new Computation({ network, store, ...options });
    yield* program(computation, store, world, network);
    yield* computation.close();
  });
  await world.run();
}

Deno.test("a submitted job is run, and its result can be had at any time", async () => {
  await withStore([1], function* (computation) {
    const id = yield* computation.submit(square, [7]);
    assertEquals(yield* computation.result(id), 49);
    assertEquals(yield* computation.result(id, 0), 49);
    assertEquals(yield* computation.submit(square, [3], { id: "three" }), "three");
    assertEquals(yield* computation.result("three", 60), 9);
  });
});

Deno.test("the same id is one job", async () => {
  await withStore([1], function* (computation, store) {
    yield* computation.submit(square, [2], { id: "one" });
    yield* computation.submit(square, [3], { id: "one" });
    assertEquals(yield* computation.result("one"), 4);
    yield* computation.submit(square, [4], { id: "one" });
    assertEquals(yield* computation.result("one"), 4);
    assertEquals(store.attempts("computation"), { one: 1 });
  });
});

Deno.test("an error of the job is its result", async () => {
  await withStore([1], function* (computation, store) {
    const id = yield* computation.submit(function* () {
      throw new RangeError("no");
    }, []);
    const error = yield* thrown(() => computation.result(id));
    assert(error instanceof RangeError);
    assertEquals(error.message, "no");
    assertEquals(yield* store.pending("computation"), 0);
  });
});

Deno.test("result waits as long as it may", async () => {
  await withStore([1], function* (computation) {
    assert((yield* thrown(() => computation.result("unknown", 1))) instanceof TimeoutError);
    assert((yield* thrown(() => computation.result("unknown", 0))) instanceof TimeoutError);
    yield* computation.submit(nap, [30], { id: "long" });
    assert((yield* thrown(() => computation.result("long", 10))) instanceof TimeoutError);
    assertEquals(yield* computation.result("long", 60), "rested");
  });
});

Deno.test("the lease of a job that takes long is kept, and it runs once", async () => {
  await withStore([1, 1], function* (computation, store) {
    yield* computation.submit(nap, [60], { id: "long" });
    assertEquals(yield* computation.result("long"), "rested");
    assertEquals(store.attempts("computation").long, 1);
    assert(store.prolonged > 20);
  });
});

Deno.test("no more than two jobs a server are taken", async () => {
  await withStore([2], function* (computation, store) {
    for (let i = 0; i < 20; i++) yield* computation.submit(nap, [5], { id: `${i}` });
    yield* computation.schedule();
    yield* sleep(4);
    assertEquals(Object.values(store.attempts("computation")).filter((count) => count > 0).length, 4);
    for (let i = 0; i < 20; i++) assertEquals(yield* computation.result(`${i}`), "rested");
  });
});

Deno.test("a job that was lost with its server is run again", async () => {
  await withStore([1], function* (computation, store, world) {
    yield* computation.submit(nap, [20], { id: "job" });
    yield* computation.schedule();
    yield* sleep(5);
    world.shared[`kill ${computation.servers()[0].id}`]();
    assertEquals(yield* computation.result("job"), "rested");
    assertEquals(store.attempts("computation").job, 2);
  });
});

Deno.test("a job that has used up its retries is dead, and can be run again", async () => {
  await withStore([1], function* (computation) {
    yield* computation.submit(nap, [1e6], { id: "endless", retries: 2 });
    const error = yield* thrown<JobLostError>(() => computation.result("endless"));
    assert(error instanceof JobLostError);
    assertEquals(error.attempts, 3);
    const dead = yield* computation.deadJobs();
    assertEquals(dead.map(({ id }) => id), ["endless"]);
    assert(dead[0].reason.includes("took longer than 5 s"), dead[0].reason);
    assertEquals(yield* computation.rerun("endless"), true);
    assertEquals(yield* computation.deadJobs(), []);
    assert((yield* thrown(() => computation.result("endless"))) instanceof JobLostError);
    assertEquals(yield* computation.rerun("other"), false);
  }, { attemptTimeout: 5 });
});

Deno.test("jobs survive the crash of their client: a new computation of that name runs them", async () => {
  const world = new ClusterWorld();
  const clock = world.net.scheduler("clock");
  const store = new MemoryJobs(LEASE_SECONDS);
  world.node("node0", { cpus: 2 });
  world.scheduler("client").spawn(function* () {
    const network = yield* world.join("client");
    const computation = new Computation({ network, store, name: "jobs" });
    for (let i = 0; i < 5; i++) yield* computation.submit(nap, [10], { id: `${i}` });
    yield* computation.result("1");
    yield* computation.result("4");
  });
  clock.spawn(function* () {
    yield* sleep(15);
    world.net.crash("client");
    const results: unknown[] = [];
    world.client(function* (_coro, network) {
      yield* world.connect(network, "node0");
      const computation = new Computation({ network, store, name: "jobs" });
      for (let i = 0; i < 5; i++) results.push(yield* computation.result(`${i}`));
      yield* computation.close();
    }, "client2");
    while (results.length < 5) yield* sleep(1);
    assertEquals(results, Array(5).fill("rested"));
  });
  await world.run();
  // Those that ran when the client crashed have run twice.
  assert(Object.values(store.attempts("jobs")).every((count) => count === 1 || count === 2));
});

Deno.test("closing gives jobs back that have not ended in time", async () => {
  const world = new ClusterWorld();
  const store = new MemoryJobs(LEASE_SECONDS);
  world.node("node0", { cpus: 1 });
  world.client(function* (_coro, network) {
    const first = new Computation({ network, store, name: "jobs" });
    yield* first.submit(nap, [100], { id: "job" });
    yield* first.schedule();
    yield* sleep(5);
    yield* first.close({ timeout: 1 });
    assertEquals((yield* store.result("jobs", "job")).kind, "pending");
    const second = new Computation({ network, store, name: "jobs" });
    assertEquals(yield* second.result("job"), "rested");
    yield* second.close();
  });
  await world.run();
  assertEquals(store.attempts("jobs"), { job: 2 });
});

Deno.test("without a store there is nothing to submit to", async () => {
  await withCluster([1], function* (computation) {
    assertThrows(() => computation.submit(square, [1]), Error, "has no store");
    assertThrows(() => computation.result("id"), Error, "has no store");
    assertThrows(() => computation.submit(square, 5 as never), TypeError, "args");
    yield* computation.schedule();
  });
});

Deno.test("a job id is text", async () => {
  await withStore([1], function* (computation) {
    assertThrows(() => computation.submit(square, [1], { id: "" }), TypeError, "id");
    assertThrows(() => computation.result(5 as never), TypeError, "id");
    assertThrows(() => computation.submit(square, [1], { retries: -1 }), RangeError, "retries");
    yield* computation.schedule();
  });
});

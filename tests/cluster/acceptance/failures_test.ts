/** What becomes of jobs when servers, nodes and clients are killed, or a job hangs. */
import { Coro, type MonitorException, until } from "@asyncoro/asyncoro";
import { Computation, JobLostError } from "@asyncoro/asyncoro/cluster";
import { PeerLostError } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { eventually, Process, runs, servers, thrown, withCluster } from "./world.ts";

// deno-lint-ignore no-explicit-any -- some return nothing
type Job = Generator<unknown, any, unknown>;

function* waits(coro: Coro): Job {
  return yield* coro.receive();
}

function* identity(_coro: Coro, value: unknown): Job {
  return value;
}

/** Gives others time to be killed. */
function* slow(coro: Coro, value: number): Job {
  yield* coro.sleep(0.2);
  return value;
}

Deno.test(
  "a job that hangs ends with attemptTimeout, its server is replaced, and a job of runAsync has no such limit",
  withCluster(2, function* (_coro, { network }) {
    const computation = new Computation({ network, attemptTimeout: 0.3 });
    yield* computation.schedule(20);
    const before = yield* servers(computation, 2);
    const aside = yield* computation.runAsync(function* (coro: Coro): Job {
      yield* coro.sleep(0.5);
      return coro.name;
    });
    const kept = aside.location!;
    const other = before.find((server) => !server.equals(kept))!;
    const lost = (yield* thrown(computation.runResultAt(other, function* (): Job {
      for (;;);
    }))) as JobLostError;
    assertInstanceOf(lost, JobLostError);
    assertEquals(lost.attempts, 1);
    assertEquals(yield* aside.finish(9), "anonymous");

    const ends: unknown[] = [];
    const hangs = function* (_coro: Coro, i: number): Job {
      if (i === 1) { for (;;); }
      return i;
    };
    for (const next of computation.results(hangs, [0, 1], { retries: 1 })) {
      const { index, outcome, attempts } = yield* next;
      ends[index] = [outcome.kind, outcome.kind === "throw" && outcome.error instanceof JobLostError, attempts];
    }
    assertEquals(ends, [["return", false, 1], ["throw", true, 2]]);
    const handle = yield* computation.run(function* (): Job {
      for (;;);
    });
    assertInstanceOf(yield* thrown(handle.finish(9)), PeerLostError);
    const after = yield* servers(computation, 2);
    assert(!after.some((server) => server.equals(other)));
    yield* computation.close();
  }),
);

Deno.test(
  "servers and a node that are killed lose handles, and jobs run again elsewhere, at a node that has come meanwhile too",
  withCluster(2, function* (coro, { network, start }, node) {
    const computation = new Computation({ network });
    yield* computation.schedule(20);
    yield* servers(computation, 2);
    const handle = yield* computation.run(waits);
    yield* coro.monitor(handle);
    const single = new Coro(function* () {
      return yield* thrown(computation.runResult(waits));
    });
    yield* eventually("both run", () => computation.stats().running === 2);
    const items = [1, 2, 3, 4, 5, 6];
    const many = new Coro(function* () {
      return yield* computation.runResults(slow, items, { retries: 2 });
    });
    for (const pid of node.servers) Deno.kill(pid, "SIGKILL");
    const { outcome } = (yield* coro.receive(9)) as MonitorException;
    assert(outcome.kind === "lost" && outcome.error instanceof PeerLostError);
    assertInstanceOf(yield* thrown(handle.finish(9)), PeerLostError);
    const lost = yield* single.finish(9);
    assert(lost instanceof JobLostError && lost.attempts === 1);

    start("other", "--cpus", "1");
    yield* eventually("the other node is there", () => computation.nodes().length === 2);
    yield* eventually("its server is there", () => computation.servers().length === 3);
    assertEquals(yield* computation.runResultAt(computation.nodes()[1], identity, "other"), "other");
    const pids = node.servers;
    const [killed] = computation.nodes();
    node.kill();
    assertEquals(yield* many.finish(20), items);
    yield* eventually("the node is lost", () => computation.nodes().length === 1);
    assert(!computation.nodes()[0].equals(killed));
    yield* eventually("its servers have ended", () => !pids.some(runs));
    yield* eventually("its files are gone", () => node.files.length === 0);
    yield* computation.close();
    yield* until(node.discard());
  }),
);

Deno.test(
  "clients are served one after the other, and one that is killed leaves nothing at the node",
  withCluster(1, function* (_coro, { network }, node) {
    const computation = new Computation({ network, name: "last" });
    yield* eventually("the node is there", () => network.peers().length === 1);
    const address = network.peers()[0].address.replace("tcp://", "");
    const client = new Process(["-A", new URL("./client.ts", import.meta.url).href, address, "killed client"]);
    try {
      yield* eventually("the client runs jobs", () => client.printed.includes("running"));
      const scheduling = new Coro(function* () {
        yield* computation.schedule(20);
        return yield* computation.runResult(identity, "served");
      });
      yield* eventually("this client waits", () => node.printed.includes("1 client waiting"));
      assertEquals([node.files.length, computation.servers()], [1, []]);
      const pids = node.servers;
      client.kill();
      assertEquals(yield* scheduling.finish(20), "served");
      assert(!pids.some(runs));
      assertEquals(node.files.length, 1);
      assertEquals(node.printed.split("ended a job").length - 1, 2);
      assertStringIncludes(node.printed, "cleaned up");
    } finally {
      client.kill();
      yield* until(client.ended());
    }
    yield* computation.close();
    assertEquals(node.files, []);
  }),
);

Deno.test(
  "close() waits for jobs of run(), or terminates them at once or when its time is up",
  withCluster(1, function* (_coro, { network }) {
    const outcomes: unknown[] = [];
    for (const options of [undefined, { terminate: true }, { timeout: 0.05 }, { timeout: 0 }]) {
      const computation = new Computation({ network });
      yield* computation.schedule(20);
      const job = yield* computation.run(slow, 1);
      const aside = yield* computation.runAsync(waits);
      const queued = new Coro(function* (): Job {
        try {
          return yield* computation.runResult(identity, 2);
        } catch (error) {
          return (error as Error).name;
        }
      });
      yield* eventually("it waits", () => computation.stats().waiting === 1);
      yield* computation.close(options);
      outcomes.push([yield* job.finish(9), yield* aside.finish(9), yield* queued.finish(9)]);
    }
    const terminated = [undefined, undefined, "JobLostError"];
    assertEquals(outcomes, [[1, undefined, 2], terminated, terminated, terminated]);
  }),
);

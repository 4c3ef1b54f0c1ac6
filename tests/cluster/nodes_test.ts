/** Nodes and servers of a computation: which are used, how they are prepared, and how they come and go. */
import { type Coro, sleep, TimeoutError } from "@asyncoro/asyncoro";
import {
  type ClusterStatus,
  Computation,
  type ComputationOptions,
  JobLostError,
  type NodeAllocate,
  NoServerError,
  SetupError,
} from "@asyncoro/asyncoro/cluster";
import { PermissionError, RCI } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { serversOn } from "../../core/cluster/nodes/allocation.ts";
import { JOB_RCI } from "../../core/cluster/protocol.ts";
import { thrown } from "../distributed/acceptance/world.ts";
import { ClusterWorld, eventually, serversAre, type Steps, withCluster } from "./world.ts";

function* nap(coro: Coro, seconds: number): Generator<unknown, string, unknown> {
  yield* coro.sleep(seconds);
  return coro.scheduler.toString();
}

/** What a server has been told by its setups. */
function* told(coro: Coro): Generator<unknown, unknown, unknown> {
  yield;
  const shared = globalThis as unknown as Record<string, Record<string, unknown>>;
  return shared.cluster_setups?.[coro.scheduler.toString()];
}

/** Notes its arguments where `told` finds them. */
function* note(coro: Coro, ...args: unknown[]): Generator<unknown, void, unknown> {
  yield* coro.sleep(0.1);
  const shared = globalThis as unknown as Record<string, Record<string, unknown[]>>;
  const name = coro.scheduler.toString();
  (shared.cluster_setups ??= {})[name] = [...shared.cluster_setups[name] ?? [], ...args, "noted"];
}

/** A coroutine that keeps the messages about a computation. */
function statusCoro(scheduler: Coro["scheduler"], into: ClusterStatus[]): Coro {
  return scheduler.spawnWith({ daemon: true }, function* status(coro: Coro) {
    for (;;) into.push(yield* coro.receive<ClusterStatus>());
  });
}

/** Runs one client that is told what happens. */
async function withStatus(
  prepare: (world: ClusterWorld) => void,
  program: (computation: Computation, statuses: ClusterStatus[], world: ClusterWorld) => Steps,
  options: Partial<ComputationOptions> = {},
): Promise<ClusterStatus[]> {
  const world = new ClusterWorld();
  const statuses: ClusterStatus[] = [];
  prepare(world);
  world.client(function* (coro, network) {
    const computation = new Computation({ network, statusCoro: statusCoro(coro.scheduler, statuses), ...options });
    yield* program(computation, statuses, world);
    yield* computation.close();
    yield* sleep(0.1);
  });
  await world.run();
  return statuses;
}

function names(
  statuses: readonly ClusterStatus[],
  of: (info: ClusterStatus["info"]) => unknown = () => true,
): string[] {
  return statuses.filter(({ info }) => of(info)).map(({ status }) => status);
}

Deno.test("schedule waits until the first server is ready, or until time is up", async () => {
  await withCluster([], function* (computation, world) {
    assert((yield* thrown(() => computation.schedule(5))) instanceof TimeoutError);
    world.node("late");
    yield* computation.schedule(60);
    assert(computation.servers().length > 0);
    yield* computation.schedule();
  });
});

Deno.test("status messages come in order", async () => {
  const statuses = await withStatus((world) => world.node("node0", { cpus: 1 }), function* (computation) {
    yield* computation.schedule();
    assertEquals(yield* computation.runResult(nap, 1), computation.servers()[0].name);
    yield* thrown(() =>
      computation.runResult(function* () {
        throw new RangeError("no");
      })
    );
  });
  assertEquals(names(statuses), [
    "NodeDiscovered",
    "NodeInitialized",
    "ServerDiscovered",
    "ServerInitialized",
    "ComputationScheduled",
    "CoroCreated",
    "MonitorException",
    "CoroCreated",
    "MonitorException",
    "ServerClosed",
    "NodeClosed",
    "ComputationClosed",
  ]);
  const [created, ended] = statuses.filter(({ info }) => info.coro !== undefined);
  assertEquals(created.info.coro, ended.info.coro);
  assertEquals(ended.info.outcome?.kind, "return");
  assertEquals(statuses.at(-4)!.info.outcome?.kind, "throw");
  assertEquals(statuses[3].info.server?.name, ended.info.server?.name);
  assertEquals(statuses[0].info.location?.name, "node0");
});

Deno.test("losses are told: of the server, and of the node", async () => {
  const statuses = await withStatus((world) => world.node("node0", { cpus: 1 }), function* (computation, all, world) {
    yield* computation.schedule();
    world.shared[`kill ${computation.servers()[0].id}`]();
    yield* eventually(() => names(all).filter((name) => name === "ServerInitialized").length === 2);
    world.crash("node0");
    yield* eventually(() => names(all).includes("NodeLost"));
  });
  assertEquals(names(statuses).slice(-3), ["ServerLost", "NodeLost", "ComputationClosed"]);
});

Deno.test("allocation: the first entry that matches decides", () => {
  const node = { name: "a", platform: "linux-x86_64", cpus: 4, memory: 1000 };
  const on = (...entries: NodeAllocate[]) => serversOn(node, entries);
  assertEquals(serversOn(node, null), 4);
  assertEquals(on(), 0);
  assertEquals(on({}), 4);
  assertEquals(on({ name: "b" }), 0);
  assertEquals(on({ name: "b" }, { name: "a", cpus: 2 }), 2);
  assertEquals(on({ cpus: 4 }), 4);
  assertEquals(on({ cpus: 5 }), 0);
  assertEquals(on({ cpus: -1 }), 3);
  assertEquals(on({ cpus: -4 }), 0);
  assertEquals(on({ cpus: -4 }, { cpus: 1 }), 1);
  assertEquals(on({ platform: "LINUX" }), 4);
  assertEquals(on({ platform: "^windows" }), 0);
  assertEquals(on({ memory: 1000 }), 4);
  assertEquals(on({ memory: 1001 }), 0);
});

Deno.test("a node that no entry matches is ignored", async () => {
  const statuses = await withStatus(
    (world) => {
      world.node("small", { cpus: 1 });
      world.node("large", { cpus: 3 });
    },
    function* (computation) {
      yield* serversAre(computation, 2);
      assertEquals(computation.nodes().map(({ name }) => name), ["large"]);
    },
    { nodes: [{ cpus: -1 }] },
  );
  assertEquals(names(statuses, ({ location }) => location?.name === "small"), ["NodeDiscovered", "NodeIgnored"]);
});

Deno.test("nodeSetup runs once a node, before its servers are prepared; serverSetup once a server", async () => {
  const shared = globalThis as unknown as Record<string, unknown>;
  shared.cluster_setups = {};
  await withCluster([3], function* (computation) {
    yield* serversAre(computation, 3);
    const notes: unknown[] = [];
    for (const server of computation.servers()) notes.push(yield* computation.runResultAt(server, told));
    assertEquals(notes.map((list) => (list as unknown[]).length).sort(), [1, 1, 2]);
  }, { nodeSetup: note, serverSetup: note });
});

Deno.test("serverCleanup runs when the computation is over", async () => {
  const shared = globalThis as unknown as Record<string, unknown>;
  shared.cluster_setups = {};
  await withCluster([2], function* (computation) {
    yield* serversAre(computation, 2);
  }, { serverCleanup: note });
  assertEquals(Object.values(shared.cluster_setups as object).map(String), ["noted", "noted"]);
});

Deno.test("a server whose setup fails is ignored, with a SetupError; schedule goes on waiting", async () => {
  const statuses = await withStatus((world) => world.node("node0", { cpus: 1 }), function* (computation, all, world) {
    assert((yield* thrown(() => computation.schedule(20))) instanceof TimeoutError);
    const { error } = all.find(({ status }) => status === "ServerIgnored")!.info;
    assert(error instanceof SetupError);
    assert((error as SetupError).cause instanceof RangeError);
    world.node("good", { cpus: 1 });
    yield* computation.schedule();
    assertEquals(computation.servers().length, 1);
  }, {
    serverSetup: function* (coro: Coro) {
      yield;
      if (coro.scheduler.toString().startsWith("node0")) throw new RangeError("no room");
    },
  });
  assertEquals(names(statuses, ({ server }) => server?.name.startsWith("node0") === true), [
    "ServerDiscovered",
    "ServerIgnored",
    "ServerClosed",
  ]);
});

Deno.test("a node whose setup fails is ignored", async () => {
  const statuses = await withStatus((world) => world.node("node0"), function* (computation) {
    assert((yield* thrown(() => computation.schedule(20))) instanceof TimeoutError);
    assertEquals(computation.nodes(), []);
  }, {
    nodeSetup: function* () {
      yield;
      throw new RangeError("no");
    },
  });
  const ignored = statuses.filter(({ status }) => status === "NodeIgnored");
  assertEquals(ignored.length, 1);
  assert(ignored[0].info.error instanceof SetupError);
});

Deno.test("a server that does not start is ignored", async () => {
  const statuses = await withStatus((world) => {
    world.node("node0", { cpus: 2 });
    world.failsToStart = (name) => name.startsWith("node0");
  }, function* (computation, _all, world) {
    world.node("node1", { cpus: 1 });
    yield* computation.schedule();
    yield* sleep(1);
  });
  assertEquals(
    names(statuses, ({ location }) => location?.name === "node0").filter((name) => name === "ServerIgnored"),
    [
      "ServerIgnored",
      "ServerIgnored",
    ],
  );
});

Deno.test("disabled nodes and servers wait until they are enabled, with the arguments of their setups", async () => {
  const shared = globalThis as unknown as Record<string, unknown>;
  shared.cluster_setups = {};
  await withStatus((world) => world.node("node0", { cpus: 1 }), function* (computation, all) {
    assert((yield* thrown(() => computation.schedule(5))) instanceof TimeoutError);
    const { location } = all.find(({ status }) => status === "NodeDiscovered")!.info;
    assertEquals(yield* computation.enableNode(location!, "node", 1), true);
    assertEquals(yield* computation.enableNode(location!), false);
    yield* eventually(() => names(all).includes("ServerDiscovered"));
    yield* sleep(5);
    assertEquals(names(all).includes("ServerInitialized"), false);
    const { server } = all.find(({ status }) => status === "ServerDiscovered")!.info;
    assertEquals(yield* computation.enableServer(location!), false);
    assertEquals(yield* computation.enableServer(server!, "server", 2), true);
    yield* computation.schedule();
    assertEquals(yield* computation.runResult(told), ["node", 1, "noted", "server", 2, "noted"]);
  }, { nodeSetup: note, serverSetup: note, disableNodes: true, disableServers: true });
});

Deno.test("files lie in the folder of the job, under their base names, and are removed", async () => {
  const world = await withCluster([1], function* (computation, world) {
    yield* computation.schedule();
    const { files } = world.nodes.get("node0")!;
    assertEquals([...files.keys()], ["job1/work.ts", "job1/deno.json"]);
    assert(files.get("job1/work.ts")!.includes("A file of a computation."));
    assertEquals(files.get("job1/deno.json"), Deno.readTextFileSync("deno.json"));
  }, { files: [new URL("./fixtures/work.ts", import.meta.url), "deno.json"] });
  assertEquals(world.nodes.get("node0")!.files.size, 0);
});

Deno.test("a large file arrives whole", async () => {
  const path = await Deno.makeTempFile();
  try {
    const text = "0123456789".repeat(70_000);
    await Deno.writeTextFile(path, text);
    await withCluster([1], function* (computation, world) {
      yield* computation.schedule();
      assertEquals([...world.nodes.get("node0")!.files.values()], [text]);
    }, { files: [path] });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a file may be at a URL", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, ({ url }) => {
    return url.endsWith("/data/a%20b.txt") ? new Response("from afar") : new Response(null, { status: 404 });
  });
  const at = (path: string) => `http://127.0.0.1:${server.addr.port}/${path}`;
  try {
    await withCluster([1], function* (computation, world) {
      yield* computation.schedule();
      assertEquals([...world.nodes.get("node0")!.files], [["job1/a b.txt", "from afar"]]);
    }, { files: [at("data/a%20b.txt")] });
    const statuses = await withStatus((world) => world.node("node0"), function* (computation) {
      yield* thrown(() => computation.schedule(5));
    }, { files: [at("missing.txt")] });
    const { error } = statuses.find(({ status }) => status === "NodeIgnored")!.info;
    assert(error?.message.includes("404"), String(error));
  } finally {
    await server.shutdown();
  }
});

Deno.test("a file that cannot be read is an error of schedule", async () => {
  await withCluster([1], function* (computation) {
    assert((yield* thrown(() => computation.schedule())).message.includes("missing.ts"));
  }, { files: ["./missing.ts"] });
});

Deno.test("a suspended server or node takes no jobs, until it is resumed", async () => {
  await withCluster([1, 1], function* (computation, _world, network, coro) {
    yield* serversAre(computation, 2);
    const [first, second] = computation.servers();
    const node = computation.nodes().find(({ name }) => second.name.startsWith(name))!;
    assertEquals(yield* computation.suspend(second), true);
    assertEquals(yield* computation.runResults(nap, [1, 1, 1]), Array(3).fill(first.name));
    assertEquals(yield* computation.resume(second), true);
    assertEquals(yield* computation.suspend(node), true);
    assertEquals(yield* computation.runResults(nap, [1, 1, 1]), Array(3).fill(first.name));
    assertEquals(yield* computation.suspend(first), true);
    const job = coro.scheduler.spawn(function* () {
      return yield* computation.runResult(nap, 1);
    });
    yield* sleep(5);
    assert(job.isAlive());
    assertEquals(yield* computation.resume(node), true);
    assertEquals(yield* job.finish(), second.name);
    assertEquals(yield* computation.suspend(network.location), false);
    assertEquals(yield* computation.resume(network.location), false);
  });
});

Deno.test("restart replaces a server when its job has ended", async () => {
  await withCluster([1], function* (computation, _world, network, coro) {
    yield* computation.schedule();
    const [old] = computation.servers();
    const job = coro.scheduler.spawn(function* () {
      return yield* computation.runResult(nap, 20);
    });
    yield* sleep(1);
    const start = coro.scheduler.now();
    assertEquals(yield* computation.restart(old), true);
    assert(coro.scheduler.now() - start > 18);
    assertEquals(yield* job.finish(), old.name);
    const [replacement] = computation.servers();
    assert(!replacement.equals(old));
    assertEquals(yield* computation.runResult(nap, 1), replacement.name);
    assertEquals(yield* computation.restart(old), false);
    assertEquals(yield* computation.restart(network.location), false);
    assert((yield* thrown(() => computation.runAt(old, nap, 1))) instanceof NoServerError);
  });
});

Deno.test("a server that is not heard any more is replaced, though its process lives", async () => {
  const statuses = await withStatus((world) => world.node("node0", { cpus: 1 }), function* (computation, _all, world) {
    yield* computation.schedule();
    const [old] = computation.servers();
    world.net.partition(["client"], [old.name]);
    yield* eventually(() => computation.servers().some((server) => !server.equals(old)));
    world.net.heal();
    assertEquals(computation.servers().length, 1);
    assertEquals(world.nodes.get("node0")!.servers.size, 1);
    assertEquals(yield* computation.runResult(nap, 1), computation.servers()[0].name);
  });
  assertEquals(names(statuses, ({ server }) => server !== undefined).slice(0, 5), [
    "ServerDiscovered",
    "ServerInitialized",
    "ServerLost",
    "ServerDiscovered",
    "ServerInitialized",
  ]);
});

Deno.test("restart of a node replaces all its servers", async () => {
  await withCluster([3], function* (computation) {
    yield* serversAre(computation, 3);
    const before = computation.servers();
    assertEquals(yield* computation.restart(computation.nodes()[0]), true);
    const after = computation.servers();
    assertEquals(after.length, 3);
    assert(!after.some((server) => before.some((old) => old.equals(server))));
  });
});

Deno.test("restart is false if the replacement does not start", async () => {
  await withCluster([1, 1], function* (computation, world) {
    yield* serversAre(computation, 2);
    world.failsToStart = () => true;
    assertEquals(yield* computation.restart(computation.servers()[0]), false);
    assertEquals(computation.servers().length, 1);
  });
});

Deno.test("without a statusCoro, a setup that fails is reported", async () => {
  await withCluster([1], function* (computation, world) {
    assert((yield* thrown(() => computation.schedule(20))) instanceof TimeoutError);
    const [{ where, error }] = world.reported.splice(0);
    assertEquals([where, error instanceof SetupError], ["client", true]);
  }, {
    serverSetup: function* () {
      yield;
      throw new RangeError("no room");
    },
  });
});

Deno.test("a draining node ends its jobs, and takes no new ones", async () => {
  await withCluster([1, 1], function* (computation, world, _network, coro) {
    yield* serversAre(computation, 2);
    const node = computation.nodes().find(({ name }) => name === "node0")!;
    const job = coro.scheduler.spawn(function* () {
      return yield* computation.runResultAt(node, nap, 20);
    });
    yield* sleep(1);
    const { tenancies } = world.nodes.get("node0")!;
    const draining = world.net.scheduler("node0").spawn(function* () {
      yield* tenancies.drain();
    });
    yield* sleep(1);
    assertEquals(yield* computation.runResults(nap, [1, 1]), Array(2).fill(computation.servers()[1].name));
    for (let i = 0; i < 4; i++) {
      assertEquals((yield* computation.runAsync(nap, 1)).location, computation.servers()[1]);
    }
    assert((yield* thrown(() => computation.runAt(node, nap, 1))) instanceof NoServerError);
    assert((yield* job.finish()).startsWith("node0"));
    while (draining.isAlive()) yield* sleep(0.1);
    yield* eventually(() => computation.nodes().length === 1);
  });
});

Deno.test("a node that is closed loses what runs there", async () => {
  await withCluster([1, 1], function* (computation, world, _network, coro) {
    yield* serversAre(computation, 2);
    const node = computation.nodes().find(({ name }) => name === "node0")!;
    const job = coro.scheduler.spawn(function* () {
      return yield* computation.runResultAt(node, nap, 1e6);
    });
    yield* sleep(1);
    world.net.scheduler("node0").spawn(function* () {
      yield* world.nodes.get("node0")!.tenancies.close();
    });
    assert((yield* thrown(() => job.finish())) instanceof JobLostError);
    assertEquals(yield* computation.runResult(nap, 1), computation.servers()[0].name);
  });
});

Deno.test("a node serves one computation at a time, others wait in schedule, first come, first served", async () => {
  const world = new ClusterWorld();
  world.node("node0", { cpus: 1 }, "client0");
  const order: string[] = [];
  for (let i = 0; i < 3; i++) {
    world.client(function* (_coro, network) {
      yield* sleep(1 + i);
      if (i > 0) yield* world.connect(network, "node0");
      const computation = new Computation({ network, name: `c${i}` });
      yield* computation.schedule();
      order.push(`${i} begins`);
      yield* computation.runResult(nap, 10);
      order.push(`${i} ends`);
      yield* computation.close();
    }, `client${i}`);
  }
  await world.run();
  assertEquals(order, ["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends"]);
});

Deno.test("a client that crashes frees the node: its jobs end, the cleanup runs, its files go", async () => {
  const shared = globalThis as unknown as Record<string, unknown>;
  shared.cluster_setups = {};
  const world = new ClusterWorld();
  const node = world.node("node0", { cpus: 1 });
  world.scheduler("client").spawn(function* () {
    const network = yield* world.join("client");
    const computation = new Computation({
      network,
      serverCleanup: note,
      files: [new URL("./fixtures/work.ts", import.meta.url)],
    });
    yield* computation.runResult(nap, 1e6);
  });
  world.client(function* (_coro, network) {
    yield* sleep(10);
    assertEquals(node.files.size, 1);
    world.net.crash("client");
    yield* world.connect(network, "node0");
    const computation = new Computation({ network });
    yield* computation.schedule(60);
    assertEquals(Object.values(shared.cluster_setups as object).map(String), ["noted"]);
    assertEquals(node.files.size, 0);
    yield* computation.close();
  }, "client2");
  await world.run();
});

Deno.test("close waits for the jobs of run, and terminates those of runAsync", async () => {
  const world = new ClusterWorld();
  world.node("node0", { cpus: 1 });
  world.client(function* (coro, network) {
    const computation = new Computation({ network });
    const service = yield* computation.runAsync(nap, 1e6);
    const job = coro.scheduler.spawn(function* () {
      return yield* computation.runResult(nap, 30);
    });
    yield* sleep(1);
    const start = coro.scheduler.now();
    yield* computation.close();
    assert(coro.scheduler.now() - start >= 29);
    assert((yield* job.finish()).startsWith("node0"));
    yield* service.finish();
    assertThrows(() => computation.runResult(nap, 1), Error, "is closed");
    assertThrows(() => computation.schedule(), Error, "is closed");
    assertThrows(() => computation.results(nap, []), Error, "is closed");
    yield* computation.close();
    assertEquals(computation.servers(), []);
    assertEquals(computation.nodes(), []);
  });
  await world.run();
});

Deno.test("close terminates what runs when its time is up, or at once if it is to", async () => {
  for (const options of [{ timeout: 5 }, { terminate: true }]) {
    const world = new ClusterWorld();
    world.node("node0", { cpus: 1 });
    world.client(function* (coro, network) {
      const computation = new Computation({ network });
      yield* computation.schedule();
      const jobs = [1, 2].map(() =>
        coro.scheduler.spawn(function* () {
          return yield* thrown(() => computation.runResult(nap, 1e6));
        })
      );
      yield* sleep(1);
      const start = coro.scheduler.now();
      yield* computation.close(options);
      const took = coro.scheduler.now() - start;
      assert(took < 20, `${took}`);
      for (const job of jobs) assert((yield* job.finish()) instanceof JobLostError);
      assertEquals(network.stats().pending, 0);
    });
    await world.run();
  }
});

Deno.test("nobody but the client may run jobs in its servers", async () => {
  await withCluster([1], function* (computation, world) {
    yield* computation.schedule();
    let refusal: unknown;
    const [server] = computation.servers();
    world.scheduler("thief").spawn(function* () {
      const network = yield* world.join("thief");
      yield* world.connect(network, server.name);
      const rci = (yield* RCI.locate(JOB_RCI, 60, network.peers()[0]))!;
      refusal = yield* thrown(() =>
        rci.call({
          id: 1,
          name: "theft",
          target: { source: "function* () {}" },
          args: [],
          exclusive: false,
          isHandleWanted: false,
        })
      );
    });
    yield* eventually(() => refusal !== undefined);
    assert(refusal instanceof PermissionError, String(refusal));
  });
});

Deno.test("memory stays flat: nothing is kept of jobs that have ended", async () => {
  await withCluster(
    [2],
    function* (computation, _world, network) {
      yield* serversAre(computation, 2);
      const empty = function* (_coro: Coro, n: number): Generator<unknown, number, unknown> {
        return n;
      };
      for (let i = 0; i < 20; i++) yield* computation.runResults(empty, Array.from({ length: 100 }, (_, n) => n));
      const { waiting, running, done } = computation.stats();
      assertEquals([waiting, running, done], [0, 0, 2000]);
      // The manager, and what it was told of; the coroutines of jobs are not given out.
      assert(network.coros.exports.size < 10, `${network.coros.exports.size} coroutines are known to peers`);
      assertEquals(computation.snapshot().progress, null);
    },
    {},
    { delay: [0.0001, 0.0005] },
  );
});

Deno.test("the snapshot shows nodes, servers and jobs", async () => {
  await withCluster([1], function* (computation, _world, _network, coro) {
    assertEquals(computation.snapshot().state, "new");
    yield* computation.schedule();
    yield* thrown(() =>
      computation.runResult(function* failing() {
        throw new RangeError("no");
      })
    );
    const run = coro.scheduler.spawn(function* () {
      yield* computation.runResults(nap, [0, 10]);
    });
    yield* sleep(5);
    const snapshot = computation.snapshot();
    assertEquals(snapshot.name, "named");
    assertEquals(snapshot.state, "running");
    assertEquals(snapshot.progress, { done: 1, total: 2 });
    assertEquals(snapshot.jobs, { waiting: 0, running: 1, done: 1, failed: 1, lost: 0, retried: 0 });
    const [failure] = snapshot.failures;
    assertEquals([failure.job, failure.error], ["failing", "RangeError: no"]);
    const [node] = snapshot.nodes;
    assertEquals([node.name, node.state, node.cpus, node.platform], ["node0", "ready", 1, "linux-x86_64"]);
    assertEquals(node.servers.map(({ state, running, done }) => [state, running, done]), [["ready", 1, 2]]);
    JSON.stringify(snapshot);
    yield* computation.suspend(computation.servers()[0]);
    assertEquals(computation.snapshot().nodes[0].servers[0].state, "suspended");
    yield* run.finish();
  }, { name: "named" });
});

Deno.test("options are checked", async () => {
  await withCluster([], function* (computation, _world, network) {
    const make = (options: unknown) => () => new Computation(options as ComputationOptions);
    for (
      const options of [
        {},
        { network: {} },
        { network, name: "" },
        { network, files: "a.ts" },
        { network, files: ["a/x.ts", "b/x.ts"] },
        { network, files: ["folder/"] },
        { network, files: [new URL("data:text/plain,x")] },
        { network, nodes: {} },
        { network, nodes: [{ name: 5 }] },
        { network, nodes: [{ platform: "(" }] },
        { network, nodes: [{ cores: 5 }] },
        { network, nodeSetup: () => {} },
        { network, serverSetup: 5 },
        { network, serverCleanup: { module: "missing.ts" } },
        { network, statusCoro: {} },
        { network, disableNodes: 1 },
        { network, store: {} },
        { network, retry: 5 },
        { network, retries: "1" },
      ]
    ) {
      assertThrows(make(options), TypeError, "Cannot");
    }
    for (
      const options of [{ network, retries: -1 }, { network, attemptTimeout: 0 }, { network, nodes: [{ cpus: 0 }] }]
    ) {
      assertThrows(make(options), RangeError, "Cannot");
    }
    assertThrows(() => computation.suspend("x" as never), TypeError, "where");
    assertThrows(() => computation.close({ terminate: 1 } as never), TypeError, "terminate");
    assertThrows(() => computation.close({ now: true } as never), TypeError, "now");
    assertThrows(() => computation.schedule(NaN), TypeError);
    yield;
  });
});

/** Nodes and servers: which are used, how they are prepared, and what a program may ask of them. */
import { Coro, TimeoutError } from "@asyncoro/asyncoro";
import { type ClusterStatus, Computation, NoServerError, SetupError } from "@asyncoro/asyncoro/cluster";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { eventually, servers, thrown, withCluster } from "./world.ts";

// deno-lint-ignore no-explicit-any -- some return nothing
type Job = Generator<unknown, any, unknown>;

function* identity(_coro: Coro, value: unknown): Job {
  return value;
}

/** Keeps the statuses until the computation is closed. */
function* keep(coro: Coro, statuses: ClusterStatus[]): Job {
  while (statuses.at(-1)?.status !== "ComputationClosed") statuses.push(yield* coro.receive<ClusterStatus>());
}

Deno.test(
  "NodeAllocate chooses nodes by each of its fields, and how many servers",
  withCluster(2, function* (_coro, { network }) {
    const used = [{ name: "node", cpus: 1 }, { cpus: -1 }, { platform: "^LINUX|windows", memory: 1000, cpus: 1 }];
    for (const entry of used) {
      const computation = new Computation({ network, nodes: [{ name: "nod" }, { cpus: 3 }, entry, {}] });
      yield* computation.schedule(20);
      assertEquals(computation.servers().length, 1);
      yield* computation.close();
    }
    const statuses: ClusterStatus[] = [];
    const keeper = new Coro(keep, statuses);
    const nodes = [{ name: "nod" }, { cpus: 3 }, { cpus: -2 }, { platform: "^x86" }, { memory: 1e15 }];
    const computation = new Computation({ network, nodes, statusCoro: keeper });
    const signal = AbortSignal.timeout(0);
    assertEquals((yield* thrown(computation.schedule({ signal }))).name, signal.aborted ? signal.reason.name : "");
    assertInstanceOf(yield* thrown(computation.schedule({ milliseconds: 1 })), TimeoutError);
    yield* eventually("it is ignored", () => statuses.length === 2);
    yield* computation.close();
    yield* keeper.finish(9);
    assertEquals(statuses.map(({ status }) => status), ["NodeDiscovered", "NodeIgnored", "ComputationClosed"]);
  }),
);

Deno.test(
  "nodes and servers that wait to be enabled get their own arguments of the setup",
  withCluster(2, function* (_coro, { network }, node) {
    const statuses: ClusterStatus[] = [];
    const keeper = new Coro(keep, statuses);
    const computation = new Computation({
      network,
      statusCoro: keeper,
      disableNodes: true,
      disableServers: true,
      nodeSetup: function* (_coro: Coro, ...args: unknown[]): Job {
        console.log("setup of the node", JSON.stringify(args));
      },
      serverSetup: function* (_coro: Coro, value: unknown): Job {
        (globalThis as Record<string, unknown>).value = value;
      },
    });
    const value = function* (): Job {
      return (globalThis as Record<string, unknown>).value;
    };
    const found = () => statuses.flatMap(({ status, info }) => status === "ServerDiscovered" ? [info.server!] : []);
    assertInstanceOf(yield* thrown(computation.schedule(0.01)), TimeoutError);
    yield* eventually("the node is there", () => statuses.length === 1);
    const [{ status, info: { location } }] = statuses;
    assertEquals(status, "NodeDiscovered");
    assertEquals(yield* computation.enableNode(network.location), false);
    const args = [1, { a: 2 }];
    const enable = computation.enableNode(location!, ...args);
    (args[1] as { a: number }).a = 3;
    assertEquals([yield* enable, yield* computation.enableNode(location!)], [true, false]);
    // As soon as it is told of, though the setup of the node has not ended.
    yield* eventually("a server is there", () => found().length > 0);
    const [first] = found();
    assertEquals(yield* computation.enableServer(first, "first"), true);
    yield* computation.schedule(9);
    yield* eventually("the other one is there", () => found().length === 2);
    const [, second] = found();
    assertEquals([yield* computation.runResult(value), yield* computation.enableServer(first)], ["first", false]);
    assertEquals(yield* computation.enableServer(second, "second"), true);
    assertEquals(yield* computation.runResultAt(second, value), "second");
    yield* computation.close();
    yield* eventually("it was printed", () => node.printed.includes("setup of the node"));
    assertStringIncludes(node.printed, 'setup of the node [1,{"a":2}]');
  }),
);

Deno.test(
  "what is suspended takes no jobs until it is resumed, and a restart replaces servers by prepared ones",
  withCluster(2, function* (_coro, { network }) {
    const computation = new Computation({
      network,
      serverSetup: function* (): Job {
        (globalThis as Record<string, unknown>).prepared = true;
      },
    });
    yield* computation.schedule(20);
    const [first, second] = yield* servers(computation, 2);
    const [node] = computation.nodes();
    for (const method of ["suspend", "resume", "restart"] as const) {
      assertEquals(yield* computation[method](network.location), false);
    }
    assertEquals(yield* computation.suspend(first), true);
    for (let i = 0; i < 5; i++) {
      const job = yield* computation.runAsync(identity, i);
      assert(job.location!.equals(second));
    }
    const held = new Coro(function* () {
      return yield* computation.runResultAt(first, identity, "resumed");
    });
    yield* eventually("it waits", () => computation.stats().waiting === 1);
    assertEquals(yield* computation.runResult(identity, "not held up"), "not held up");
    assertEquals([yield* computation.resume(first), yield* held.finish(9)], [true, "resumed"]);

    const last = yield* computation.runAt(first, function* (coro: Coro): Job {
      yield* coro.sleep(0.1);
      return "ended";
    });
    assertEquals([yield* computation.restart(first), yield* last.finish(9)], [true, "ended"]);
    assertInstanceOf(
      yield* thrown(function* (): Job {
        yield* computation.runAt(first, identity, 1);
      }()),
      NoServerError,
    );
    assertEquals(yield* computation.restart(node), true);
    assertEquals(computation.servers().length, 2);
    assert(!computation.servers().some((server) => server.equals(second)));
    for (const server of computation.servers()) {
      const prepared = yield* computation.runResultAt(server, function* (): Job {
        return (globalThis as Record<string, unknown>).prepared;
      });
      assertEquals(prepared, true);
    }
    yield* computation.close();
  }),
);

Deno.test(
  "statuses come in order for each subject, and a setup that fails costs its server only",
  withCluster(2, function* (_coro, { network }) {
    const statuses: ClusterStatus[] = [];
    const keeper = new Coro(keep, statuses);
    const computation = new Computation({
      network,
      statusCoro: keeper,
      serverSetup: function* (coro: Coro): Job {
        const { Network } = (yield import("@asyncoro/asyncoro/distributed")) as {
          Network: { of(scheduler: unknown): { location: { name: string } } };
        };
        if (Network.of(coro.scheduler).location.name === "node-1") throw new URIError("the first");
      },
    });
    yield* computation.schedule(20);
    assertEquals(yield* computation.runResults(identity, [1, 2, 3]), [1, 2, 3]);
    yield* thrown(computation.runResult(function* (): Job {
      throw new RangeError("job");
    }));
    yield* eventually("one is ignored", () => statuses.some(({ status }) => status === "ServerIgnored"));
    yield* computation.close();
    yield* keeper.finish(9);
    const bySubject: Map<unknown, string[]> = new Map();
    for (const { status, info: { coro, server, location } } of statuses) {
      const subject = coro ?? server?.id ?? location?.id ?? null;
      bySubject.set(subject, [...bySubject.get(subject) ?? [], status]);
    }
    const job = "CoroCreated MonitorException";
    assertEquals(
      [...bySubject.values()].map((names) => names.join(" ")).sort(),
      [
        "ComputationScheduled ComputationClosed",
        ...Array.from({ length: 4 }, () => job),
        "NodeDiscovered NodeInitialized NodeClosed",
        "ServerDiscovered ServerIgnored ServerClosed",
        "ServerDiscovered ServerInitialized ServerClosed",
      ].sort(),
    );
    const { error } = statuses.find(({ status }) => status === "ServerIgnored")!.info;
    assertInstanceOf(error, SetupError);
    assertInstanceOf(error?.cause, URIError);
    const kinds = statuses.flatMap(({ info: { outcome } }) => outcome === undefined ? [] : [outcome.kind]);
    assertEquals(kinds.sort(), ["return", "return", "return", "throw"]);
  }),
);

/** Jobs of a computation: where they run, what they return, and what becomes of them when servers and nodes are lost. */
import { type Coro, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { JobLostError, NoServerError } from "@asyncoro/asyncoro/cluster";
import { PeerLostError, RemoteCoro } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { thrown } from "../distributed/acceptance/world.ts";
import { type ClusterWorld, eventually, serversAre, withCluster } from "./world.ts";

/** Short delays, so that jobs that do nothing count as short. */
const NEAR = { delay: [0.0001, 0.0005] as const };

function* square(_coro: Coro, n: number): Generator<unknown, number, unknown> {
  return n * n;
}

function* nap(coro: Coro, seconds: number): Generator<unknown, string, unknown> {
  yield* coro.sleep(seconds);
  return coro.scheduler.toString();
}

/** Kills the process of a server, as the operating system may. */
function kill(world: ClusterWorld, { id }: { readonly id: string }): void {
  world.shared[`kill ${id}`]();
}

Deno.test("runResult returns what the function returns, and throws what it throws", async () => {
  await withCluster([1], function* (computation) {
    assertEquals(yield* computation.runResult(square, 7), 49);
    const error = yield* thrown(() =>
      computation.runResult(function* () {
        throw new RangeError("no");
      })
    );
    assert(error instanceof RangeError);
    assertEquals(error.message, "no");
  });
});

Deno.test("a job that returns nothing has the value of its last yield, or undefined", async () => {
  await withCluster([1], function* (computation) {
    assertEquals(
      yield* computation.runResult(function* (coro: Coro): Generator<unknown, unknown, unknown> {
        yield* coro.sleep(0.01, "alarm");
        return undefined;
      }),
      "alarm",
    );
    assertEquals(yield* computation.runResult(function* () {}), undefined);
  });
});

Deno.test("run returns a handle to a coroutine in a server", async () => {
  await withCluster([1], function* (computation) {
    const coro = yield* computation.run(
      function* adder(coro: Coro, first: number): Generator<unknown, number, unknown> {
        return first + (yield* coro.receive<number>());
      },
      1,
    );
    assert(coro instanceof RemoteCoro);
    assertEquals(coro.location, computation.servers()[0]);
    assertEquals(coro.name, "adder");
    coro.send(2);
    assertEquals(yield* coro.finish(), 3);
  });
});

Deno.test("run jobs run one at a time in a server, runAsync jobs all at once", async () => {
  await withCluster([1], function* (computation, _world, _network, coro) {
    const { scheduler } = coro;
    yield* computation.schedule();
    const start = scheduler.now();
    const asyncs = [];
    for (let i = 0; i < 5; i++) asyncs.push(yield* computation.runAsync(nap, 10));
    for (const each of asyncs) yield* each.finish();
    assert(scheduler.now() - start < 12);
    const between = scheduler.now();
    yield* computation.runResults(nap, [10, 10, 10]);
    assert(scheduler.now() - between >= 30);
  });
});

Deno.test("runResults returns results in the order of the items, results as the jobs end", async () => {
  await withCluster([1, 2], function* (computation) {
    yield* computation.schedule();
    yield* serversAre(computation, 3);
    const items = [3, 1, 2];
    const echo = function* (coro: Coro, seconds: number): Generator<unknown, number, unknown> {
      yield* coro.sleep(seconds);
      return seconds;
    };
    assertEquals(yield* computation.runResults(echo, items), items);
    const ended: unknown[] = [];
    for (const next of computation.results(echo, items)) {
      const { index, outcome, attempts, server } = yield* next;
      assert(computation.servers().some((location) => location.equals(server)));
      ended.push([index, outcome, attempts]);
    }
    assertEquals(ended, [
      [1, { kind: "return", value: 1 }, 1],
      [2, { kind: "return", value: 2 }, 1],
      [0, { kind: "return", value: 3 }, 1],
    ]);
  });
});

Deno.test("an item that is an array is all arguments of its job", async () => {
  await withCluster([1], function* (computation) {
    const add = function* (_coro: Coro, a: number, b: number): Generator<unknown, number, unknown> {
      return a + b;
    };
    assertEquals(yield* computation.runResults(add, [[1, 2], [3, 4]]), [3, 7]);
    const count = function* (_coro: Coro, list: number[]): Generator<unknown, number, unknown> {
      return list.length;
    };
    assertEquals(yield* computation.runResults(count, [[[1, 2, 3]]]), [3]);
  });
});

Deno.test("a job that fails is the outcome of its item, and ends runResults", async () => {
  await withCluster([2], function* (computation) {
    const odd = function* (coro: Coro, n: number): Generator<unknown, number, unknown> {
      if (n === 1) throw new RangeError("one");
      yield* coro.sleep(n);
      return n;
    };
    const kinds: string[] = [];
    for (const next of computation.results(odd, [0, 1, 2])) kinds.push((yield* next).outcome.kind);
    assertEquals(kinds.sort(), ["return", "return", "throw"]);
    const error = yield* thrown(() => computation.runResults(odd, [100, 1, 100, 100]));
    assertEquals(error.message, "one");
    yield* eventually(() => computation.stats().running === 0);
    assertEquals(computation.stats().waiting, 0);
  });
});

Deno.test("items are taken as jobs can run, no more than concurrency allows", async () => {
  await withCluster([2], function* (computation) {
    yield* computation.schedule();
    let [taken, returned] = [0, 0];
    function* source() {
      try {
        for (;;) yield taken++;
      } finally {
        returned++;
      }
    }
    let most = 0;
    let count = 0;
    for (const next of computation.results(square, source(), { concurrency: 3 })) {
      const { index, outcome } = yield* next;
      assertEquals(outcome, { kind: "return", value: index ** 2 });
      count++;
      most = Math.max(most, taken - count);
      if (count === 20) break;
    }
    assert(most <= 3, `${most} at once`);
    assertEquals(returned, 1);
    yield* eventually(() => computation.stats().running === 0);
  });
});

Deno.test("leaving the loop over results terminates what runs", async () => {
  await withCluster([2], function* (computation) {
    for (const next of computation.results(nap, [0.01, 1e6, 1e6])) {
      yield* next;
      break;
    }
    assertEquals(yield* computation.runResult(square, 2), 4);
  });
});

Deno.test("all results can be asked for at once", async () => {
  await withCluster([2], function* (computation) {
    const operations = [...computation.results(square, [1, 2, 3, 4, 5], { concurrency: 2 })];
    assertEquals(operations.length, 5);
    let sum = 0;
    for (const next of operations) {
      const { outcome } = yield* next;
      if (outcome.kind === "return") sum += outcome.value as number;
    }
    assertEquals(sum, 55);
    assertEquals([...computation.results(square, [])], []);
    assertEquals(yield* computation.runResults(square, []), []);
  });
});

Deno.test("an error of the source of items ends the run", async () => {
  await withCluster([1], function* (computation) {
    const source = function* () {
      yield 1;
      throw new RangeError("source");
    };
    assertEquals((yield* thrown(() => computation.runResults(square, source()))).message, "source");
  });
});

Deno.test("a job that is cut short is terminated, and its server runs the next one", async () => {
  await withCluster([1], function* (computation) {
    const error = yield* thrown(() => withTimeout(5, computation.runResult(nap, 1e6)));
    assert(error instanceof TimeoutError);
    assertEquals(yield* computation.runResult(square, 3), 9);
    assertEquals(computation.servers().length, 1);
  });
});

Deno.test("a server that does not end a job that is not wanted any more is replaced", async () => {
  await withCluster([1], function* (computation, world) {
    yield* computation.schedule();
    const [first] = computation.servers();
    yield* thrown(() =>
      withTimeout(
        5,
        computation.runResult(function* (coro: Coro): Generator<unknown, void, unknown> {
          try {
            yield* coro.sleep(1e6);
          } finally {
            for (;;) yield* coro.sleep(1e6);
          }
        }),
      )
    );
    assertEquals(yield* computation.runResult(square, 3), 9);
    assert(world.reported.length === 0);
    assert(first !== undefined);
  });
});

Deno.test("a job whose server is killed runs again elsewhere", async () => {
  await withCluster([1, 1], function* (computation, world, _network, coro) {
    yield* serversAre(computation, 2);
    const job = coro.scheduler.spawn(function* () {
      return yield* computation.runResult(nap, 20);
    });
    yield* sleep(5);
    const busy = computation.snapshot().nodes.flatMap(({ servers }) => servers).find(({ running }) => running > 0)!;
    kill(world, busy);
    const where = yield* job.finish();
    assert(where !== busy.name);
    assertEquals(computation.stats().retried, 1);
    // The server has been replaced.
    yield* serversAre(computation, 2);
  }, { retries: 1 });
});

Deno.test("a job without retries is lost with its server: JobLostError, with the attempts", async () => {
  await withCluster([1], function* (computation, world, _network, coro) {
    yield* computation.schedule();
    coro.scheduler.spawn(function* () {
      yield* sleep(5);
      kill(world, computation.servers()[0]);
    });
    const error = yield* thrown<JobLostError>(() => computation.runResult(nap, 20));
    assert(error instanceof JobLostError);
    assertEquals(error.attempts, 1);
    // Other jobs go on.
    assertEquals(yield* computation.runResult(square, 2), 4);
  });
});

Deno.test("a lost job is the outcome throw of results, after all attempts", async () => {
  await withCluster([1, 1], function* (computation, world, _network, coro) {
    yield* serversAre(computation, 2);
    const killer = coro.scheduler.spawn(function* () {
      for (;;) {
        yield* sleep(2);
        const busy = computation.snapshot().nodes.flatMap(({ servers }) => servers).find(({ running }) => running > 0);
        if (busy !== undefined) kill(world, busy);
      }
    });
    for (const next of computation.results(nap, [1e6], { retries: 2 })) {
      const { outcome, attempts } = yield* next;
      assertEquals([outcome.kind, attempts], ["throw", 3]);
      assert(outcome.kind === "throw" && outcome.error instanceof JobLostError && outcome.error.attempts === 3);
    }
    killer.terminate();
  });
});

Deno.test("a job that is lost is not sent to the same server again", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    await withCluster(
      [1],
      function* (computation, world, _network, coro) {
        yield* computation.schedule();
        const [server] = computation.servers();
        coro.scheduler.spawn(function* () {
          yield* sleep(2);
          world.net.partition(["client"], [server.name]);
        });
        for (const next of computation.results(nap, [10], { retries: 5 })) {
          const { outcome, attempts } = yield* next;
          assertEquals([outcome.kind, attempts], ["return", 2]);
        }
        world.net.heal();
      },
      {},
      { seed },
    );
  }
});

Deno.test("a node that is lost loses its jobs, which run again at others", async () => {
  await withCluster([1], function* (computation, world, _network, coro) {
    yield* computation.schedule();
    const job = coro.scheduler.spawn(function* () {
      return yield* computation.runResult(nap, 20);
    });
    yield* sleep(5);
    world.crash("node0");
    world.node("node1");
    yield* job.finish();
    assertEquals(computation.nodes().map(({ name }) => name), ["node1"]);
  }, { retries: 1 });
});

Deno.test("a handle of run is one attempt: its loss is the outcome lost", async () => {
  await withCluster([1], function* (computation, world, _network, coro) {
    yield* computation.schedule();
    const job = yield* computation.run(nap, 1e6);
    yield* coro.monitor(job);
    kill(world, computation.servers()[0]);
    const error = yield* thrown(() => job.finish());
    assert(error instanceof PeerLostError);
    assertEquals((yield* coro.receive<{ outcome: { kind: string } }>()).outcome.kind, "lost");
    assertEquals(computation.stats().retried, 0);
  }, { retries: 3 });
});

Deno.test("attemptTimeout kills the server, which is replaced, and runs the job again", async () => {
  await withCluster([1], function* (computation, _world) {
    yield* computation.schedule();
    const [first] = computation.servers();
    const error = yield* thrown<JobLostError>(() => computation.runResult(nap, 1e6));
    assert(error instanceof JobLostError);
    assertEquals(error.attempts, 2);
    assert(error.message.includes("took longer than 5 s"), error.message);
    yield* serversAre(computation, 1);
    assert(!computation.servers()[0].equals(first));
    assertEquals(yield* computation.runResult(square, 4), 16);
  }, { retries: 1, attemptTimeout: 5 });
});

Deno.test("a job that takes too long loses no other one of its run", async () => {
  await withCluster(
    [1],
    function* (computation) {
      const some = function* (coro: Coro, n: number): Generator<unknown, number, unknown> {
        if (n === 5) yield* coro.sleep(1e6);
        return n;
      };
      const lost: number[] = [];
      for (const next of computation.results(some, Array.from({ length: 50 }, (_, i) => i), { attemptTimeout: 2 })) {
        const { index, outcome } = yield* next;
        if (outcome.kind !== "return") lost.push(index);
      }
      assertEquals(lost, [5]);
    },
    {},
    NEAR,
  );
});

Deno.test("where: a node, a server, or NoServerError for that job alone", async () => {
  await withCluster([2, 2], function* (computation, _world, network, coro) {
    yield* serversAre(computation, 4);
    const node = computation.nodes().find(({ name }) => name === "node1")!;
    const where = yield* computation.runResultAt(node, nap, 0);
    assert(where.startsWith("node1"));
    const server = computation.servers()[0];
    assertEquals((yield* computation.runAt(server, nap, 0)).location, server);
    assertEquals((yield* computation.runAsyncAt(server, nap, 0)).location, server);
    const other = coro.scheduler.spawn(function* () {
      return yield* computation.runResult(nap, 5);
    });
    const error = yield* thrown(() => computation.runResultAt(network.location, square, 2));
    assert(error instanceof NoServerError);
    yield* other.finish();
  });
});

Deno.test("a peer without a node is no place", async () => {
  await withCluster([1], function* (computation, world, network) {
    yield* computation.schedule();
    world.scheduler("plain").spawnWith({ daemon: true }, function* () {
      const plain = yield* world.join("plain");
      yield* world.connect(plain, "client");
      yield* plain.closed();
    });
    const location = (yield* network.locate("plain"))!;
    assert((yield* thrown(() => computation.runAt(location, square, 2))) instanceof NoServerError);
  });
});

Deno.test("a job that waits for a place fails when that is lost", async () => {
  await withCluster([1, 1], function* (computation, world, _network, coro) {
    yield* serversAre(computation, 2);
    const node = computation.nodes().find(({ name }) => name === "node0")!;
    yield* computation.suspend(node);
    const job = coro.scheduler.spawn(function* () {
      return yield* thrown(() => computation.runResultAt(node, square, 2));
    });
    yield* sleep(1);
    world.crash("node0");
    assert((yield* job.finish()) instanceof NoServerError);
    assertEquals(yield* computation.runResult(square, 2), 4);
  });
});

Deno.test("jobs go to the server with the least measured load, not with the fewest jobs", async () => {
  const world = await withCluster([], function* (computation, world) {
    world.node("busy", { cpus: 1, load: () => 0.9 });
    world.node("idle", { cpus: 1, load: () => 0.1 });
    yield* serversAre(computation, 2);
    const idle = computation.servers().find(({ name }) => name.startsWith("idle"))!;
    for (let i = 0; i < 5; i++) yield* computation.runAsyncAt(idle, nap, 100);
    yield* sleep(3);
    const job = yield* computation.runAsync(nap, 1);
    assertEquals(job.location, idle);
    // A server that is silent counts as busy.
    world.net.freeze(idle.name, 2.9);
    yield* sleep(2.7);
    assert(computation.servers().includes(idle));
    const next = yield* computation.runAsync(nap, 1);
    assert(next.location!.name.startsWith("busy"));
  });
  assertEquals(world.nodes.size, 2);
});

Deno.test("jobs that are not wanted before they have begun do not begin", async () => {
  await withCluster([1], function* (computation, _world, _network, coro) {
    yield* computation.schedule();
    const [server] = computation.servers();
    const start = coro.scheduler.now();
    for (let i = 0; i < 40; i++) {
      const job = coro.scheduler.spawn(function* () {
        yield* computation.runResult(nap, 1e6);
      });
      // So that the job and the end of it are sent together, at least some times.
      for (let turns = i % 8; turns >= 0; turns--) yield;
      job.terminate();
      yield* sleep(0.01 * (i % 3));
    }
    assertEquals(yield* computation.runResult(square, 3), 9);
    assert(coro.scheduler.now() - start < 5, "They have ended, or were not begun");
    assertEquals(computation.servers(), [server]);
  });
});

Deno.test("jobs that begin at the same time are spread", async () => {
  await withCluster([3], function* (computation) {
    yield* serversAre(computation, 3);
    const used = new Set<string>();
    for (let i = 0; i < 6; i++) used.add((yield* computation.runAsync(nap, 10)).location!.name);
    assertEquals(used.size, 3);
  });
});

Deno.test("a slow server does not hold up the end of a run", async () => {
  await withCluster(
    [1, 1],
    function* (computation, _world, _network, coro) {
      yield* serversAre(computation, 2);
      const { scheduler } = coro;
      const some = function* (coro: Coro, n: number): Generator<unknown, number, unknown> {
        // Nothing takes long, until one job does.
        if (n === 50) yield* coro.sleep(100);
        if (n > 50) yield* coro.sleep(1);
        return n;
      };
      const start = scheduler.now();
      let ended = 0;
      for (const next of computation.results(some, Array.from({ length: 100 }, (_, i) => i), { retries: 1 })) {
        const { index, outcome, attempts } = yield* next;
        assertEquals(outcome, { kind: "return", value: index });
        // A job that was taken back from a server had not begun there.
        assertEquals(attempts, 1);
        ended++;
      }
      assertEquals(ended, 100);
      assert(scheduler.now() - start < 102, `It took ${scheduler.now() - start} s`);
    },
    {},
    NEAR,
  );
});

Deno.test("a node that joins during a run is used", async () => {
  await withCluster([1], function* (computation, world) {
    yield* computation.schedule();
    const used = new Set<string>();
    for (const next of computation.results(nap, Array.from({ length: 30 }, () => 1))) {
      const { outcome } = yield* next;
      if (outcome.kind === "return") used.add((outcome.value as string).replace(/-.*/, ""));
      if (!world.nodes.has("late")) world.node("late", { cpus: 1 });
    }
    assertEquals([...used].sort(), ["late", "node0"]);
  });
});

Deno.test("arguments are copied at the call, and what is not sendable is refused there", async () => {
  await withCluster([1], function* (computation) {
    const data = [1];
    const operation = computation.runResult(
      function* (_coro: Coro, list: number[]): Generator<unknown, number, unknown> {
        return list.length;
      },
      data,
    );
    data.push(2);
    assertEquals(yield* operation, 1);
    assertThrows(() => computation.runResult(square, (() => {}) as unknown as number), TypeError, "args[0]");
    for (const next of computation.results(square, [(() => {}) as unknown as number, 2])) {
      const { index, outcome, attempts } = yield* next;
      if (index === 0) assert(outcome.kind === "throw" && outcome.error instanceof TypeError && attempts === 0);
    }
  });
});

Deno.test("handles in arguments and results reach across the cluster", async () => {
  await withCluster([2], function* (computation, _world, _network, coro) {
    const greeter = function* (_coro: Coro, to: Coro): Generator<unknown, void, unknown> {
      to.send("hello");
    };
    yield* computation.runResult(greeter, coro);
    assertEquals(yield* coro.receive<unknown>(5), "hello");
    const listener = yield* computation.runAsync(function* (coro: Coro): Generator<unknown, unknown, unknown> {
      return yield* coro.receive();
    });
    yield* computation.runResult(greeter, listener);
    assertEquals(yield* listener.finish(), "hello");
  });
});

Deno.test("a module is found by the base name of a file", async () => {
  await withCluster([1], function* (computation, world) {
    world.functions.set("work.ts default", square);
    world.functions.set("work.ts cube", function* (_coro: Coro, n: number) {
      return n ** 3;
    });
    assertEquals(yield* computation.runResult({ module: "work.ts" }, 5), 25);
    assertEquals(yield* computation.runResult({ module: "work.ts", name: "cube" }, 2), 8);
    const error = yield* thrown(() => computation.runResult({ module: "work.ts", name: "missing" }));
    assert(error.message.includes("missing"));
    assertThrows(() => computation.runResult({ module: "other.ts" }), TypeError, "other.ts");
  }, { files: [new URL("./fixtures/work.ts", import.meta.url)] });
});

Deno.test("what is no target is refused at the call", async () => {
  await withCluster([1], function* (computation) {
    for (
      const target of [
        () => {},
        function () {},
        square.bind(null),
        async function* () {},
        42,
        null,
        {},
        { module: 5 },
        { module: "https://example.com/x.ts", name: "" },
      ]
    ) {
      assertThrows(() => computation.runResult(target as never), TypeError, "Cannot run a job");
    }
    assertEquals(yield* computation.runResult(square, 2), 4);
    assertThrows(() => computation.runAt("here" as never, square, 2), TypeError, "where");
    assertThrows(() => computation.runResults(square, 5 as never), TypeError, "items");
    assertThrows(() => computation.runResults(square, [], { concurrency: 0 }), RangeError, "concurrency");
    assertThrows(() => computation.runResults(square, [], { concurency: 1 } as never), TypeError, "concurency");
    assertThrows(() => computation.runResults(square, [], { retries: -1 }), RangeError, "retries");
    assertThrows(() => computation.results(square, [], { attemptTimeout: 0 }), RangeError, "attemptTimeout");
  });
});

Deno.test("a method is sent as what it is", async () => {
  await withCluster([1], function* (computation) {
    const jobs = {
      *twice(_coro: Coro, n: number): Generator<unknown, number, unknown> {
        return 2 * n;
      },
      *"with a name"(_coro: Coro): Generator<unknown, string, unknown> {
        return "named";
      },
    };
    assertEquals(yield* computation.runResult(jobs.twice, 4), 8);
    assertEquals(yield* computation.runResult(jobs["with a name"]), "named");
  });
});

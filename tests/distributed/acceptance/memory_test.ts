/** What thousands of coroutines, waits and peers leave behind: nothing. */
import { Coro, race, Scheduler, sleep } from "@asyncoro/asyncoro";
import { Network, RCI, tcp } from "@asyncoro/asyncoro/distributed";
import { assert, assertEquals } from "@std/assert";
import { simulate, thrown, World } from "./world.ts";

Deno.test("thousands of coroutines of an RCI leave nothing", async () => {
  await simulate({
    *a(coro, { network, world }) {
      const rci = (yield* RCI.locate("job", 10))!;
      const before = coro.scheduler.stats();
      for (let round = 0; round < 30; round++) {
        const jobs: Coro[] = [];
        for (let i = 0; i < 100; i++) {
          jobs.push(coro.scheduler.spawn(function* (coro: Coro) {
            const remote = yield* rci.run(i);
            if (i % 3 === 0) yield* coro.monitor(remote);
            if (i % 3 === 1) yield* race(remote.finish(), sleep(0.01));
            if (i % 3 === 2) assertEquals(yield* remote.finish(), i);
          }));
        }
        for (const job of jobs) yield* job.finish();
      }
      yield* sleep(100);
      const after = coro.scheduler.stats();
      assertEquals(after.live, before.live);
      assert(after.timers <= before.timers + 2, `${before.timers} to ${after.timers}`);
      assertEquals([network.stats().pending, network.stats().queuedBytes], [0, 0]);
      assertEquals([world.shared.network().stats().pending, world.shared.network().stats().queuedBytes], [0, 0]);
    },
    *b(_coro, { network, world }) {
      world.shared.network = () => network;
      new RCI(function* job(_coro: Coro, n: number) {
        yield* sleep(0.02);
        return n;
      }).register();
      yield* network.peer("sim:a");
      yield* network.closed();
    },
  });
});

Deno.test("hundreds of peers that come and go leave nothing", async () => {
  const world = new World();
  world.start("a", function* (coro, { network }) {
    for (let i = 0; i < 200; i++) {
      const name = `p${i % 10}`;
      if (i >= 10) world.net.crash(name);
      world.start(name, function* (coro, { network }) {
        coro.scheduler.spawnWith({ daemon: true }, function* (coro: Coro) {
          coro.register(name);
          while (true) yield* coro.receive();
        });
        yield* network.peer("sim:a");
        yield* network.closed();
      });
      const handle = yield* Coro.locate(name, 60, (yield* network.locate(name, 60))!);
      if (handle !== null) {
        handle.send(i);
        coro.scheduler.spawn(function* () {
          yield* thrown(() => handle.finish());
        });
      }
      yield* sleep(1);
    }
    for (let i = 0; i < 10; i++) world.net.crash(`p${i}`);
    yield* sleep(200);
    assertEquals(network.peers(), []);
    assertEquals([network.stats().pending, network.stats().queuedBytes], [0, 0]);
  });
  await world.run();
});

const collect = (globalThis as { gc?: () => void }).gc;

Deno.test({
  name: "the heap returns to its level after thousands of handles and peers",
  ignore: collect === undefined,
  async fn() {
    const secret = "the secret of the tests";
    const server = new Scheduler({ name: "server" });
    const client = new Scheduler({ name: "client" });
    try {
      const address = await server.spawn(function* () {
        const network = yield* Network.join({ secret, name: "server", engines: [tcp()] });
        new RCI(function* job(_coro: Coro, n: number) {
          return new Array(100).fill(n);
        }).register({ limit: 100_000 });
        return network.location.address;
      }).value();
      const heap = async () => {
        for (let i = 0; i < 5; i++) {
          collect!();
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return Deno.memoryUsage().heapUsed;
      };
      const round = (n: number) =>
        client.spawn(function* () {
          const network = yield* Network.join({ secret, name: "client", engines: [tcp()] });
          yield* network.peer(address);
          const rci = (yield* RCI.locate<(coro: Coro, n: number) => Generator<unknown, number[]>>("job", 10))!;
          for (let i = 0; i < n; i++) {
            const remote = yield* rci.run(i);
            yield* remote.finish();
          }
          yield* network.leave();
        }).value();
      for (let i = 0; i < 3; i++) await round(300);
      const before = await heap();
      for (let i = 0; i < 10; i++) await round(300);
      const after = await heap();
      assert(after - before < 4e6, `${before} to ${after}`);
    } finally {
      await client.terminate();
      await server.terminate();
    }
  },
});

/** Leaving a network, at any moment. */
import { Coro, Scheduler, sleep } from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { Network } from "../../core/distributed/network.ts";
import { MemoryHub } from "./memory_engine.ts";
import { together } from "./together.ts";

Deno.test("a network can be left as soon as it is joined, and joined again", async () => {
  await together({
    *a(_coro, { network }) {
      yield* network.leave();
      for (let i = 0; i < 3; i++) {
        const again = yield* Network.join({ engines: [new MemoryHub().engine("a")] });
        assertEquals(Network.of(), again);
        yield* again.leave();
        assertEquals(Network.of(), null);
      }
    },
  });
});

Deno.test("a join that is cut short leaves nothing behind", async () => {
  const hub = new MemoryHub();
  for (let steps = 0; steps < 4; steps++) {
    const scheduler = new Scheduler();
    await scheduler.spawn(function* () {
      const joining = new Coro(function* () {
        yield* Network.join({ engines: [hub.engine("a")] });
        yield* sleep(Infinity);
      });
      for (let i = 0; i < steps; i++) yield;
      joining.terminate();
      yield* joining.finish();
      const network = Network.of();
      if (network !== null) yield* network.leave();
      assertEquals([Network.of(), hub.engines.size], [null, 0]);
    }).value();
    await scheduler.terminate();
  }
});

Deno.test("leaving closes links whose handshakes are under way", async () => {
  const hub = new MemoryHub();
  const scheduler = new Scheduler();
  const silent = hub.engine("silent");
  const [near, reported] = [hub.engine("a"), [] as unknown[]];
  scheduler.onError = (error) => reported.push(error);
  await scheduler.spawn(function* (coro) {
    yield* silent.open((link) => link.start(() => {}, () => {}, () => {}));
    const network = yield* Network.join({ engines: [near] });
    const dialing = new Coro(function* () {
      try {
        yield* network.peer(silent.address);
      } catch (error) {
        return error;
      }
    });
    (yield* silent.dial(near.address)).start(() => {}, () => {}, () => {});
    yield* coro.sleep(0.05);
    assertEquals(near.links.size, 2);
    yield* network.leave();
    assertEquals(near.links.size, 0);
    assertEquals(
      String(yield* dialing.finish(1)),
      "Error: Cannot connect to memory:silent as the network has been left",
    );
    yield* silent.close();
  }).value(10);
  await scheduler.terminate();
  assertEquals(reported, []);
});

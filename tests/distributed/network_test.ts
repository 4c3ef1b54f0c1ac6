/** Joining a network, connecting and leaving. */
import { type Coro, Scheduler, sleep } from "@asyncoro/asyncoro";
import { assertEquals, assertRejects } from "@std/assert";
import { Network } from "../../core/distributed/network.ts";
import type { NetworkOptions } from "../../core/distributed/network_options.ts";
import type { PeerStatus } from "../../core/distributed/peer_status.ts";
import { MemoryHub } from "./memory_engine.ts";

/** Runs programs, each on a scheduler of its own that has joined the network of the test. */
async function together(
  options: NetworkOptions,
  programs: Record<string, (network: Network, coro: Coro) => Generator<unknown, unknown, unknown>>,
): Promise<unknown[]> {
  const hub = new MemoryHub();
  const schedulers: Scheduler[] = [];
  try {
    return await Promise.all(
      Object.entries(programs).map(([name, program]) => {
        const scheduler = new Scheduler({ name });
        schedulers.push(scheduler);
        return scheduler.spawn(function* (coro: Coro) {
          const network = yield* Network.join({ name, engines: [hub.engine(name)], ...options });
          return yield* program(network, coro);
        }).value();
      }),
    );
  } finally {
    for (const scheduler of schedulers) await scheduler.terminate();
  }
}

Deno.test("two peers connect, see each other and say goodbye", async () => {
  const seen: string[] = [];
  await together({}, {
    *a(network, coro) {
      network.peerStatus(coro);
      const b = yield* network.peer("memory:b");
      assertEquals(b.name, "b");
      assertEquals(network.peers(), [b]);
      assertEquals(yield* network.peer(b), b);
      for (let i = 0; i < 2; i++) {
        const status = yield* coro.receive<PeerStatus>();
        seen.push(`a ${status.location.name} ${status.online} ${status.reason}`);
      }
      assertEquals(network.stats().peers, 0);
      yield* network.leave();
    },
    *b(network, coro) {
      network.peerStatus(coro);
      const status = yield* coro.receive<PeerStatus>();
      seen.push(`b ${status.location.name} ${status.online} ${status.reason}`);
      yield* sleep(0.01);
      yield* network.leave();
      yield* network.closed();
      assertEquals(Network.of(), null);
    },
  });
  assertEquals(seen.sort(), ["a b false left", "a b true joined", "b a true joined"]);
});

Deno.test("a scheduler joins one network at a time", async () => {
  await together({}, {
    *a(network) {
      assertEquals(Network.of(), network);
      const hub = new MemoryHub();
      try {
        yield* Network.join({ engines: [hub.engine("c")] });
        throw new TypeError("joined twice");
      } catch (error) {
        assertEquals((error as Error).message, "Cannot join as scheduler 'a' has joined a network: leave it first");
      }
    },
  });
});

Deno.test("what is at no address throws the last error when time is up", async () => {
  await assertRejects(
    () =>
      together({}, {
        *a(network) {
          yield* network.peer("memory:nobody", 0.2);
        },
      }),
    Error,
    "Nobody listens",
  );
});

/** Waits that another peer ends: counted as operations of the host, and as waits for peers. */
import { run, sleep } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertRejects } from "@std/assert";
import type { WaitingFiber } from "../../core/fiber/context.ts";
import { PeerWait } from "../../core/fiber/peer_wait.ts";

class Wait extends PeerWait<string> {
  readonly label = "wait";

  constructor(seconds = Infinity) {
    super();
    this.limit = seconds;
  }

  override begin(fiber: WaitingFiber): boolean {
    this.count(fiber);
    return false;
  }

  override detach(): void {
    this.uncount();
  }
}

Deno.test("a wait for a peer is counted while it lasts, however it ends", () =>
  runVirtual(function* (coro) {
    const { loop } = coro;
    const counts = () => [loop.hostOperations, loop.peerWaits];
    const waits = [new Wait(), new Wait(), new Wait(0.02), new Wait()];
    const waiters = waits.map((wait) =>
      coro.scheduler.spawn(function* () {
        try {
          return yield* wait;
        } catch (error) {
          return `${error}`;
        }
      })
    );
    yield* sleep(0.01);
    assertEquals(counts(), [4, 4]);
    waits[0].settle("value");
    assertEquals(counts(), [3, 3]);
    waits[1].settleError(new Error("failed"));
    assertEquals(counts(), [2, 2]);
    yield* sleep(0.02);
    assertEquals(counts(), [1, 1]);
    waiters[3].terminate();
    const outcomes: unknown[] = [];
    for (const waiter of waiters) outcomes.push(yield* waiter.finish());
    assertEquals(outcomes.slice(0, 3), ["value", "Error: failed", undefined]);
    assertEquals(counts(), [0, 0]);
  }));

Deno.test("a wait for a peer that is settled before it is yielded counts nothing", async () => {
  const wait = new Wait();
  await assertRejects(
    () =>
      run(function* (coro) {
        assertEquals([coro.loop.hostOperations, coro.loop.peerWaits], [0, 0]);
        throw new Error("not yielded");
      }),
    Error,
    "not yielded",
  );
  assertEquals(wait.used, false);
});

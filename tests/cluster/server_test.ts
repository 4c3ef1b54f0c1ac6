/** What runs in a server. */
import { assert, assertEquals } from "@std/assert";
import { Coro, run } from "@asyncoro/asyncoro";
import { processLoad } from "../../core/cluster/server/load.ts";
import { Turns } from "../../core/cluster/server/turns.ts";

Deno.test("turns are taken in order, one at a time", async () => {
  const log: string[] = [];
  await run(function* () {
    const turns = new Turns();
    const jobs = [1, 2, 3].map((id) =>
      new Coro(function* () {
        assertEquals(yield* turns.take(id), true);
        log.push(`${id} begins`);
        yield;
        yield;
        log.push(`${id} ends`);
        turns.pass();
      })
    );
    for (const job of jobs) yield* job.finish();
    assertEquals(turns.isTaken, false);
  });
  assertEquals(log, [1, 2, 3].flatMap((id) => [`${id} begins`, `${id} ends`]));
});

Deno.test("a job that waits for its turn can be withdrawn, and one that is terminated passes it on", async () => {
  await run(function* () {
    const turns = new Turns();
    assertEquals(yield* turns.take(1), true);
    const waiting = [2, 3, 4].map((id) =>
      new Coro(function* () {
        return yield* turns.take(id);
      })
    );
    yield;
    turns.withdraw(2);
    assertEquals(yield* waiting[0].finish(), false);
    turns.pass();
    // It has been granted, and is not taken.
    waiting[1].terminate();
    assertEquals(yield* waiting[2].finish(), true);
    assertEquals(turns.isWithdrawn, false);
    turns.withdraw(4);
    assertEquals(turns.isWithdrawn, true);
    turns.pass();
    assertEquals(turns.isTaken, false);
  });
});

Deno.test("the load of the process is a part of the time", () => {
  const load = processLoad();
  const end = performance.now() + 20;
  while (performance.now() < end);
  const busy = load();
  assert(busy > 0 && busy <= 1, `${busy}`);
});

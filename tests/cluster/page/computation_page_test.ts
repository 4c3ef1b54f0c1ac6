/** The monitor page of computations. */
import { assertEquals, assertThrows } from "@std/assert";
import { type Coro, run } from "@asyncoro/asyncoro";
import { type Computation, monitorPage } from "@asyncoro/asyncoro/cluster";
import { withCluster } from "../world.ts";
import { get } from "./raw_client.ts";
import { ShownComputation } from "./snapshots.ts";

function* divide(_coro: Coro, by: number): Generator<unknown, number, unknown> {
  if (by === 0) throw new RangeError("by zero");
  return 12 / by;
}

Deno.test("monitorPage() shows what a computation has done", async () => {
  let shown!: Computation;
  await withCluster([2, 1], function* (computation) {
    shown = computation;
    yield* computation.schedule();
    assertEquals(computation.snapshot().state, "running");
    assertEquals(computation.snapshot().nodes.length > 0, true);
    for (const next of computation.results(divide, [1, 2, 0, 3])) yield* next;
  }, { name: "quotients" });
  await run(function* () {
    using page = yield* monitorPage(shown);
    const state = JSON.parse((yield* get(page.url, "/state")).body);
    assertEquals([state.name, state.state, state.jobs.done, state.jobs.failed], ["quotients", "closed", 3, 1]);
    assertEquals(state.failures.map(({ job, error }: Record<string, string>) => [job, error]), [
      ["divide", "RangeError: by zero"],
    ]);
  });
});

Deno.test("what is not a Computation cannot be shown", () => {
  const computation = new ShownComputation() as unknown as Computation;
  const error = assertThrows(() => monitorPage(computation), TypeError);
  assertEquals(error.message.startsWith("Cannot open a monitor page as 'computation' must be a Computation: "), true);
});

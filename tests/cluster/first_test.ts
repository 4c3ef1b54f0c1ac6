import { assertEquals } from "@std/assert";
import type { Coro } from "@asyncoro/asyncoro";
import { withCluster } from "./world.ts";

Deno.test("runResult", async () => {
  await withCluster([2], function* (computation) {
    yield* computation.schedule(60);
    const square = function* (_coro: Coro, n: number) {
      return n * n;
    };
    assertEquals(yield* computation.runResult(square, 7), 49);
    assertEquals(yield* computation.runResults(square, [1, 2, 3, 4, 5]), [1, 4, 9, 16, 25]);
    const coro = yield* computation.run(square, 3);
    assertEquals(yield* coro.finish(), 9);
    console.log(computation.stats());
  });
});

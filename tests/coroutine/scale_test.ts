/** The benchmark of scale computes correct results, checked with counts that take no time. */
import { assert, assertEquals } from "@std/assert";
import { KINDS } from "../bench/scale/kinds.ts";
import { WORKS } from "../bench/scale/works.ts";

// The workloads check their own results, and throw if one is wrong.
for (const [name, work] of Object.entries(WORKS)) {
  Deno.test(`${name} of the benchmark of scale has the correct result with few coroutines`, async () => {
    for (const count of [2, 10, 2_500]) assert(await work(count, 100) > 0);
  });
}

for (const [name, make] of Object.entries(KINDS)) {
  Deno.test(`the benchmark of scale creates and ends many coroutines: ${name}`, async () => {
    const crowd = make(10);
    await crowd.settled;
    assert(crowd.kernelBytes() >= 0);
    await crowd.end();
    assertEquals(crowd.kernelBytes(), 0);
  });
}

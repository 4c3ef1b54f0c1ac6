/** What is measured of scale answers right, at counts that take no time. */
import { assert, assertEquals } from "@std/assert";
import { KINDS } from "../bench/scale/kinds.ts";
import { WORKS } from "../bench/scale/works.ts";

// The works check their own answers, and throw if one is wrong.
for (const [name, work] of Object.entries(WORKS)) {
  Deno.test(`${name} of the benchmark of scale answers right with few coroutines`, async () => {
    for (const count of [2, 10, 2_500]) assert(await work(count, 100) > 0);
  });
}

for (const [name, make] of Object.entries(KINDS)) {
  Deno.test(`the benchmark of scale makes and ends a crowd: ${name}`, async () => {
    const crowd = make(10);
    await crowd.settled;
    assert(crowd.kernelBytes() >= 0);
    await crowd.end();
    assertEquals(crowd.kernelBytes(), 0);
  });
}

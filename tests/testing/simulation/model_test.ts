import { assertEquals } from "@std/assert";
import { Model } from "./model.ts";

Deno.test("links keep to their model, whatever befalls them", async () => {
  for (let seed = 0; seed < 300; seed++) await new Model(seed).run();
});

Deno.test("the model of a seed has the same trace each time", async () => {
  for (let seed = 1000; seed < 1030; seed++) {
    assertEquals(await new Model(seed).run(), await new Model(seed).run());
  }
});

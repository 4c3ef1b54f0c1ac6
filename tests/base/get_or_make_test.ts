/** Values of maps that are made when they are first asked for. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { getOrMake } from "../../core/base/get_or_make.ts";

Deno.test("a value is made once for each key, in a map and in a weak map", () => {
  const key = {};
  for (const map of [new Map<object, string[]>(), new WeakMap<object, string[]>()]) {
    getOrMake(map, key, () => []).push("first");
    assertStrictEquals(getOrMake(map, key, () => ["another"]), map.get(key));
    assertEquals([map.get(key), getOrMake(map, {}, () => ["other"])], [["first"], ["other"]]);
  }
});

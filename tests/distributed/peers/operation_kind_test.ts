import { assertEquals } from "@std/assert";
import { Kind } from "../../../core/distributed/peers/operation_kind.ts";

Deno.test("each kind of operation has a number of its own, in one byte", () => {
  const numbers = Object.values(Kind);
  assertEquals(new Set<number>(numbers).size, numbers.length);
  assertEquals(numbers.filter((number) => number < 1 || number > 255), []);
});

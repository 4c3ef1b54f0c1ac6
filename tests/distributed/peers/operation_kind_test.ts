/** The kinds of operations. */
import { assertEquals } from "@std/assert";
import { Kind } from "../../../core/distributed/peers/operation_kind.ts";

Deno.test("each kind of operation has a number of its own, a byte", () => {
  const numbers = Object.values(Kind);
  assertEquals(numbers, numbers.map((_, i) => i + 1));
});

/** Frequent operations and the waits of asyncio's queues have the same methods as all operations. How many there are: `tests/layers_test.ts`. */
import { assert, assertEquals } from "@std/assert";
import { QueueWait } from "../../core/asyncio/queues/queue_wait.ts";
import { FrequentOperation } from "../../core/fiber/frequent_operation.ts";
import { Operation } from "../../core/fiber/operation.ts";

/** The text of a method, without comments and layout. */
function textOf(prototype: object, name: string | symbol): string {
  const text = String(Object.getOwnPropertyDescriptor(prototype, name)!.value);
  return text.replaceAll(/\/\/.*$/gm, "").replaceAll(/\s+/g, " ");
}

Deno.test("the methods of a frequent operation are those of any operation, word for word", () => {
  const own = ["constructor", "takenOver", "servesAgain"];
  const names = Reflect.ownKeys(FrequentOperation.prototype).filter((name) => !own.includes(String(name)));
  assert(names.includes("next"));
  for (const name of names) assertEquals(textOf(FrequentOperation.prototype, name), textOf(Operation.prototype, name));
});

Deno.test("the waits of asyncio's queues take, give and begin to iterate as any operation does, word for word", () => {
  for (const name of ["take", "give", Symbol.iterator] as const) {
    assertEquals(textOf(QueueWait.prototype, name), textOf(Operation.prototype, name));
  }
});

/** The wait for the end of a coroutine is an operation, though its class does not extend that of operations. */
import { assert, assertEquals } from "@std/assert";
import { run } from "@asyncoro/asyncoro";
import { Operation } from "../../core/fiber/operation.ts";

/** An operation with nothing of its own. */
class Plain extends Operation<void> {
  readonly label = "plain";
  begin(): boolean {
    return this.give(undefined);
  }
  detach(): void {}
}

Deno.test("a finish() is an operation, and its constructor sets the fields of one, in their order", () =>
  run(function* (coro) {
    const finish = coro.finish() as unknown as Record<string, unknown>;
    assert(finish instanceof Operation);
    const fields = { ...new Plain() } as unknown as Record<string, unknown>;
    delete fields.label;
    assertEquals(Object.keys(finish).slice(0, Object.keys(fields).length), Object.keys(fields));
    for (const [name, value] of Object.entries(fields)) if (name !== "limit") assertEquals(finish[name], value, name);
  }));

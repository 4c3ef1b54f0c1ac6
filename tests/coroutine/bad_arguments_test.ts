/** Arguments of wrong types: the error says which, and shows the value, whatever that is. */
import { Coro, run, Scheduler } from "@asyncoro/asyncoro";
import { assertEquals, assertThrows } from "@std/assert";

/** An object of which no text can be made. */
const STRANGE = Object.create(null);

Deno.test("a seed and a priority that no text can be made of are refused with their description", async () => {
  const values: [value: unknown, text: string][] = [[Symbol("s"), "Symbol(s)"], [STRANGE, "an object"], ["x", '"x"']];
  const scheduler = new Scheduler();
  for (const [value, text] of values) {
    assertThrows(
      () => new Scheduler({ shuffle: value as never }),
      TypeError,
      `must be a number: current value is ${text}`,
    );
    assertThrows(() => scheduler.atexit(() => {}, value as never), TypeError, `values are function and ${text}`);
  }
  await scheduler.terminate();
});

Deno.test("the name of a coroutine may be whatever String() takes", async () => {
  await run(function* () {
    const coro = new Coro(function* () {});
    for (const [value, name] of [[5, "5"], [null, "null"], [Symbol("s"), "Symbol(s)"], [{}, "[object Object]"]]) {
      coro.name = value as never;
      assertEquals(coro.name, name as string);
    }
    yield* coro.finish();
  });
});

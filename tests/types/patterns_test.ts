/** The types of `select`, `scope`, `map`, `retry`, `shield` and `until`. */
import {
  Coro,
  map,
  type Operation,
  retry,
  run,
  runWith,
  scope,
  select,
  type Selected,
  shield,
  sleep,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

function* half(n: number): Generator<unknown, number, unknown> {
  return n / 2;
}

Deno.test("select() returns a union over the keys, which a key tells apart", () =>
  runVirtual(function* (coro) {
    const cases = { half: half(3), text: Promise.resolve("text"), pause: sleep(1), coro: new Coro(halfOf, 3) };
    const first = yield* select(cases);
    expectType<["half", number] | ["text", string] | ["pause", void] | ["coro", number]>()(first);
    expectType<Selected<typeof cases>>()(first);
    const [key, value] = first;
    if (key === "text") expectType<string>()(value);
    if (key === "half" || key === "coro") expectType<number>()(value);
    expectType<["1", number]>()(yield* select({ 1: half(1) }));
    const many: Record<string, Operation<number>> = { one: coro.sleep<number>(1, 1) };
    expectType<[string, number]>()(yield* select(many));
    // @ts-expect-error: a number is no case
    const wrong = () => select({ five: 5 });
    // @ts-expect-error: cases are named
    const listed = () => select([half(1)]);
    assertEquals([typeof wrong, typeof listed], ["function", "function"]);
  }));

function* halfOf(_coro: Coro, n: number): Generator<unknown, number, unknown> {
  return n / 2;
}

Deno.test("scope() returns what its body returns, or undefined; children are typed", () =>
  runVirtual(function* () {
    const value = yield* scope(function* (scope) {
      const child = scope.spawn(halfOf, 3);
      expectType<Coro<number>>()(child);
      expectType<Coro<number>>()(scope.spawnWith({ name: "named" }, halfOf, 3));
      expectType<Coro<number>>()(scope.service(halfOf, 3));
      expectType<AbortSignal>()(scope.signal);
      expectType<number>()(scope.size);
      // @ts-expect-error: the function takes a number
      const wrong = () => scope.spawn(halfOf, "3");
      assertEquals(typeof wrong, "function");
      return yield* child.finish();
    });
    expectType<number | undefined>()(value);
  }));

Deno.test("map() returns an array of what the function returns", () =>
  runVirtual(function* () {
    const texts = yield* map([1, 2], function* (coro, item, index) {
      expectType<number>()(item);
      expectType<number>()(index);
      yield* coro.sleep(1);
      return `${item}`;
    });
    expectType<string[]>()(texts);
    async function* source(): AsyncGenerator<Date> {}
    expectType<number[]>()(
      yield* map(source(), function* (_coro, date) {
        return yield* half(date.getTime());
      }, { concurrency: 2 }),
    );
    // @ts-expect-error: a number is not iterable
    const wrong = () => map(5, halfOf);
    assertEquals(typeof wrong, "function");
  }));

Deno.test("retry(), shield(), until() and withTimeout() pass types on", () =>
  runVirtual(function* () {
    expectType<number>()(
      yield* retry(function* (coro, attempt) {
        yield* coro.sleep(1);
        return attempt;
      }),
    );
    expectType<number>()(yield* shield(half(3), 5));
    expectType<string>()(yield* shield(until(Promise.resolve("text")), { signal: new AbortController().signal }));
    expectType<string>()(
      yield* until((signal) => {
        expectType<AbortSignal>()(signal);
        return Promise.resolve("text");
      }, 5),
    );
    expectType<number>()(yield* withTimeout(5, new Coro(halfOf, 3)));
    expectType<number>()(yield* withTimeout(5, half(3)));
    expectType<string>()(yield* withTimeout(5, Promise.resolve("text")));
  }));

Deno.test("runWith() is typed as run()", async () => {
  expectType<number>()(await runWith({}, halfOf, 3));
  expectType<number>()(await run(halfOf, 3));
  // @ts-expect-error: the function takes a number
  const wrong = () => runWith({}, halfOf, "3");
  assertEquals(typeof wrong, "function");
});

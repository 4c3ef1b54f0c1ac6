/** The types of `all` and `race`: tuples stay tuples, records keep their names. */
import { all, Coro, type Operation, race, sleep, until, type Waitable, type Waited } from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

function* half(n: number): Generator<unknown, number, unknown> {
  return n / 2;
}

function* plain(text: Promise<string>) {
  const value: string = yield text;
  return value.length;
}

Deno.test("all() returns a tuple for a tuple, in either spelling", () =>
  runVirtual(function* () {
    const coro = new Coro(function* () {
      return "result";
    });
    const both = yield* all(half(3), coro, Promise.resolve(true), until(Promise.resolve(1n)), sleep(1));
    expectType<[number, string, boolean, bigint, void]>()(both);
    const listed = yield* all([half(3), plain(Promise.resolve("abc")), coro.finish()]);
    expectType<[number, number, string]>()(listed);
    expectType<[]>()(yield* all([]));
    expectType<[number]>()(yield* all(half(1)));
    assertEquals(listed, [1.5, 3, "result"]);
  }));

Deno.test("all() returns an array for an array", () =>
  runVirtual(function* () {
    const coros = [1, 2].map((n) =>
      new Coro(function* (_coro, n: number) {
        return yield* half(n);
      }, n)
    );
    expectType<number[]>()(yield* all(coros));
    expectType<number[]>()(yield* all(...coros));
    expectType<number[]>()(yield* all(coros.map((coro) => coro.finish())));
    expectType<[...number[], string]>()(yield* all([...coros, until(Promise.resolve(""))]));
    const mixed: Waitable<Date>[] = [];
    expectType<Date[]>()(yield* all(mixed));
  }));

Deno.test("all() returns a record for a record", () =>
  runVirtual(function* () {
    const named = yield* all({ half: half(3), text: Promise.resolve("text"), pause: sleep(1) });
    expectType<{ half: number; text: string; pause: void }>()(named);
    assertEquals(named, { half: 1.5, text: "text", pause: undefined });
    const many: Record<string, Operation<number>> = {};
    expectType<Record<string, number>>()(yield* all(many));
  }));

Deno.test("race() returns one of the values", () =>
  runVirtual(function* (coro) {
    expectType<number | string>()(yield* race(half(3), Promise.resolve("late")));
    expectType<number | string>()(yield* race([half(3), Promise.resolve("late")]));
    expectType<number>()(yield* race([half(1), half(2)]));
    expectType<unknown>()(yield* race(coro.receive(), sleep(1)));
    expectType<string | void>()(yield* race(coro.receive<string>(), sleep(1)));
    expectType<[number, string] | void>()(yield* race(all(half(1), Promise.resolve("")), sleep(1)));
  }));

Deno.test("Waited<W> is the type of a wait for W", () => {
  expectType<string>()({} as Waited<Operation<string>>);
  expectType<string>()({} as Waited<Coro<string>>);
  expectType<string>()({} as Waited<Promise<string>>);
  expectType<string>()({} as Waited<Generator<unknown, string, unknown>>);
  expectType<string>()({} as Waited<Waitable<string>>);
  expectType<number | string>()({} as Waited<Coro<number> | Promise<string>>);
});

/** Not called: each use must not compile. */
export function* refused(): Generator<unknown, void, unknown> {
  // @ts-expect-error -- a number cannot be waited for
  race(1);
  // @ts-expect-error -- it is not called
  race(half);
  // @ts-expect-error -- it is not called
  all([half]);
  // @ts-expect-error -- a string in a record cannot be waited for
  all({ text: "text" });
  // @ts-expect-error -- the other may win
  const one: number = yield* race(half(one), Promise.resolve(""));
  // @ts-expect-error -- there are two
  const [, , third] = yield* all(half(1), half(2));
  // @ts-expect-error -- there is no such name
  (yield* all({ half: half(third) })).quarter;
}

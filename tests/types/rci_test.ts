/** The types of RCIs: the arguments and results of their functions. */
import { Channel, Coro, type Operation, run, Scheduler } from "@asyncoro/asyncoro";
import { type Location, Network, RCI } from "@asyncoro/asyncoro/distributed";
import { assertEquals, assertThrows } from "@std/assert";
import { MemoryHub } from "../distributed/memory_engine.ts";
import { expectType } from "./expect_type.ts";

function* repeat(_coro: Coro, text: string, count = 2): Generator<unknown, string, unknown> {
  return text.repeat(count);
}

function* nothing(): Generator<unknown, void, unknown> {}

Deno.test("an RCI has the arguments and the result of its function", async () => {
  const scheduler = new Scheduler();
  await scheduler.spawn(function* () {
    yield* Network.join({ engines: [new MemoryHub().engine("a")] });
    const rci = new RCI(repeat);
    expectType<RCI<[text: string, count?: number], string>>()(rci);
    expectType<Location | null>()(rci.location);
    rci.register({ orphans: "keep", limit: 1 });
    const coro = yield* rci.run("a");
    expectType<Coro<string>>()(coro);
    expectType<string>()(yield* coro.finish());
    expectType<string>()(yield* rci.call("a", 3));
    // @ts-expect-error The text is missing.
    rci.call();
    // @ts-expect-error The count is a number.
    rci.run("a", "b");
    // @ts-expect-error There are two orphan policies.
    const options: Parameters<typeof rci.register>[0] = { orphans: "drop" };
    assertEquals(options?.orphans, "drop");
    expectType<RCI<[], void>>()(new RCI(nothing));
    const any: RCI[] = [rci, new RCI(nothing)];
    assertEquals(any.length, 2);
  }).value();
  await scheduler.terminate();
});

Deno.test("locate gives an RCI the types of the function that is named", async () => {
  const scheduler = new Scheduler();
  await scheduler.spawn(function* () {
    yield* Network.join({ engines: [new MemoryHub().engine("a")] });
    new RCI(repeat).register();
    expectType<Operation<RCI<[text: string, count?: number], string> | null>>()(RCI.locate<typeof repeat>("repeat"));
    const rci = (yield* RCI.locate<typeof repeat>("repeat", 1))!;
    expectType<string>()(yield* rci.call("a"));
    // @ts-expect-error The text is a string.
    rci.call(1);
    const untyped = (yield* RCI.locate("repeat", null, rci.location))!;
    expectType<unknown>()(yield* untyped.call("a", 1));
    const coro = yield* untyped.run("a");
    expectType<Coro<unknown>>()(coro);
    yield* coro.finish();
  }).value();
  await scheduler.terminate();
});

Deno.test("locate of coroutines and channels takes a location", async () => {
  await run(function* () {
    const location: Location | null = null;
    expectType<Coro | null>()(yield* Coro.locate("nobody", 0, location));
    expectType<Channel<string> | null>()(yield* Channel.locate<string>("nobody", 0, location));
    // @ts-expect-error An address is no location.
    assertThrows(() => Coro.locate("nobody", 0, "memory:a"), TypeError, "must be a Location");
  });
});

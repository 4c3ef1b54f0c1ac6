/** The types of items, and of what gives them: `each`, `events`, `signals`, `stream`, `Local`. */
import {
  each,
  type Emit,
  events,
  type Items,
  Local,
  type Operation,
  run,
  signals,
  sleep,
  stream,
} from "@asyncoro/asyncoro";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

async function* numbers(): AsyncGenerator<number> {
  yield 1;
}

Deno.test("each has the type of the items of its source, and next() adds null", () =>
  run(function* () {
    expectType<Items<number>>()(each(numbers()));
    expectType<Items<string>>()(each(new ReadableStream<string>()));
    expectType<Items<Uint8Array<ArrayBuffer>>>()(each(new Response("text").body!, { timeout: 1 }));
    const items = each(numbers(), { seconds: 1 });
    expectType<Operation<number | null>>()(items.next());
    for (const next of items) {
      expectType<number | null>()(yield* next);
      break;
    }
    expectType<number>()(yield* each(numbers()).forEach((item) => void expectType<number>()(item)));
    using disposable = each(numbers());
    expectType<number | null>()(yield* disposable.next());
    // @ts-expect-error -- a list needs no waiting
    const refuse = () => each([1, 2]);
    assertEquals(typeof refuse, "function");
  }));

Deno.test("for await has the type of the items", async () => {
  for await (const item of each(numbers())) expectType<number>()(item);
});

Deno.test("events have the type that is named, Event by default", () => {
  const target = new EventTarget();
  using plain = events(target, "ring");
  expectType<Items<Event>>()(plain);
  using messages = events<MessageEvent<string>>(target, "ring", { capacity: 1, overflow: "throw" });
  expectType<Items<MessageEvent<string>>>()(messages);
  // @ts-expect-error -- a listener cannot make the target wait
  const refuse = () => events(target, "ring", { overflow: "wait" });
  expectType<() => Items<Event>>()(refuse);
});

Deno.test("signals are signals of Deno", () => {
  expectType<Items<Deno.Signal>>()(signals("SIGHUP", "SIGINT"));
  // @ts-expect-error -- there is no such signal
  const refuse = () => signals("SIGNONE");
  expectType<() => Items<Deno.Signal>>()(refuse);
});

Deno.test("a stream has the type of what it emits", () => {
  const numbers = stream<number>(function* (coro, emit) {
    expectType<Emit<number>>()(emit);
    expectType<void>()(yield* emit(1));
    yield* emit(2, 5);
    yield emit(3);
    // @ts-expect-error -- it emits numbers
    const refuse = () => emit("four");
    assertEquals(typeof refuse, "function");
    yield* coro.sleep(0);
  }, { highWaterMark: 0 });
  expectType<ReadableStream<number>>()(numbers);
  const typed = stream(function* (_coro, emit: Emit<string>) {
    yield* emit("one");
  }, { highWaterMark: 0 });
  expectType<ReadableStream<string>>()(typed);
});

Deno.test("a local has the type of its value, and with() that of its work", () =>
  run(function* () {
    const count = new Local(1);
    expectType<number>()(count.get());
    const perhaps = new Local<string | undefined>();
    expectType<string | undefined>()(perhaps.get());
    expectType<void>()(yield* perhaps.with("text", sleep(0)));
    const work = function* (): Generator<unknown, bigint, unknown> {
      yield;
      return 1n;
    };
    expectType<bigint>()(yield* perhaps.with(undefined, work()));
    // @ts-expect-error -- it is a local of a number
    const refuse = () => count.set("one");
    assertEquals(typeof refuse, "function");
  }));

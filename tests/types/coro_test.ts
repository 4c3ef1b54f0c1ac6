/** The types of coroutines: their arguments and results, and the values of their operations. */
import {
  call,
  Coro,
  current,
  HotSwapException,
  type Limit,
  type LimitOptions,
  main,
  type MonitorException,
  Operation,
  type Outcome,
  run,
  Scheduler,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { runVirtual } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

function* repeat(_coro: Coro, text: string, count = 2): Generator<unknown, string, unknown> {
  return text.repeat(count);
}

function* first<T>(_coro: Coro, ...items: T[]): Generator<unknown, T, unknown> {
  return items[0];
}

function* half(n: number): Generator<unknown, number, unknown> {
  yield* sleep(1);
  return n / 2;
}

/** A coroutine function that uses plain `yield` and declares the types of its values. */
function* lengthOf(text: Promise<string>) {
  const value: string = yield text;
  return value.length;
}

Deno.test("a wait with a signal alone has its value, and one with a timeout beside it may be late", () =>
  runVirtual(function* (coro) {
    const { signal } = new AbortController();
    const limits: Limit[] = [1, null, undefined, { seconds: 1 }, signal, { signal }, { timeout: 1, signal }];
    // @ts-expect-error An event target is no signal.
    limits.push(new EventTarget());
    const options: LimitOptions = { timeout: { minutes: 1 }, signal };
    coro.send("one");
    coro.send("two");
    coro.send("three");
    expectType<string>()(yield* coro.receive<string>(signal));
    expectType<string | undefined>()(yield* coro.receive<string>({ timeout: 1, signal }));
    expectType<string | null>()(yield* coro.receive<string, null>(options, null));
    expectType<Operation<string>>()(coro.sleep<string>(signal));
    expectType<Operation<string | undefined>>()(coro.sleep<string>(options));
    expectType<Operation<void>>()(sleep(options));
    expectType<number>()(yield* until(Promise.resolve(1), signal));
    expectType<number>()(yield* withTimeout(signal, half(2)));
    expectType<Operation<Coro | null>>()(Coro.locate("nobody", signal));
    yield;
  }));

Deno.test("a coroutine has the type of its target's result, and takes its target's arguments", async () => {
  const coro = new Coro(repeat, "ab");
  expectType<Coro<string, [text: string, count?: number]>>()(coro);
  expectType<string>()(await coro.value());
  expectType<number>()(await new Coro(first, 1, 2).value());
  const scheduler = Scheduler.instance();
  expectType<Coro<string>>()(scheduler.spawn(repeat, "ab", 3));
  expectType<Coro<string>>()(scheduler.spawnWith({ daemon: true }, repeat, "ab"));
  expectType<string>()(await run(repeat, "ab", 3));
  expectType<string>()(await runVirtual(repeat, "ab"));
  const inline = new Coro(
    function* (self, n: number) {
      // deno-lint-ignore no-explicit-any -- its result is known when the function is, and so not in it
      expectType<Coro<any>>()(self);
      yield* self.sleep(0);
      return { n };
    },
    1,
  );
  expectType<{ n: number }>()(await inline.value());
  const nothing = new Coro(function* () {});
  expectType<void>()(await nothing.value());
  expectType<boolean>()(coro.hotSwap(repeat, "ba"));
  // Code that does not use results takes coroutines of any result.
  const all: Coro[] = [coro, inline, nothing];
  assertEquals(all.length, 3);
});

Deno.test("an operation evaluates to a value of its type", () =>
  runVirtual(function* (coro) {
    const other = new Coro(repeat, "ab");
    expectType<string>()(yield* other.finish());
    expectType<string>()(yield* other.finish(5));
    expectType<void>()(yield* sleep(1));
    expectType<unknown>()(yield* coro.sleep(1));
    // The code that resumes it may pass any value.
    expectType<unknown>()(yield* coro.suspend(1, null));
    expectType<number>()(yield* coro.deliver("message"));
    expectType<unknown>()(yield* coro.receive());
    expectType<unknown>()(yield* coro.recv(0, "nothing came"));
    expectType<Coro | null>()(yield* Coro.locate("nobody", 0));
    expectType<boolean>()(yield* coro.monitor(other));
    expectType<number>()(yield* call(half(3)));
    expectType<number>()(yield* half(3));
    expectType<number>()(yield* call(lengthOf(Promise.resolve("abc"))));
    expectType<number>()(yield* until(Promise.resolve(3), 5));
    expectType<number>()(yield* withTimeout(5, half(3)));
    expectType<number>()(yield* withTimeout(5, lengthOf(Promise.resolve("abc"))));
    expectType<string>()(yield* withTimeout({ seconds: 5 }, other.finish()));
    expectType<string>()(yield* withTimeout(null, Promise.resolve("")));
    expectType<Coro>()(current());
  }));

Deno.test("a wait with a timeout has the type of its value, or of its alarm value", () =>
  runVirtual(function* (coro) {
    coro.send("message");
    expectType<string>()(yield* coro.receive<string>());
    expectType<string | undefined>()(yield* coro.receive<string>(0));
    expectType<string | undefined>()(yield* coro.recv<string>({ milliseconds: 1 }));
    expectType<string>()(yield* coro.receive<string>(0, "none"));
    expectType<string | null>()(yield* coro.receive<string | null>(0, null));
    expectType<string | null>()(yield* coro.receive<string, null>(0, null));
    expectType<string | 0>()(yield* coro.recv<string, 0>(0, 0));
    expectType<string | undefined>()(yield* coro.sleep<string>(0));
    expectType<string | undefined>()(yield* coro.suspend<string>(0));
    expectType<string>()(yield* coro.sleep<string>(0, "nobody"));
    expectType<string | null>()(yield* coro.sleep<string | null>(1, null));
    expectType<string | null>()(yield* coro.suspend<string, null>(0, null));
    const maybe = 1 as number | undefined;
    expectType<string | undefined>()(yield* coro.receive<string>(maybe));
  }));

Deno.test("a monitor gets one of four outcomes", () =>
  runVirtual(function* (coro) {
    yield* coro.monitor(new Coro(repeat, "ab"));
    const { outcome, coro: ended } = yield* coro.receive<MonitorException>();
    expectType<Outcome>()(outcome);
    expectType<Coro>()(ended);
    if (outcome.kind === "return") expectType<unknown>()(outcome.value);
    else if (outcome.kind === "throw") expectType<unknown>()(outcome.error);
    else if (outcome.kind === "lost") expectType<"lost" | "left" | "gone">()(outcome.error.reason);
    else expectType<"terminate">()(outcome.kind);
  }));

Deno.test("a function may declare its own types", async () => {
  /** For generic functions over coroutines: they keep the types. */
  function* twice<A extends readonly unknown[], R>(
    target: (coro: Coro, ...args: A) => Generator<unknown, R, unknown>,
    ...args: A
  ): Generator<unknown, [R, R], unknown> {
    const [one, two] = [new Coro(target, ...args), new Coro(target, ...args)];
    return [yield* one.finish(), yield* two.finish()];
  }
  const results = await run(function* () {
    return yield* twice(repeat, "x", 1);
  });
  expectType<[string, string]>()(results);
  assertEquals(results, ["x", "x"]);
});

/** Not called: each use must not compile. */
export function* refused(coro: Coro<number>, operation: Operation<string>): Generator<unknown, void, unknown> {
  // @ts-expect-error -- an argument is missing
  new Coro(repeat);
  // @ts-expect-error -- it takes a string
  new Coro(repeat, 1);
  // @ts-expect-error -- it takes two arguments at most
  new Coro(repeat, "ab", 2, 3);
  // @ts-expect-error -- an arrow function is not a generator function
  new Coro(() => 1);
  // @ts-expect-error -- an async function is not a generator function
  new Coro(async function () {});
  // @ts-expect-error -- an async generator function is not one either
  new Coro(async function* () {});
  // @ts-expect-error -- a coroutine function returns a generator object, but is not one
  new Coro(half(1));
  // @ts-expect-error -- the first parameter is the coroutine
  new Coro(half, 1);
  // @ts-expect-error -- the same for each way to start one
  run(repeat, 1);
  // @ts-expect-error -- the same
  main(repeat);
  // @ts-expect-error -- the same
  runVirtual(repeat, 1);
  // @ts-expect-error -- the same
  Scheduler.instance().spawn(repeat, 1);
  // @ts-expect-error -- the same
  Scheduler.instance().spawnWith({}, repeat);
  // @ts-expect-error -- the same
  coro.hotSwap(repeat, 1);
  // @ts-expect-error -- there is no such option
  Scheduler.instance().spawnWith({ deamon: true }, repeat, "ab");
  // @ts-expect-error -- its result is a number
  const other: Coro<string> = coro;
  // @ts-expect-error -- its result is a number
  const result: Promise<string> = other.scheduler.spawn(() => half(1)).value();
  // @ts-expect-error -- a string is not a duration
  coro.sleep("1s");
  // @ts-expect-error -- this is not a duration either
  sleep({ second: 1 });
  // @ts-expect-error -- the alarm value has another type
  coro.sleep<string>(1, null);
  // @ts-expect-error -- the same
  coro.receive<string>(1, null);
  // @ts-expect-error -- it is null on timeout
  const message: string = yield* coro.receive<string>(1);
  // @ts-expect-error -- the same
  (yield* coro.recv<string>(1)).trim();
  // @ts-expect-error -- it is null on timeout
  const update: number = yield* coro.sleep<number>(1);
  // @ts-expect-error -- the same
  (yield* coro.suspend<number>(1)).toFixed(update + message.length);
  // @ts-expect-error -- it may be the alarm value
  const either: string = yield* coro.receive<string, null>(1, null);
  // @ts-expect-error -- an alarm value needs a timeout
  coro.receive<string>("alarm", either);
  // @ts-expect-error -- a coroutine monitors a coroutine
  coro.monitor(result);
  // @ts-expect-error -- it is not called
  call(half);
  // @ts-expect-error -- it is not called
  withTimeout(1, half);
  // @ts-expect-error -- an operation is not a promise
  until(operation);
  // @ts-expect-error -- an operation is not a promise: in async code there is run()
  expectType<string>()(await_(operation));
  // @ts-expect-error -- it is a string
  const length: number = yield* operation;
  // @ts-expect-error -- it cannot be made by hand
  new Operation<number>();
  // @ts-expect-error -- these are for reading
  coro.id = length;
  // @ts-expect-error -- setDaemon() changes it
  coro.daemon = true;
  if (coro as unknown instanceof HotSwapException) throw new TimeoutError("");
}

declare function await_<T>(promise: PromiseLike<T>): T;

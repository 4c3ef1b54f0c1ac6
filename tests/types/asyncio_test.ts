/** The types of asyncio: the value of a wait, and what may be awaited. */
import { Coro, type Operation } from "@asyncoro/asyncoro";
import {
  asCompleted,
  Barrier,
  coroutine,
  createTask,
  currentTask,
  ensureFuture,
  FIRST_COMPLETED,
  type Future,
  gather,
  getRunningLoop,
  type Handle,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  run,
  shield,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
  timeout,
  timeoutAt,
  type TimerHandle,
  toThread,
  wait,
  waitFor,
  wrapFuture,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";
import { expectType } from "./expect_type.ts";

function* half(n: number): Generator<unknown, number, unknown> {
  yield* sleep(0);
  return n / 2;
}

function* nothing(): Generator<unknown, void, unknown> {}

Deno.test("run() returns the result of its coroutine, of any type", async () => {
  expectType<number>()(await run(half(1)));
  expectType<string>()(await run(sleep(0, "slept")));
  const result = await run(function* (coro) {
    yield* coro.sleep(0);
    return [1];
  });
  expectType<number[]>()(result);
  expectType<void>()(await run(nothing));
});

Deno.test("a task and a future have the type of their result, however they are awaited", () =>
  run(function* () {
    const task = createTask(half(1), { name: "half" });
    expectType<Task<number>>()(task);
    expectType<number>()(yield* task);
    expectType<number>()(task.result());
    expectType<Coro<number>>()(task.getCoro());
    expectType<Task<void>>()(createTask(nothing));
    expectType<Task<string>>()(createTask(sleep(0, "")));
    const loop = getRunningLoop();
    const future = loop.createFuture<string>();
    expectType<Future<string>>()(future);
    future.setResult("set");
    future.addDoneCallback((done) => expectType<string>()(done.result()));
    expectType<string>()(yield* future);
    expectType<Future<number>>()(ensureFuture(half(1)));
    expectType<Future<boolean>>()(wrapFuture(Promise.resolve(true)));
    expectType<Future<number>>()(shield(half(1)));
    expectType<Future<boolean>>()(shield(Promise.resolve(true)));
    expectType<Task | null>()(currentTask());
    expectType<Handle>()(loop.callSoon((n: number, text: string) => text.repeat(n), 1, "x"));
    const handle = loop.callLater(60, () => {});
    expectType<TimerHandle>()(handle);
    handle.cancel();
  }));

Deno.test("a future can be awaited in async code", async () => {
  const made = await run(function* () {
    const future = getRunningLoop().createFuture<number>();
    future.setResult(1);
    return { future };
  });
  expectType<number>()(await made.future);
  expectType<string>()(await made.future.then((n) => n.toFixed()));
});

Deno.test("gather() returns a tuple for a tuple, in either spelling", () =>
  run(function* () {
    const both = gather(half(3), sleep(0, "text"), Promise.resolve(true), createTask(half(5)), nothing);
    expectType<Future<[number, string, boolean, number, void]>>()(both);
    assertEquals(yield* both, [1.5, "text", true, 2.5, undefined]);
    const coro = new Coro(function* () {
      return 1n;
    });
    expectType<[number, bigint]>()(yield* gather([half(1), coro]));
    expectType<number[]>()(yield* gather([1, 2].map(half)));
    expectType<number[]>()(yield* gather(...[1, 2].map((n) => createTask(half(n)))));
    const answered = yield* gather([half(1), Promise.resolve("")], { returnExceptions: true });
    expectType<[number | Error, string | Error]>()(answered);
    expectType<[number]>()(yield* gather([half(1)], { returnExceptions: false }));
    expectType<[]>()(yield* gather());
  }));

Deno.test("wait() returns the tasks that it was given", () =>
  run(function* () {
    const tasks = [createTask(half(1)), createTask(half(2))];
    const [done, pending] = yield* wait(tasks, { returnWhen: FIRST_COMPLETED });
    expectType<Set<Task<number>>>()(done);
    expectType<Set<Task<number>>>()(pending);
    const mixed = [createTask(half(1)), createTask(sleep(0, ""))];
    const [either] = yield* wait(mixed);
    for (const task of either) expectType<number | string>()(task.result());
    expectType<number>()(yield* waitFor(half(1), 5));
    expectType<string>()(yield* waitFor(Promise.resolve(""), null));
    expectType<number>()(yield* waitFor(createTask(half(1)), { seconds: 5 }));
  }));

Deno.test("asCompleted() yields the results in turn, with all of their types", () =>
  run(function* () {
    for (const next of asCompleted([half(1), half(2)])) {
      expectType<Operation<number>>()(next);
      expectType<number>()(yield* next);
    }
    for (const next of asCompleted([half(1), sleep(0, "text"), Promise.resolve(true)])) {
      expectType<number | string | boolean>()(yield* next);
    }
  }));

Deno.test("a block returns its value, with a limit or with tasks of its own", () =>
  run(function* () {
    const inTime = yield* timeout(5, function* (limit) {
      expectType<boolean>()(limit.expired());
      limit.reschedule(null);
      return yield* half(1);
    });
    expectType<number>()(inTime);
    expectType<string>()(yield* timeout(5, sleep(0, "text")));
    expectType<void>()(yield* timeoutAt(null, nothing()));
    const grouped = yield* taskGroup(function* (group) {
      expectType<TaskGroup>()(group);
      const task = group.createTask(half(1), { name: "half" });
      expectType<Task<number>>()(task);
      expectType<Task<string>>()(group.createTask(sleep(0, "text")));
      return task;
    });
    expectType<number>()(grouped.result());
  }));

Deno.test("a queue has the type of its items", () =>
  run(function* () {
    const queue = new Queue<string>(2);
    expectType<void>()(yield* queue.put("item"));
    expectType<string>()(yield* queue.get());
    queue.putNowait("another");
    expectType<string>()(queue.getNowait());
    const urgent = new PriorityQueue<{ level: number }>(0, (a, b) => a.level - b.level);
    yield* urgent.put({ level: 1 });
    expectType<{ level: number }>()(yield* urgent.get());
    const stack = new LifoQueue<Date>();
    yield* stack.put(new Date());
    expectType<Date>()(yield* stack.get());
    expectType<boolean>()(yield* new Lock().acquire());
    expectType<number>()(yield* new Barrier(1).wait());
  }));

Deno.test("coroutine() makes a coroutine function from any function", () =>
  run(function* (coro) {
    const read = coroutine(async (text: string) => await Promise.resolve(text.length));
    expectType<number>()(yield* read(coro, "four"));
    const plain = coroutine((n: number) => n + 1);
    expectType<number>()(yield* plain(coro, 1));
    const generating = coroutine((n: number) => half(n));
    expectType<number>()(yield* generating(coro, 1));
  }));

/** Not called: each use must not compile. */
export function* refused(queue: Queue<string>, task: Task<number>): Generator<unknown, void, unknown> {
  expectType<Operation<number>>()(toThread((n: number) => n + 1, 41));
  // @ts-expect-error -- it takes a number
  toThread((n: number) => n + 1, "41");
  // @ts-expect-error -- an argument is missing
  createTask(function* (_coro, n: number) {
    return n;
  });
  // @ts-expect-error -- an async function is not a coroutine
  createTask(async () => {});
  // @ts-expect-error -- a promise can be awaited, but is not a coroutine
  run(Promise.resolve(1));
  // @ts-expect-error -- a number cannot be awaited
  gather(half(1), 2);
  // @ts-expect-error -- there is no such option
  gather([half(1)], { returnException: true });
  // @ts-expect-error -- errors may be among them
  const [sum]: [number] = yield* gather([half(1)], { returnExceptions: true });
  // @ts-expect-error -- a coroutine must be a task by then
  wait([half(sum)]);
  // @ts-expect-error -- there is no such condition
  wait([task], { returnWhen: "FIRST" });
  // @ts-expect-error -- a limit has to be given
  waitFor(task);
  // @ts-expect-error -- a string is not a duration
  timeout("1s", task);
  // @ts-expect-error -- a block is a generator function
  taskGroup(() => task);
  // @ts-expect-error -- a block gets the group
  taskGroup(function* (_group: Task) {});
  // @ts-expect-error -- items are strings
  queue.put(1);
  // @ts-expect-error -- items are strings
  const item: number = yield* queue.get();
  // @ts-expect-error -- its result is a number
  const other: Task<string> = task;
  // @ts-expect-error -- a future of strings takes a string
  getRunningLoop().createFuture<string>().setResult(item);
  // @ts-expect-error -- a callback gets what it takes
  getRunningLoop().callSoon((n: number) => n, other.getName());
  // @ts-expect-error -- the time comes first
  getRunningLoop().callLater(() => {}, 1);
}

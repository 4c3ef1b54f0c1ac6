/** Names of tasks, how tasks read in messages, and coroutine functions. */
import { Operation } from "@asyncoro/asyncoro";
import {
  coroutine,
  createTask,
  currentTask,
  isCoroutine,
  isCoroutineFunction,
  newEventLoop,
  sleep,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertMatch, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";

loopTest("tasks are numbered by default, across loops", function* () {
  const first = createTask(sleep(0));
  assertMatch(first.getName(), /^Task-\d+$/);
  const other = newEventLoop();
  const second = other.createTask(sleep(0));
  assertEquals(Number(second.getName().slice(5)), Number(first.getName().slice(5)) + 1);
  other.setExceptionHandler(() => {});
  other.close();
  yield* first;
});

loopTest("a task has the name that it is given, and can be given another", function* () {
  const task = createTask(sleep(0), { name: "named" });
  assertEquals([task.getName(), String(task)], ["named", "task 'named'"]);
  task.setName("renamed");
  assertEquals(task.getName(), "renamed");
  yield* task;
  task.setName("done");
  assertEquals(task.getName(), "done");
});

loopTest("two tasks may have one name, and an empty one is a name", function* () {
  const tasks = ["same", "same", ""].map((name) => createTask(sleep(0), { name }));
  assertEquals(tasks.map((task) => task.getName()), ["same", "same", ""]);
  for (const task of tasks) yield* task;
});

loopTest("a task takes anything for a name, as text", function* () {
  const named = (name: unknown) => createTask(sleep(0), { name });
  const text = { toString: () => "an object" };
  const tasks = [0, 42, false, text, ["a", "b"], Symbol("s")].map(named);
  assertEquals(tasks.map((task) => task.getName()), ["0", "42", "false", "an object", "a,b", "Symbol(s)"]);
  const task = currentTask()!;
  for (const name of [7, null, undefined, text, 2n ** 64n]) {
    task.setName(name);
    assertEquals(task.getName(), String(name));
  }
  for (const each of tasks) yield* each;
});

loopTest("a task whose name is null or left out is numbered, and one without a text keeps its name", function* () {
  const tasks = [null, undefined].map((name) => createTask(sleep(0), { name }));
  for (const task of tasks) assertMatch(task.getName(), /^Task-\d+$/);
  tasks[0].setName("named");
  assertThrows(() => tasks[0].setName(Object.create(null)), TypeError);
  assertThrows(() => createTask(sleep(0), { name: Object.create(null) }), TypeError);
  assertEquals(tasks[0].getName(), "named");
  for (const task of tasks) yield* task;
});

loopTest("a task is shown with its state", function* () {
  const show = (value: unknown) => Deno.inspect(value);
  const task = createTask(sleep(1));
  assertEquals(show(task), "Task (pending)");
  yield* task;
  assertEquals(show(task), "Task (finished)");
});

loopTest("a generator object has the name of its task in the scheduler's dump", function* ({ loop }) {
  const task = createTask(
    function* () {
      yield* sleep(1);
    }(),
    { name: "worker" },
  );
  yield* sleep(0);
  assert(loop.scheduler.dump().some(({ name }) => name === "worker"));
  yield* task;
});

Deno.test("isCoroutineFunction() is true of generator functions only", () => {
  assertEquals(isCoroutineFunction(function* () {}), true);
  assertEquals(isCoroutineFunction((function* () {}).bind(null)), true);
  for (const other of [() => {}, async () => {}, async function* () {}, class {}, null, 1, (function* () {})()]) {
    assertEquals(isCoroutineFunction(other), false);
  }
});

Deno.test("isCoroutine() is true of generator objects and operations", () => {
  assertEquals(isCoroutine((function* () {})()), true);
  assertEquals(isCoroutine(sleep(1)), true);
  for (const other of [function* () {}, Promise.resolve(), {}, undefined]) assertEquals(isCoroutine(other), false);
});

loopTest("coroutine() makes a coroutine function of a plain one", function* () {
  const double = coroutine((n: number) => 2 * n);
  assertEquals(isCoroutineFunction(double), true);
  assertEquals(
    yield* createTask(function* (coro) {
      return yield* double(coro, 21);
    }),
    42,
  );
});

loopTest("coroutine() awaits what the function returns, if that can be awaited", function* () {
  const answers: [() => unknown, unknown][] = [
    [() => sleep(1, "an operation"), "an operation"],
    [() => Promise.resolve("a promise"), "a promise"],
    [() => createTask(sleep(1, "a task")), "a task"],
    [
      () =>
        (function* () {
          yield* sleep(1);
          return "a generator";
        })(),
      "a generator",
    ],
  ];
  for (const [answer, expected] of answers) assertEquals(yield* createTask(coroutine(answer)), expected);
});

loopTest("coroutine() leaves a generator function as it is, and passes errors on", function* () {
  function* body() {}
  assertStrictEquals(coroutine(body) as unknown, body);
  const failing = createTask(coroutine(() => {
    throw new Error("failed");
  }));
  yield* sleep(0);
  yield* sleep(0);
  assertEquals((failing.exception() as Error).message, "failed");
  assertThrows(() => coroutine(42 as never), TypeError, "takes a function: current value is 42");
});

loopTest("an operation is a coroutine once: a second task of it fails", function* () {
  const operation = sleep(1, "slept");
  assert(operation instanceof Operation);
  assertEquals(yield* createTask(operation), "slept");
  const again = createTask(operation);
  yield* sleep(1);
  assertMatch((again.exception() as Error).message, /belongs to one yield/);
  assertNotEquals(again.getName(), "");
});

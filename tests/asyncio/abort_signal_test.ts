/** AbortSignals: those that cancel a task, and that of a task. */
import { until } from "@asyncoro/asyncoro";
import { CancelledError, createTask, currentTask, sleep, type Task } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { errorOf, stateOf, textOf } from "./outcomes.ts";

loopTest("aborting the signal that a task was given cancels it, and the reason says why", function* () {
  const reasons: [unknown, string][] = [
    [new Error("no longer needed"), "cancelled: no longer needed"],
    ["a text", "cancelled: a text"],
    // In the words of the engine.
    [undefined, `cancelled: ${AbortSignal.abort().reason.message}`],
  ];
  for (const [reason, expected] of reasons) {
    const controller = new AbortController();
    const task = createTask(sleep(9), { signal: controller.signal });
    yield* sleep(1);
    controller.abort(reason);
    assertEquals(task.done(), false);
    assertEquals(textOf(yield* errorOf(task)), expected);
    assertEquals([task.cancelled(), task.cancelling()], [true, 1]);
  }
});

loopTest("a signal that was aborted before cancels the task before it begins", function* ({ log }) {
  const task = createTask(function* () {
    log.push("began");
  }, { signal: AbortSignal.abort(new Error("too late")) });
  assertEquals([textOf(yield* errorOf(task)), log], ["cancelled: too late", []]);
});

loopTest("one signal may cancel several tasks", function* () {
  const controller = new AbortController();
  const tasks = [1, 2, 3].map((n) => createTask(sleep(n, n), { signal: controller.signal }));
  yield* sleep(1.5);
  controller.abort();
  for (const task of tasks.slice(1)) yield* errorOf(task);
  assertEquals(tasks.map((task) => [stateOf(task).slice(0, 9), task.cancelling()]), [
    ["gave 1", 0],
    ["cancelled", 1],
    ["cancelled", 1],
  ]);
});

loopTest("a task that has ended does not listen to its signal any more", function* () {
  const { signal, listeners } = countedSignal();
  const tasks = [createTask(sleep(1), { signal }), createTask(sleep(9), { signal })];
  assertEquals(listeners(), 2);
  yield* tasks[0];
  assertEquals(listeners(), 1);
  tasks[1].cancel();
  yield* errorOf(tasks[1]);
  assertEquals(listeners(), 0);
});

loopTest("a task may go on when its signal is aborted", function* () {
  const controller = new AbortController();
  const task = createTask(function* () {
    yield* errorOf(sleep(9));
    return yield* sleep(1, "went on");
  }, { signal: controller.signal });
  yield* sleep(1);
  controller.abort();
  assertEquals([yield* task, task.cancelling()], ["went on", 1]);
});

loopTest("the signal of a task is aborted when the task is cancelled, at once", function* () {
  const task = createTask(sleep(9));
  const { signal } = task;
  assertEquals([signal.aborted, signal === task.signal], [false, true]);
  yield* sleep(1);
  task.cancel("stop");
  assertEquals([signal.aborted, task.done()], [true, false]);
  assertInstanceOf(signal.reason, CancelledError);
  assertEquals(signal.reason.message, "stop");
  yield* errorOf(task);
});

loopTest("the signal of a task that was cancelled before it was asked for is aborted", function* () {
  const task = createTask(sleep(9));
  task.cancel();
  assertEquals(task.signal.aborted, true);
  yield* errorOf(task);
  assertEquals(task.signal.aborted, true);
});

loopTest("the signal of a task that ends is not aborted", function* () {
  const task = createTask(sleep(1));
  const { signal } = task;
  yield* task;
  assertEquals([signal.aborted, task.cancel(), signal.aborted], [false, false, false]);
});

loopTest("the signal of a task ends what the task started in the host", function* ({ log }) {
  const hostWork = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) =>
      signal.addEventListener("abort", () => {
        log.push("host work aborted");
        reject(signal.reason);
      })
    );
  const task = createTask(function* () {
    yield* until(hostWork(currentTask()!.signal));
  });
  yield* sleep(1);
  task.cancel();
  assertEquals(textOf(yield* errorOf(task)), "cancelled");
  assertEquals(log, ["host work aborted"]);
});

loopTest("tasks can be chained by their signals", function* () {
  const parent = createTask(sleep(9));
  const child: Task = createTask(sleep(9), { signal: parent.signal });
  yield* sleep(1);
  parent.cancel("both");
  yield* errorOf(parent);
  assertEquals(textOf(yield* errorOf(child)), "cancelled: both");
  assertStrictEquals(parent.cancelled(), true);
});

/** A signal that counts its listeners. */
function countedSignal(): { signal: AbortSignal; listeners(): number } {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return { signal, listeners: () => listeners };
}

/** Signals as limits of what waits: asyncio's cancellation, with the reason of the signal in place of TimeoutError. */
import {
  asCompleted,
  type Awaitable,
  CancelledError,
  createTask,
  Event,
  sleep,
  wait,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { CountedSignal } from "../helpers/counted_signal.ts";
import { loopTest } from "./loop_lab.ts";
import { errorOf as anErrorOf } from "./outcomes.ts";

/** What was thrown, which need not be an error here. */
const errorOf: (awaitable: Awaitable) => Generator<unknown, unknown, unknown> = anErrorOf;

loopTest("waitFor() cancels what it waits for when its signal is aborted, and throws the reason", function* ({ loop }) {
  for (const timeout of [undefined, 5]) {
    const counted = new CountedSignal();
    const task = createTask(function* () {
      yield* sleep(100);
    });
    const reason = new Error("enough");
    loop.callLater(1, () => {
      assertEquals(counted.listeners, 1);
      counted.abort(reason);
    });
    assertStrictEquals(yield* errorOf(waitFor(task, { timeout, signal: counted.signal })), reason);
    assertEquals([task.cancelled(), counted.listeners], [true, 0]);
  }
});

loopTest("waitFor() waits for the cleanup of a generator that a signal cancels", function* ({ loop }) {
  const counted = new CountedSignal();
  loop.callLater(1, () => counted.abort("enough"));
  const seen: unknown[] = [];
  const error = yield* errorOf(waitFor(
    (function* () {
      try {
        yield* sleep(100);
      } catch (error) {
        seen.push(error);
        yield* sleep(1);
        throw error;
      }
    })(),
    counted.signal,
  ));
  assertEquals([error, loop.time() >= 2, counted.listeners], ["enough", true, 0]);
  assertInstanceOf(seen[0], CancelledError);
});

loopTest(
  "waitFor() with a signal leaves no listener after a result, an error, a timeout or a cancellation",
  function* () {
    const counted = new CountedSignal();
    assertEquals(yield* waitFor(sleep(1, "done"), counted.signal), "done");
    yield* errorOf(waitFor(sleep(9), { timeout: 1, signal: counted.signal }));
    yield* errorOf(waitFor(
      function* () {
        throw new Error("failed");
      },
      counted.signal,
    ));
    const task = createTask(function* () {
      yield* waitFor(sleep(9), counted.signal);
    });
    yield* sleep(1);
    assertEquals(counted.listeners, 1);
    task.cancel();
    assertInstanceOf(yield* errorOf(task), CancelledError);
    assertEquals(counted.listeners, 0);
  },
);

loopTest("waitFor(), wait() and asCompleted() with an aborted signal begin nothing", function* () {
  const signal = AbortSignal.abort("over");
  let begun = 0;
  function* body() {
    begun++;
    yield* sleep(1);
  }
  assertEquals(yield* errorOf(waitFor(body, signal)), "over");
  assertEquals(yield* errorOf(waitFor(body, { timeout: 0, signal })), "over");
  let items = 0;
  for (const next of asCompleted([body, body()], { timeout: signal })) {
    items++;
    assertEquals(yield* errorOf(next), "over");
  }
  const event = new Event();
  const task = createTask(event.wait());
  assertEquals(yield* errorOf(wait([task], { timeout: signal })), "over");
  assertEquals([begun, items, task.done()], [0, 2, false]);
  event.set();
  yield* task;
});

loopTest("wait() throws the reason of its signal and cancels nothing", function* ({ loop }) {
  const counted = new CountedSignal();
  const task = createTask(sleep(5, "late"));
  loop.callLater(1, () => counted.abort("enough"));
  assertEquals(yield* errorOf(wait([task], { timeout: { timeout: 3, signal: counted.signal } })), "enough");
  assertEquals([counted.listeners, task.done()], [0, false]);
  assertEquals(yield* task, "late");
  const other = new CountedSignal();
  const [done] = yield* wait([task], { timeout: other.signal });
  assertEquals([done.size, other.listeners], [1, 0]);
});

loopTest("asCompleted() throws the reason for each that is not done, and keeps what is", function* ({ loop }) {
  const counted = new CountedSignal();
  const slow = [createTask(sleep(5, "slow")), createTask(sleep(6, "slower"))];
  loop.callLater(2, () => counted.abort("enough"));
  const seen: unknown[] = [];
  for (const next of asCompleted([...slow, sleep(1, "quick")], { timeout: counted.signal })) {
    try {
      seen.push(yield* next);
    } catch (error) {
      seen.push(error);
    }
  }
  assertEquals([seen, counted.listeners], [["quick", "enough", "enough"], 0]);
  for (const task of slow) yield* task;
});

/** A program that uses several parts together. */
import { createTask, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals } from "@std/assert";
import { inLoop, loopTest } from "./loop_lab.ts";

loopTest("callbacks and tasks run in one order, that of their requests", function* ({ loop, log }) {
  loop.callSoon(() => log.push("callback 1"));
  const task = createTask(function* () {
    log.push("task");
    yield* sleep(1);
    log.push("task again");
  });
  loop.callSoon(() => log.push("callback 2"));
  log.push("main");
  yield* task;
  assertEquals(log, ["main", "callback 1", "task", "callback 2", "task again"]);
});

Deno.test("an iteration runs what was ready when it began", () =>
  inLoop(async (lab) => {
    const { loop, log } = lab;
    loop.callSoon(() => {
      log.push(1);
      loop.callSoon(() => log.push(3));
    });
    loop.callSoon(() => log.push(2));
    await lab.iterate();
    assertEquals(lab.takeLog(), [1, 2]);
    await lab.iterate();
    assertEquals(lab.takeLog(), [3]);
  }));

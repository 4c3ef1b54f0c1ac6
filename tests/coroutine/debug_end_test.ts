/** Watching for misuse ends with the last scheduler that has `debug`: making an operation costs what it did before. */
import { Scheduler } from "@asyncoro/asyncoro";
import { newEventLoop, run } from "@asyncoro/asyncoro/asyncio";
import { runVirtualWith } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { killLoop } from "../../core/coroutine/kill.ts";
import { watch } from "../../core/fiber/misuse.ts";
import { settle } from "../helpers/lab.ts";

/** Ways in which a scheduler ends. */
const ENDS: Record<string, (scheduler: Scheduler) => unknown> = {
  "is terminated": (scheduler) => scheduler.terminate(),
  "is killed": (scheduler) => killLoop(scheduler.loop, new Error("killed")),
  "breaks down": async (scheduler) => {
    const turn = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    Object.assign(scheduler.loop.kernel, { exports: { ...scheduler.loop.kernel.exports, turn } });
    scheduler.spawn(function* () {});
    await settle();
  },
  "is killed and terminated": async (scheduler) => {
    killLoop(scheduler.loop, new Error("killed"));
    await scheduler.terminate();
  },
};

for (const [how, end] of Object.entries(ENDS)) {
  Deno.test(`watching for misuse ends when the scheduler ${how}, which keeps its 'debug'`, async () => {
    const other = new Scheduler({ debug: true });
    const scheduler = new Scheduler({ debug: true });
    scheduler.onError = () => {};
    assertEquals(watch.active, true);
    await end(scheduler);
    assertEquals([watch.active, scheduler.debug], [true, true]);
    other.debug = false;
    assertEquals(watch.active, false);
    await other.terminate();
    assertEquals(watch.active, false);
    // None of this counts, and it counts nothing twice.
    for (const debug of [true, false, true]) {
      scheduler.debug = debug;
      assertEquals([watch.active, scheduler.debug], [false, debug]);
    }
    const later = new Scheduler({ debug: true });
    assertEquals(watch.active, true);
    scheduler.debug = false;
    assertEquals(watch.active, true);
    await later.terminate();
    assertEquals(watch.active, false);
  });
}

Deno.test("watching for misuse ends with an event loop, and with runs in virtual time", async () => {
  const loop = newEventLoop({ debug: true });
  loop.close();
  assertEquals([watch.active, loop.getDebug()], [false, true]);
  await run(function* () {
    assertEquals(watch.active, true);
  }, { debug: true });
  assertEquals(watch.active, false);
  await runVirtualWith({ debug: true }, function* () {
    assertEquals(watch.active, true);
  });
  assertEquals(watch.active, false);
});

Deno.test("a scheduler that cannot be made does not watch", () => {
  assertThrows(() => new Scheduler({ debug: true, shuffle: NaN }), TypeError);
  assertEquals(watch.active, false);
});

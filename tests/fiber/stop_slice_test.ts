import { Scheduler } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { settle } from "../helpers/lab.ts";

Deno.test("stopping a slice ends it after the step that runs, and has no effect on the slices that follow", async () => {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const log: string[] = [];
  for (const name of ["first", "second"]) {
    scheduler.spawn(function* () {
      if (name === "first") scheduler.loop.stopSlice();
      for (let i = 0; i < 3; i++) {
        log.push(`${name} ${i}`);
        yield;
      }
    });
  }
  await settle();
  assertEquals(log, ["first 0"]);
  scheduler.loop.driver.wake();
  await scheduler.join();
  assertEquals(log.length, 6);
  // There is no slice that it could stop.
  scheduler.loop.stopSlice();
  const coros = ["one", "two"].map((name) =>
    scheduler.spawn(function* () {
      for (let i = 0; i < 10_000; i++) yield;
      return name;
    })
  );
  assertEquals(await Promise.all(coros.map((coro) => coro.value())), ["one", "two"]);
  await scheduler.terminate();
});

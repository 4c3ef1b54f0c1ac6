/**
 * What happens when the host refuses memory for more coroutines: here it does so at 2,048. Whoever asked for more is
 * told, nothing else changes, and what runs goes on.
 */
import { all, type Coro, race, Scheduler, sleep } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { setKernelModule } from "../core/kernel/kernel.ts";
import { limitedTo } from "./helpers/limited_kernel.ts";

const ROOM = 2048;
const REFUSED = "Cannot create a coroutine as the host refuses the scheduler memory for more than 2048, " +
  "let some finish first: current value is 2048 live coroutines";

// Before the first scheduler of this file, which would leave its kernel to the next one.
setKernelModule(limitedTo(2));

/** Answers its messages with their double until one is negative. */
function* double(coro: Coro): Generator<unknown, number, unknown> {
  for (let answered = 0;; answered++) {
    const [from, n] = yield* coro.receive<[Coro, number]>();
    if (n < 0) return answered;
    from.send(2 * n);
  }
}

/** A scheduler with no room for another coroutine, and its coroutines, which wait. */
function full(): { scheduler: Scheduler; coros: Coro<number>[]; reported: unknown[] } {
  const scheduler = new Scheduler({ clock: new VirtualClock() });
  const reported: unknown[] = [];
  scheduler.onError = (error) => reported.push(error);
  const coros: Coro<number>[] = [];
  for (let i = 0; i < ROOM; i++) coros.push(scheduler.spawn(double));
  return { scheduler, coros, reported };
}

Deno.test("beyond the last coroutine there is room for, creating one throws, and all others go on", async () => {
  const { scheduler, coros, reported } = full();
  for (let attempt = 0; attempt < 3; attempt++) {
    assertThrows(() => scheduler.spawn(function* () {}), RangeError, REFUSED);
  }
  assertEquals(scheduler.stats().live, ROOM);
  coros[0].send([coros[0], -1]);
  assertEquals(await coros[0].value(), 0);
  const sum = await scheduler.spawn(function* (coro) {
    assertThrows(() => scheduler.spawn(function* () {}), RangeError, REFUSED);
    let sum = 0;
    for (const [i, each] of coros.entries()) {
      if (!each.send([coro, i])) continue;
      sum += yield* coro.receive<number>();
    }
    return sum;
  }).value();
  assertEquals(sum, ROOM * (ROOM - 1));
  await scheduler.terminate();
  assertEquals(scheduler.stats().live, 0);
  assertEquals(reported, []);
});

Deno.test("race() and all() without room for all they wait for throw, and take none of the room that is left", async () => {
  const { scheduler, coros } = full();
  for (const coro of coros.slice(0, 3)) coro.send([coro, -1]);
  await coros[2].value();
  const outcome = await scheduler.spawn(function* () {
    const errors: string[] = [];
    for (const combine of [race, all, race, all]) {
      try {
        yield* combine([sleep(1), sleep(2), sleep(3)]);
      } catch (error) {
        errors.push((error as Error).message);
      }
      yield;
    }
    return [errors, yield* all([sleep(1), sleep(2)])];
  }).value();
  assertEquals(outcome, [[REFUSED, REFUSED, REFUSED, REFUSED], [undefined, undefined]]);
  await scheduler.terminate();
});

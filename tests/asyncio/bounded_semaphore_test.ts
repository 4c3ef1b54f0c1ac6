/** BoundedSemaphore: never more permits than at first. */
import { BoundedSemaphore, createTask, Semaphore, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { loopTest } from "./loop_lab.ts";
import { outcomeOf } from "./outcome.ts";

Deno.test("releasing a bounded semaphore that was not acquired is an error", () => {
  const semaphore = new BoundedSemaphore(2, "seats");
  assertInstanceOf(semaphore, Semaphore);
  assertThrows(() => semaphore.release(), RangeError, "bounded semaphore 'seats' as there would be more permits");
  assertEquals(semaphore.statistics(), { value: 2, waiters: 0 });
});

loopTest("a bounded semaphore is released as often as it was acquired", function* () {
  const semaphore = new BoundedSemaphore();
  yield* semaphore.acquire();
  semaphore.release();
  assertThrows(() => semaphore.release(), RangeError);
  yield* semaphore.acquire();
  assertThrows(() => semaphore.release(2), RangeError);
  assertEquals(semaphore.locked(), true);
});

loopTest("a release that grants a permit leaves the number of free permits as it is", function* () {
  const semaphore = new BoundedSemaphore(1);
  yield* semaphore.acquire();
  const next = createTask(semaphore.acquire());
  yield* sleep(0);
  semaphore.release();
  yield* next;
  semaphore.release();
  assertThrows(() => semaphore.release(), RangeError);
});

loopTest("a permit comes back once when the task that was granted it is cancelled", function* () {
  const semaphore = new BoundedSemaphore(1);
  const guard = yield* semaphore.hold();
  const task = createTask(semaphore.acquire());
  yield* sleep(0);
  guard[Symbol.dispose]();
  task.cancel();
  assertEquals(yield* outcomeOf(task), "CancelledError");
  assertEquals(semaphore.statistics(), { value: 1, waiters: 0 });
});

loopTest("the block of hold() returns its permit, and an extra release inside is an error at its end", function* () {
  const semaphore = new BoundedSemaphore(1);
  {
    using _ = yield* semaphore.hold();
    assertEquals(semaphore.locked(), true);
  }
  assertEquals(semaphore.locked(), false);
  const task = createTask(function* () {
    using _ = yield* semaphore.hold();
    semaphore.release();
  });
  assertEquals(yield* outcomeOf(task), "Error");
  assertEquals(semaphore.statistics(), { value: 1, waiters: 0 });
});

Deno.test("a bounded semaphore begins with an integer of 0 or more", () => {
  assertThrows(() => new BoundedSemaphore(-1), RangeError, "'value' must be an integer of 0 or more");
  assertEquals(new BoundedSemaphore(0).locked(), true);
});

/**
 * An event loop that is closed frees its kernel.
 */
import { type EventLoop, newEventLoop, sleep } from "@asyncoro/asyncoro/asyncio";
import { assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { Kernel } from "../../core/kernel/kernel.ts";

/** Runs an event loop, closes it, and returns its kernel and the one that is allocated next. */
async function kernels(leave: (loop: EventLoop) => void): Promise<[Kernel, Kernel]> {
  const loop = newEventLoop();
  loop.setExceptionHandler(() => {});
  const { kernel } = loop.scheduler.loop;
  await loop.runUntilComplete(function* () {
    for (let i = 0; i < 10; i++) {
      loop.callSoon(() => {});
      yield* sleep(0);
    }
    leave(loop);
  });
  loop.close();
  return [kernel, Kernel.take()];
}

Deno.test("the kernel of an event loop that is closed with nothing left in it is used again", async () => {
  assertStrictEquals(...await kernels(() => {}));
});

Deno.test("the kernel of an event loop in which a task or a timer is left is not used again", async () => {
  assertNotStrictEquals(...await kernels((loop) => loop.createTask(sleep(60))));
  assertNotStrictEquals(...await kernels((loop) => loop.callLater(60, () => {})));
});

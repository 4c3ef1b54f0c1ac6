/** The end of a scheduler without cleanup, for a machine of a simulation that crashes. */
import type { Fiber } from "../fiber/fiber.ts";
import { WAITING } from "../fiber/operation.ts";
import type { CoroLoop } from "./coro_loop.ts";

/**
 * Ends a scheduler at once, as a process that is killed: no cleanup and no function of `atexit()` runs. A wait from outside
 * for the end of one of its coroutines fails with the reason. It must not be running a slice. Has no effect if it has ended.
 */
export function killLoop(loop: CoroLoop, reason: Error): void {
  if (loop.closed) return;
  loop.reportFailures();
  loop.driver.stop();
  loop.broken = reason;
  detachWaits(loop);
  loop.abandonCoros(loop.coros(), reason);
  for (const entity of loop.slots.table) if (entity !== undefined) loop.freeSlot(entity);
  loop.closeKernel();
}

/** Takes the waits out of what would end them, which may outlive the scheduler. */
function detachWaits(loop: CoroLoop): void {
  for (const entity of loop.slots.table) {
    const wait = (entity as Partial<Fiber> | undefined)?.wait ?? null;
    // The items of a race have slots themselves, and are not to be closed.
    if (wait !== null && wait.state === WAITING && wait.parts.length === 0) wait.detach();
  }
}

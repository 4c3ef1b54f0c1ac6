/** Reports an epoch that does not end. */
import type { Coro } from "@asyncoro/asyncoro";
import type { World } from "./world.ts";

// How much longer an epoch may take than planned, in seconds of its own clock: the slowest cleanup takes far less.
export const VIRTUAL_PATIENCE = 2000;
// The same in real time.
export const REAL_PATIENCE = 90;
// Seconds of real time between two looks at a virtual clock.
const LOOK_EVERY = 10;

/** Tells that a clock has stopped when it shows the same time at several looks after the first. */
export class Standstill {
  readonly #limit: number;
  #seen = NaN;
  #looks = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Notes what the clock shows now. Returns whether it has stopped: `true` once. */
  look(time: number): boolean {
    this.#looks = time === this.#seen ? this.#looks + 1 : 0;
    this.#seen = time;
    return this.#looks === this.#limit;
  }
}

/** Watches an epoch until `stop` is called, by its own clock and by the host's. */
export function startWatchdog(world: World): { stop(): void } {
  const { virtual, seconds } = world.plan;
  const late = () => world.violate("No wake-up is lost", "the epoch does not come to its end");
  const unwatch = virtual ? watchVirtualClock(world, late) : watchHost(seconds + REAL_PATIENCE, late);
  const limit = virtual ? seconds + VIRTUAL_PATIENCE : Infinity;
  const coro = world.spawn("watchdog", function* (coro: Coro) {
    if (yield* coro.sleep(limit, true)) late();
  });
  return {
    stop() {
      unwatch();
      coro.resume(false);
    },
  };
}

/** Virtual time is late only when it stops: how fast it passes depends on what else the machine does. */
function watchVirtualClock(world: World, late: () => void): () => void {
  const standstill = new Standstill(REAL_PATIENCE / LOOK_EVERY);
  const timer = setInterval(() => {
    if (standstill.look(world.now())) late();
  }, LOOK_EVERY * 1000);
  return () => clearInterval(timer);
}

function watchHost(seconds: number, late: () => void): () => void {
  const timer = setTimeout(late, seconds * 1000);
  return () => clearTimeout(timer);
}

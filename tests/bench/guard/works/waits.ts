/** Locks and timers. */
import { type Coro, Lock } from "@asyncoro/asyncoro";
import { type Body, scheduled, type Works } from "./work.ts";

function* locker(_coro: Coro, lock: Lock, count: number): Body {
  for (let i = 0; i < count; i++) {
    yield* lock.acquire();
    yield;
    lock.release();
  }
}

function* sleeper(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) yield* coro.sleep(0.001 * (1 + (coro.id * 7 + i) % 20));
}

/** The works, by name. */
export const works: Works = {
  lock: scheduled(500_000, (scheduler) => {
    const lock = new Lock();
    for (let i = 0; i < 2; i++) scheduler.spawn(locker, lock, 250_000);
  }),
  // Waiting costs no CPU time: the figure is the cost of timers.
  sleepers: scheduled(200_000, (scheduler) => {
    for (let i = 0; i < 10_000; i++) scheduler.spawn(sleeper, 20);
  }),
};

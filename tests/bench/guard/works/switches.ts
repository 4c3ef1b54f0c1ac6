/** Plain yields. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Coro } from "@asyncoro/asyncoro";
import { type Body, scheduled, type Works } from "./work.ts";

const [COROUTINES, STEPS] = [1_000, 2_000];

function* yielder(_coro: Coro, steps: number): Body {
  for (let i = 0; i < steps; i++) yield;
}

/** The works, by name. */
export const works: Works = {
  switch: scheduled(COROUTINES * STEPS, (scheduler) => {
    for (let i = 0; i < COROUTINES; i++) scheduler.spawn(yielder, STEPS);
  }),
  // With two priorities in play all the time.
  levels: scheduled(COROUTINES * STEPS, (scheduler) => {
    for (let i = 0; i < COROUTINES; i++) scheduler.spawnWith({ priority: 3 + i % 2 }, yielder, STEPS);
  }),
  // Every step has another host context than the one before.
  contexts: scheduled(COROUTINES * STEPS, (scheduler) => {
    const stored = new AsyncLocalStorage<number>();
    for (let i = 0; i < COROUTINES; i++) stored.run(i, () => scheduler.spawn(yielder, STEPS));
  }),
};

/** Coroutines that end at once. */
import type { Coro } from "@asyncoro/asyncoro";
import { type Body, nothing, scheduled, type Works } from "./work.ts";

function* spawner(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) yield* coro.scheduler.spawn(nothing).finish();
}

function* hundreds(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i += 100) {
    let last = coro.scheduler.spawn(nothing);
    for (let n = 1; n < 100; n++) last = coro.scheduler.spawn(nothing);
    yield* last.finish();
  }
}

/** The works, by name. */
export const works: Works = {
  spawn: scheduled(150_000, (scheduler) => void scheduler.spawn(spawner, 150_000)),
  hundreds: scheduled(300_000, (scheduler) => void scheduler.spawn(hundreds, 300_000)),
};

/** Items through a queue that has room for one, so that both sides wait. */
import { type Coro, Queue } from "@asyncoro/asyncoro";
import { type Body, scheduled, type Works } from "./work.ts";

const ITEMS = 300_000;

function* producer(_coro: Coro, queue: Queue<number>): Body {
  for (let i = 0; i < ITEMS; i++) yield* queue.put(i);
}

function* consumer(_coro: Coro, queue: Queue<number>): Body {
  for (let i = 0; i < ITEMS; i++) yield* queue.get();
}

/** The works, by name. */
export const works: Works = {
  queue: scheduled(ITEMS, (scheduler) => {
    const queue = new Queue<number>(1);
    scheduler.spawn(producer, queue);
    scheduler.spawn(consumer, queue);
  }),
};

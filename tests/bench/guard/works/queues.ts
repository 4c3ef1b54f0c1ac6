/** Items through bounded queues, where both sides wait. */
import { type Coro, Queue, type Scheduler } from "@asyncoro/asyncoro";
import { type Body, scheduled, type Works } from "./work.ts";

const ITEMS = 300_000;

function* producer(_coro: Coro, queue: Queue<number>): Body {
  for (let i = 0; i < ITEMS; i++) yield* queue.put(i);
}

function* consumer(_coro: Coro, queue: Queue<number>): Body {
  for (let i = 0; i < ITEMS; i++) yield* queue.get();
}

function through(capacity: number): (scheduler: Scheduler) => void {
  return (scheduler) => {
    const queue = new Queue<number>(capacity);
    scheduler.spawn(producer, queue);
    scheduler.spawn(consumer, queue);
  };
}

/** The works, by name. */
export const works: Works = {
  "hand-over": scheduled(ITEMS, through(0)),
  queue: scheduled(ITEMS, through(1)),
  "queue-16": scheduled(ITEMS, through(16)),
};

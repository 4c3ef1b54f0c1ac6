/** Waits for the first of several, and for all of them. */
import { all, type Coro, Queue, type Scheduler, select } from "@asyncoro/asyncoro";
import { type Body, scheduled, type Works } from "./work.ts";

const [QUEUES, ITEMS, MESSAGES] = [4, 100_000, 50_000];

function* producer(_coro: Coro, queue: Queue<number>, count: number): Body {
  for (let i = 0; i < count; i++) yield* queue.put(i);
}

function* selector(_coro: Coro, [a, b, c, d]: Queue<number>[]): Body {
  for (let i = 0; i < ITEMS; i++) yield* select({ a: a.get(), b: b.get(), c: c.get(), d: d.get() });
}

/** Each message comes when both waits have begun, and long before the time is up. */
function* receiver(coro: Coro, sender: Coro): Body {
  for (let i = 0; i < MESSAGES; i++) {
    sender.send(coro);
    yield* select({ message: coro.receive(), late: coro.sleep(60) });
  }
}

function* sender(coro: Coro): Body {
  for (let i = 0; i < MESSAGES; i++) (yield* coro.receive<Coro>()).send(i);
}

function* collector(_coro: Coro, queues: Queue<number>[]): Body {
  for (let i = 0; i < ITEMS; i += QUEUES) yield* all(queues.map((queue) => queue.get()));
}

function from(consumer: typeof selector): (scheduler: Scheduler) => void {
  return (scheduler) => {
    const queues = Array.from({ length: QUEUES }, () => new Queue<number>(1));
    for (const queue of queues) scheduler.spawn(producer, queue, ITEMS / QUEUES);
    scheduler.spawn(consumer, queues);
  };
}

/** The works, by name. */
export const works: Works = {
  select: scheduled(ITEMS, from(selector)),
  "select-late": scheduled(MESSAGES, (scheduler) => void scheduler.spawn(receiver, scheduler.spawn(sender) as Coro)),
  all: scheduled(ITEMS, from(collector)),
};

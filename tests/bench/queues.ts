/** The cost of an item that goes through a queue: one put and one get, with and without waits. */
import { type Coro, Queue, RateLimiter, Scheduler } from "@asyncoro/asyncoro";
import { compare, type Effort, ns, printTable, timed } from "./harness.ts";

type Body = Generator<unknown, void, unknown>;

/** One coroutine puts and gets: nothing waits. */
function alone(count: number): Promise<number> {
  const scheduler = new Scheduler();
  scheduler.spawn(function* (): Body {
    const queue = new Queue<number>(8);
    for (let i = 0; i < count; i++) {
      yield* queue.put(i);
      yield* queue.get();
    }
  });
  return timed(count, () => scheduler.join());
}

/** One coroutine puts what another gets. */
function between(capacity: number, pairs: number, count: number): Promise<number> {
  const scheduler = new Scheduler();
  const queue = new Queue<number>(capacity);
  const producer = function* (_coro: Coro, items: number): Body {
    for (let i = 0; i < items; i++) yield* queue.put(i);
  };
  const consumer = function* (_coro: Coro, items: number): Body {
    for (let i = 0; i < items; i++) yield* queue.get();
  };
  for (let pair = 0; pair < pairs; pair++) {
    scheduler.spawn(producer, count / pairs);
    scheduler.spawn(consumer, count / pairs);
  }
  return timed(count, () => scheduler.join());
}

/** Takes tokens that are there. */
function tokens(count: number): Promise<number> {
  const scheduler = new Scheduler();
  scheduler.spawn(function* (): Body {
    const limiter = new RateLimiter({ rate: 1e9 });
    for (let i = 0; i < count; i++) yield* limiter.take();
  });
  return timed(count, () => scheduler.join());
}

/** Queues. */
export async function benchQueues({ rounds, scale }: Effort): Promise<void> {
  const count = 100 * Math.round(10_000 * scale);
  const { medians } = await compare(rounds, {
    alone: () => alone(count),
    handedOver: () => between(0, 1, count),
    one: () => between(1, 1, count),
    sixteen: () => between(16, 1, count),
    many: () => between(1, 100, count),
    tokens: () => tokens(count),
  });
  printTable("Queue, ns an item", ["what", "ns"], [
    ["put and get by one coroutine", ns(medians.alone)],
    ["capacity 0, between two", ns(medians.handedOver)],
    ["capacity 1, between two", ns(medians.one)],
    ["capacity 16, between two", ns(medians.sixteen)],
    ["capacity 1, between 100 and 100", ns(medians.many)],
    ["a token that is there, of a rate limiter", ns(medians.tokens)],
  ]);
}

/**
 * Effect: fibers, queues, a semaphore, a hub, on its default scheduler.
 *
 * Its fibers start on the scheduler's next turn, as ours do and as the work demands. (With `startImmediately: true`,
 * and in `Effect.forEach`, one that never waits runs to its end where it is forked, without a scheduler, and costs
 * less.)
 *
 * Each of its fibers requests a `setImmediate` of its own when it yields or is woken, which is most of the cost of a
 * switch here.
 */
import { Effect, Fiber, Layer, PubSub, Queue, Semaphore } from "effect";
import { RateLimiter } from "effect/persistence";
import { runWorks, type Works } from "./contender.ts";
import { BURST, CHILDREN, COROUTINES, delayOf, RATE, RING, SENDERS, SOURCES, SUBSCRIBERS, TAKERS } from "./works.ts";

const short = Effect.fnUntraced(function* (index: number) {
  return yield* Effect.succeed(index);
});

/** Its works, by name. */
export const works: Works = {
  "switch": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      const steps = amount / COROUTINES;
      let [begun, sum] = [0, 0];
      const yielder = Effect.gen(function* () {
        begun++;
        for (let i = 0; i < steps; i++) yield* Effect.yieldNow;
        if (begun === COROUTINES) sum += steps;
      });
      const fibers: Fiber.Fiber<void>[] = [];
      for (let i = 0; i < COROUTINES; i++) fibers.push(yield* Effect.forkChild(yielder));
      yield* Fiber.joinAll(fibers);
      return sum;
    })),

  "spawn": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* Fiber.join(yield* Effect.forkChild(short(i)));
      return sum;
    })),

  "hundreds": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      let [next, sum] = [0, 0];
      while (next < amount) {
        const fibers: Fiber.Fiber<number>[] = [];
        for (let i = 0; i < 100; i++) fibers.push(yield* Effect.forkChild(short(next++)));
        for (const result of yield* Fiber.joinAll(fibers)) sum += result;
      }
      return sum;
    })),

  "ping-pong": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      const there = yield* Queue.unbounded<number>();
      const back = yield* Queue.unbounded<number>();
      const partner = yield* Effect.forkChild(Effect.gen(function* () {
        for (let i = 0; i < amount; i += 2) yield* Queue.offer(back, (yield* Queue.take(there)) + 1);
      }));
      let last = 0;
      for (let i = 0; i < amount; i += 2) {
        yield* Queue.offer(there, last + 1);
        last = yield* Queue.take(back);
      }
      yield* Fiber.join(partner);
      return last;
    })),

  "ring": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      const queues: Queue.Queue<number>[] = [];
      for (let i = 0; i < RING; i++) queues.push(yield* Queue.unbounded<number>());
      const end = yield* Queue.unbounded<number>();
      const node = Effect.fnUntraced(function* (number: number) {
        for (;;) {
          const token = yield* Queue.take(queues[number - 1]);
          if (token > 0) yield* Queue.offer(queues[number % RING], token - 1);
          else yield* Queue.offer(end, number);
        }
      });
      const fibers: Fiber.Fiber<never>[] = [];
      for (let number = 1; number <= RING; number++) fibers.push(yield* Effect.forkChild(node(number)));
      yield* Queue.offer(queues[0], amount);
      const last = yield* Queue.take(end);
      yield* Fiber.interruptAll(fibers);
      return last;
    })),

  "fan-in": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      const queue = yield* Queue.unbounded<number>();
      const each = amount / SENDERS;
      const sender = Effect.fnUntraced(function* (first: number) {
        for (let i = 0; i < each; i++) {
          yield* Queue.offer(queue, first + i);
          yield* Effect.yieldNow;
        }
      });
      for (let i = 0; i < SENDERS; i++) yield* Effect.forkChild(sender(i * each));
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* Queue.take(queue);
      return sum;
    })),

  "lock": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      const semaphore = yield* Semaphore.make(1);
      let counter = 0;
      const critical = Semaphore.withPermit(
        semaphore,
        Effect.gen(function* () {
          const seen = counter;
          yield* Effect.yieldNow;
          counter = seen + 1;
        }),
      );
      const holder = Effect.gen(function* () {
        for (let i = 0; i < amount; i += 2) yield* critical;
      });
      yield* Fiber.joinAll([yield* Effect.forkChild(holder), yield* Effect.forkChild(holder)]);
      return counter;
    })),

  "queue": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      const queue = yield* Queue.bounded<number>(1);
      yield* Effect.forkChild(Effect.gen(function* () {
        for (let i = 0; i < amount; i++) yield* Queue.offer(queue, i);
      }));
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* Queue.take(queue);
      return sum;
    })),

  "broadcast": (amount) =>
    Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const messages = amount / SUBSCRIBERS;
      const hub = yield* PubSub.unbounded<number>();
      const listener = Effect.fnUntraced(function* (subscription: PubSub.Subscription<number>) {
        let inOrder = 0;
        for (let i = 0; i < messages; i++) {
          if ((yield* PubSub.take(subscription)) === inOrder) inOrder++;
        }
        return inOrder;
      });
      const fibers: Fiber.Fiber<number>[] = [];
      for (let i = 0; i < SUBSCRIBERS; i++) {
        fibers.push(yield* Effect.forkChild(listener(yield* PubSub.subscribe(hub))));
      }
      for (let i = 0; i < messages; i++) {
        yield* PubSub.publish(hub, i);
        yield* Effect.yieldNow;
      }
      return (yield* Fiber.joinAll(fibers)).reduce((sum, inOrder) => sum + inOrder, 0);
    }))),

  "scope": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      let [next, sum] = [0, 0];
      const child = Effect.fnUntraced(function* (index: number) {
        sum += yield* Effect.succeed(index);
      });
      const group = Effect.scoped(Effect.gen(function* () {
        const fibers: Fiber.Fiber<void>[] = [];
        for (let i = 0; i < CHILDREN; i++) fibers.push(yield* Effect.forkScoped(child(next++)));
        yield* Fiber.joinAll(fibers);
      }));
      while (next < amount) yield* group;
      return sum;
    })),

  "select": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      const queues: Queue.Queue<number>[] = [];
      for (let i = 0; i < SOURCES; i++) queues.push(yield* Queue.bounded<number>(1));
      const each = amount / SOURCES;
      for (const [index, queue] of queues.entries()) {
        yield* Effect.forkChild(Effect.gen(function* () {
          for (let i = 0; i < each; i++) yield* Queue.offer(queue, each * index + i);
        }));
      }
      const anyOf = Effect.raceAllFirst(queues.map((queue) => Queue.take(queue)));
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* anyOf;
      return sum;
    })),

  "limiter": (amount) =>
    Effect.runPromise(Effect.provide(
      Effect.gen(function* () {
        const limiter = yield* RateLimiter.RateLimiter;
        const options = {
          algorithm: "token-bucket",
          limit: BURST,
          window: BURST / RATE * 1000,
          key: "tokens",
        } as const;
        const take = RateLimiter.sleep(limiter, options);
        let taken = 0;
        const taker = Effect.gen(function* () {
          for (let i = 0; i < amount / TAKERS; i++) {
            yield* take;
            taken++;
          }
        });
        const fibers: Fiber.Fiber<void, RateLimiter.RateLimiterError>[] = [];
        for (let i = 0; i < TAKERS; i++) fibers.push(yield* Effect.forkChild(taker));
        yield* Fiber.joinAll(fibers);
        return taken;
      }),
      RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory)),
    )),

  "sleepers": (amount) =>
    Effect.runPromise(Effect.gen(function* () {
      let woken = 0;
      const sleeper = Effect.fnUntraced(function* (delay: number) {
        yield* Effect.sleep(delay * 1000);
        woken++;
      });
      const fibers: Fiber.Fiber<void>[] = [];
      for (let i = 0; i < amount; i++) fibers.push(yield* Effect.forkChild(sleeper(delayOf(i))));
      yield* Fiber.joinAll(fibers);
      return woken;
    })),
};

if (import.meta.main) await runWorks(works);

/** Coroutines of this library, as a user writes them. */
import { AsyncSocket, Channel, Coro, Lock, Queue, RateLimiter, run, scope, select } from "@asyncoro/asyncoro";
import { many } from "../harness.ts";
import { runWorks, type Works } from "./contender.ts";
import { BURST, CHILDREN, COROUTINES, delayOf, RATE, RING, SENDERS, SOURCES, SUBSCRIBERS, TAKERS } from "./works.ts";

/** A coroutine function that returns a `T`. */
type Body<T = void> = Generator<unknown, T, unknown>;

/** Its works, by name. */
export const works: Works = {
  "switch": (amount) =>
    run(function* (): Body<number> {
      const steps = amount / COROUTINES;
      let [begun, sum] = [0, 0];
      const yielder = function* (): Body {
        begun++;
        for (let i = 0; i < steps; i++) yield;
        if (begun === COROUTINES) sum += steps;
      };
      for (const each of many(COROUTINES, () => new Coro(yielder))) yield* each.finish();
      return sum;
    }),

  "spawn": (amount) =>
    run(function* (): Body<number> {
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* new Coro(short, i).finish();
      return sum;
    }),

  "hundreds": (amount) =>
    run(function* (): Body<number> {
      let [next, sum] = [0, 0];
      while (next < amount) {
        for (const each of many(100, () => new Coro(short, next++))) sum += yield* each.finish();
      }
      return sum;
    }),

  "ping-pong": (amount) =>
    run(function* (coro: Coro): Body<number> {
      const partner = new Coro(ponger, coro, amount / 2);
      let last = 0;
      for (let i = 0; i < amount; i += 2) {
        partner.send(last + 1);
        last = yield* coro.receive<number>();
      }
      return last;
    }),

  "ring": (amount) =>
    run(function* (coro: Coro): Body<number> {
      const ring: Coro[] = [];
      const node = function* (self: Coro, number: number): Body {
        for (;;) {
          const token = yield* self.receive<number>();
          if (token > 0) ring[number % RING].send(token - 1);
          else coro.send(number);
        }
      };
      for (let number = 1; number <= RING; number++) ring.push(new Coro(node, number));
      ring[0].send(amount);
      const last = yield* coro.receive<number>();
      for (const each of ring) each.terminate();
      return last;
    }),

  "fan-in": (amount) =>
    run(function* (coro: Coro): Body<number> {
      const each = amount / SENDERS;
      for (let i = 0; i < SENDERS; i++) new Coro(sender, coro, i * each, each);
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* coro.receive<number>();
      return sum;
    }),

  "lock": (amount) =>
    run(function* (): Body<number> {
      const lock = new Lock();
      let counter = 0;
      const holder = function* (): Body {
        for (let i = 0; i < amount; i += 2) {
          yield* lock.acquire();
          const seen = counter;
          yield;
          counter = seen + 1;
          lock.release();
        }
      };
      const [one, other] = [new Coro(holder), new Coro(holder)];
      yield* one.finish();
      yield* other.finish();
      return counter;
    }),

  "queue": (amount) =>
    run(function* (): Body<number> {
      const queue = new Queue<number>(1);
      new Coro(function* (): Body {
        for (let i = 0; i < amount; i++) yield* queue.put(i);
      });
      let sum = 0;
      for (let i = 0; i < amount; i++) sum += yield* queue.get();
      return sum;
    }),

  "broadcast": (amount) =>
    run(function* (): Body<number> {
      const messages = amount / SUBSCRIBERS;
      const channel = new Channel<number>("broadcast");
      const listener = function* (coro: Coro): Body<number> {
        yield* channel.subscribe(coro);
        let inOrder = 0;
        for (let i = 0; i < messages; i++) {
          if ((yield* coro.receive<number>()) === inOrder) inOrder++;
        }
        return inOrder;
      };
      const listeners = many(SUBSCRIBERS, () => new Coro(listener));
      yield* channel.deliver(0, null, SUBSCRIBERS);
      for (let i = 1; i < messages; i++) {
        yield;
        channel.send(i);
      }
      let sum = 0;
      for (const each of listeners) sum += yield* each.finish();
      channel.close();
      return sum;
    }),

  "scope": (amount) =>
    run(function* (): Body<number> {
      let [next, sum] = [0, 0];
      const child = function* (_coro: Coro, index: number): Body {
        sum += index;
      };
      while (next < amount) {
        yield* scope(function* (scope) {
          for (let i = 0; i < CHILDREN; i++) scope.spawn(child, next++);
        });
      }
      return sum;
    }),

  "select": (amount) =>
    run(function* (): Body<number> {
      const each = amount / SOURCES;
      const queues = many(SOURCES, () => new Queue<number>(1));
      queues.forEach((queue, index) => new Coro(producer, queue, each * index, each));
      const [a, b, c, d] = queues;
      let sum = 0;
      for (let i = 0; i < amount; i++) {
        const [, item] = yield* select({ a: a.get(), b: b.get(), c: c.get(), d: d.get() });
        sum += item;
      }
      return sum;
    }),

  "limiter": (amount) =>
    run(function* (): Body<number> {
      const limiter = new RateLimiter({ rate: RATE, burst: BURST });
      let taken = 0;
      const taker = function* (): Body {
        for (let i = 0; i < amount / TAKERS; i++) {
          yield* limiter.take();
          taken++;
        }
      };
      for (const each of many(TAKERS, () => new Coro(taker))) yield* each.finish();
      return taken;
    }),

  "sleepers": (amount) =>
    run(function* (): Body<number> {
      let [index, woken] = [0, 0];
      const sleeper = function* (coro: Coro, delay: number): Body {
        yield* coro.sleep(delay);
        woken++;
      };
      for (const each of many(amount, () => new Coro(sleeper, delayOf(index++)))) yield* each.finish();
      return woken;
    }),
};

function* short(_coro: Coro, index: number): Body<number> {
  return index;
}

function* ponger(coro: Coro, partner: Coro, rounds: number): Body {
  for (let i = 0; i < rounds; i++) partner.send((yield* coro.receive<number>()) + 1);
}

function* sender(_coro: Coro, collector: Coro, first: number, count: number): Body {
  for (let i = 0; i < count; i++) {
    collector.send(first + i);
    yield;
  }
}

function* producer(_coro: Coro, queue: Queue<number>, first: number, count: number): Body {
  for (let i = 0; i < count; i++) yield* queue.put(first + i);
}

function* serve(_coro: Coro, socket: AsyncSocket): Body {
  using _ = socket;
  for (let data = yield* socket.recv(); data.length > 0; data = yield* socket.recv()) yield* socket.sendall(data);
}

function echo(): number {
  const listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
  new Coro(function* (): Body {
    for (;;) new Coro(serve, yield* listener.accept());
  });
  return (listener.addr as Deno.NetAddr).port;
}

if (import.meta.main) await runWorks(works, echo);

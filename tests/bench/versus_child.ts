/** One side of `versus.ts`: does a work with whichever checkout its configuration names; prints nanoseconds of CPU time as JSON. */
import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";
import { call, Channel, type Coro, Event, Lock, Queue, Scheduler, Semaphore, until } from "@asyncoro/asyncoro";

type Body = Generator<unknown, void, unknown>;

// Enough for V8 to have compiled the code, and for one figure to take some 50 ms.
const REPEATS = 7;

function* yielder(_coro: Coro, steps: number): Body {
  for (let i = 0; i < steps; i++) yield;
}

function* ponger(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) (yield* coro.receive<Coro>()).send(i);
}

function* pinger(coro: Coro, partner: Coro, count: number): Body {
  for (let i = 0; i < count; i++) {
    partner.send(coro);
    yield* coro.receive();
  }
}

function* nothing(): Body {}

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

function ring(scheduler: Scheduler, size: number, hops: number): void {
  const all: Coro[] = [];
  const node = function* (coro: Coro, index: number): Body {
    for (let token = yield* coro.receive<number>(); token >= 0; token = yield* coro.receive<number>()) {
      all[(index + 1) % size].send(token - 1);
    }
    all[(index + 1) % size].send(-1);
  };
  for (let i = 0; i < size; i++) all.push(scheduler.spawn(node, i) as Coro);
  all[0].send(hops);
}

function fanIn(scheduler: Scheduler, senders: number, each: number): void {
  const collector = scheduler.spawn(function* (coro: Coro): Body {
    for (let i = 0; i < senders * each; i++) yield* coro.receive();
  });
  for (let i = 0; i < senders; i++) {
    scheduler.spawn(function* (): Body {
      for (let n = 0; n < each; n++) {
        collector.send(n);
        yield;
      }
    });
  }
}

function broadcast(scheduler: Scheduler, subscribers: number, messages: number): void {
  const channel = new Channel<number>(`broadcast ${performance.now()}`);
  for (let i = 0; i < subscribers; i++) {
    scheduler.spawn(function* (coro: Coro): Body {
      yield* channel.subscribe(coro);
      for (let n = 0; n < messages; n++) yield* coro.receive();
    });
  }
  scheduler.spawn(function* (): Body {
    yield* channel.deliver(0, null, subscribers);
    for (let n = 1; n < messages; n++) {
      channel.send(n);
      yield;
    }
  });
}

/** One coroutine puts what another gets. */
function queue(capacity: number): Work {
  const items = 400_000;
  return {
    operations: items,
    begin(scheduler) {
      const queue = new Queue<number>(capacity);
      scheduler.spawn(function* (): Body {
        for (let i = 0; i < items; i++) yield* queue.put(i);
      });
      scheduler.spawn(function* (): Body {
        for (let i = 0; i < items; i++) yield* queue.get();
      });
    },
  };
}

/** Yields operations of many kinds, often enough that V8 has met them all in the code that they share. */
function* manyKinds(coro: Coro): Body {
  const [lock, semaphore, event] = [new Lock(), new Semaphore(1), new Event()];
  event.set();
  for (let i = 0; i < 2_000; i++) {
    yield* lock.acquire();
    lock.release();
    yield* semaphore.acquire();
    semaphore.release();
    yield* event.wait();
    yield* coro.sleep(0);
    yield* coro.receive(0);
    yield* coro.scheduler.spawn(nothing).finish();
    yield* call(nothing());
    yield* until(Promise.resolve());
  }
}

let metKinds = false;

interface Work {
  readonly operations: number;
  begin(scheduler: Scheduler): void;
}

const WORKS: Readonly<Record<string, Work>> = {
  switch: {
    operations: 2_000_000,
    begin(scheduler) {
      for (let i = 0; i < 1_000; i++) scheduler.spawn(yielder, 2_000);
    },
  },
  message: {
    operations: 800_000,
    begin(scheduler) {
      const partner = scheduler.spawn(ponger, 400_000);
      scheduler.spawn(pinger, partner as Coro, 400_000);
    },
  },
  // As message, in a process that has used many kinds of operations, as most programs do.
  kinds: {
    operations: 800_000,
    begin(scheduler) {
      if (!metKinds) scheduler.spawn(manyKinds);
      metKinds = true;
      WORKS.message.begin(scheduler);
    },
  },
  // As switch, but every step has another host context than the one before.
  contexts: {
    operations: 2_000_000,
    begin(scheduler) {
      const stored = new AsyncLocalStorage<number>();
      for (let i = 0; i < 1_000; i++) stored.run(i, () => scheduler.spawn(yielder, 2_000));
    },
  },
  spawn: { operations: 150_000, begin: (scheduler) => void scheduler.spawn(spawner, 150_000) },
  hundreds: { operations: 300_000, begin: (scheduler) => void scheduler.spawn(hundreds, 300_000) },
  ring: { operations: 800_000, begin: (scheduler) => ring(scheduler, 503, 800_000) },
  fanIn: { operations: 500_000, begin: (scheduler) => fanIn(scheduler, 1_000, 500) },
  lock: {
    operations: 500_000,
    begin(scheduler) {
      const lock = new Lock();
      for (let i = 0; i < 2; i++) scheduler.spawn(locker, lock, 250_000);
    },
  },
  broadcast: { operations: 1_000_000, begin: (scheduler) => broadcast(scheduler, 1_000, 1_000) },
  broadcast100: { operations: 1_000_000, begin: (scheduler) => broadcast(scheduler, 100, 10_000) },
  queue0: queue(0),
  queue1: queue(1),
  queue16: queue(16),
  // Waiting costs no CPU time: the figure is the cost of timers.
  sleepers: {
    operations: 200_000,
    begin(scheduler) {
      for (let i = 0; i < 10_000; i++) scheduler.spawn(sleeper, 20);
    },
  },
  // As switch and message, but with two priorities in play all the time.
  levels: {
    operations: 2_000_000,
    begin(scheduler) {
      for (let i = 0; i < 1_000; i++) scheduler.spawnWith({ priority: 3 + i % 2 }, yielder, 2_000);
    },
  },
  levelsMessage: {
    operations: 800_000,
    begin(scheduler) {
      const partner = scheduler.spawnWith({ priority: 3 }, ponger, 400_000);
      scheduler.spawn(pinger, partner as Coro, 400_000);
    },
  },
};

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function once({ operations, begin }: Work): Promise<number> {
  const scheduler = new Scheduler();
  const start = cpuSeconds();
  begin(scheduler);
  await scheduler.join();
  const seconds = cpuSeconds() - start;
  await scheduler.terminate();
  return (seconds * 1e9) / operations;
}

const found: Record<string, number> = {};
for (const name of Deno.args) {
  let best = Infinity;
  for (let i = 0; i < REPEATS; i++) best = Math.min(best, await once(WORKS[name]));
  found[name] = best;
}
console.log(JSON.stringify(found));

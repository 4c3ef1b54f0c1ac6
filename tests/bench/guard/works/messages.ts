/** Messages from coroutine to coroutine. */
import { call, Channel, type Coro, Event, Lock, type Scheduler, Semaphore, until } from "@asyncoro/asyncoro";
import { type Body, nothing, scheduled, type Works } from "./work.ts";

const MESSAGES = 800_000;

function* ponger(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) (yield* coro.receive<Coro>()).send(i);
}

function* pinger(coro: Coro, partner: Coro, count: number): Body {
  for (let i = 0; i < count; i++) {
    partner.send(coro);
    yield* coro.receive();
  }
}

function pingPong(scheduler: Scheduler, partner = scheduler.spawn(ponger, MESSAGES / 2)): void {
  scheduler.spawn(pinger, partner as Coro, MESSAGES / 2);
}

/** Every message is there before its receive, which does not wait. */
function* receiver(coro: Coro, count: number): Body {
  for (let i = 0; i < count; i++) {
    coro.send(i);
    yield* coro.receive();
  }
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

/** The works, by name. */
export const works: Works = {
  message: scheduled(MESSAGES, (scheduler) => pingPong(scheduler)),
  // With two priorities in play all the time.
  "levels-message": scheduled(MESSAGES, (scheduler) => {
    pingPong(scheduler, scheduler.spawnWith({ priority: 3 }, ponger, MESSAGES / 2));
  }),
  // In a process that has used many kinds of operations, as most programs do.
  kinds: scheduled(MESSAGES, (scheduler) => {
    if (!metKinds) scheduler.spawn(manyKinds);
    metKinds = true;
    pingPong(scheduler);
  }),
  receive: scheduled(500_000, (scheduler) => void scheduler.spawn(receiver, 500_000)),
  ring: scheduled(MESSAGES, (scheduler) => ring(scheduler, 503, MESSAGES)),
  "fan-in": scheduled(500_000, (scheduler) => fanIn(scheduler, 1_000, 500)),
  broadcast: scheduled(1_000_000, (scheduler) => broadcast(scheduler, 1_000, 1_000)),
};

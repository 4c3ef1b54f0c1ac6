/** The cost of messages: between two, around a ring, from many to one, to many, with a timeout, and in memory. */
import { Channel, type Coro, Scheduler } from "@asyncoro/asyncoro";
import { compare, type Effort, inOwnProcess, ns, printTable, timed, times } from "./harness.ts";

type Body = Generator<unknown, void, unknown>;

function* ponger(coro: Coro, count: number, timeout?: number): Body {
  for (let i = 0; i < count; i++) (yield* coro.receive<Coro>(timeout))!.send(i);
}

function* pinger(coro: Coro, partner: Coro, count: number, timeout?: number): Body {
  for (let i = 0; i < count; i++) {
    partner.send(coro);
    yield* coro.receive(timeout);
  }
}

function pingPong(count: number, timeout?: number): Promise<number> {
  const scheduler = new Scheduler();
  const partner = scheduler.spawn(ponger, count, timeout);
  scheduler.spawn(pinger, partner as Coro, count, timeout);
  return timed(2 * count, () => scheduler.join());
}

/** The usual queue of native async code: a promise for each waiter. */
class PromiseQueue<T> {
  #items: T[] = [];
  #waiters: ((item: T) => void)[] = [];

  push(item: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#items.push(item);
    else waiter(item);
  }

  pop(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift()!);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }
}

function nativePingPong(count: number): Promise<number> {
  const [there, back] = [new PromiseQueue<number>(), new PromiseQueue<number>()];
  const pong = async () => {
    for (let i = 0; i < count; i++) back.push(await there.pop());
  };
  const ping = async () => {
    for (let i = 0; i < count; i++) {
      there.push(i);
      await back.pop();
    }
  };
  return timed(2 * count, () => Promise.all([pong(), ping()]));
}

const RING = 503;

/**
 * The thread ring of the Computer Language Benchmarks Game: a token goes around until it has been passed on so many
 * times.
 */
function threadRing(hops: number): Promise<number> {
  const scheduler = new Scheduler();
  const ring: Coro[] = [];
  const node = function* (coro: Coro, index: number): Body {
    for (let token = yield* coro.receive<number>(); token >= 0; token = yield* coro.receive<number>()) {
      ring[(index + 1) % RING].send(token - 1);
    }
    ring[(index + 1) % RING].send(-1);
  };
  for (let i = 0; i < RING; i++) ring.push(scheduler.spawn(node, i) as Coro);
  ring[0].send(hops);
  return timed(hops, () => scheduler.join());
}

const SENDERS = 1000;

function fanIn(each: number): Promise<number> {
  const scheduler = new Scheduler();
  const collector = scheduler.spawn(function* (coro: Coro): Body {
    for (let i = 0; i < SENDERS * each; i++) yield* coro.receive();
  });
  for (let i = 0; i < SENDERS; i++) {
    scheduler.spawn(function* (): Body {
      for (let n = 0; n < each; n++) {
        collector.send(n);
        yield;
      }
    });
  }
  return timed(SENDERS * each, () => scheduler.join());
}

async function broadcast(subscribers: number, messages: number): Promise<number> {
  const scheduler = new Scheduler();
  const channel = new Channel<number>(`bench ${subscribers} ${performance.now()}`);
  const all: Coro[] = [];
  for (let i = 0; i < subscribers; i++) {
    all.push(
      scheduler.spawn(function* (coro: Coro): Body {
        yield* channel.subscribe(coro);
        for (let n = 0; n < messages; n++) yield* coro.receive();
      }) as Coro,
    );
  }
  scheduler.spawn(function* (): Body {
    yield* channel.deliver(0, null, subscribers);
    for (let n = 1; n < messages; n++) {
      channel.send(n);
      yield;
    }
  });
  const perMessage = await timed(subscribers * messages, () => scheduler.join());
  channel.close();
  return perMessage;
}

interface Memory {
  readonly early: number;
  readonly late: number;
}

/** Messages and channels. */
export async function benchMessages({ rounds, scale }: Effort): Promise<void> {
  const count = Math.round(500_000 * scale);
  const { medians, ratio } = await compare(rounds, {
    pingPong: () => pingPong(count),
    native: () => nativePingPong(count),
    timeout: () => pingPong(count, 30),
    ring: () => threadRing(2 * count),
    fanIn: () => fanIn(Math.round(count / SENDERS)),
  });
  printTable("Messages, ns", ["what", "ns", "ratio"], [
    ["ping-pong, per message", ns(medians.pingPong), `${times(ratio("pingPong", "native"))} a promise queue`],
    ["ping-pong over a promise queue in native async code", ns(medians.native), ""],
    ["ping-pong, every receive with a timeout", ns(medians.timeout), `${times(ratio("timeout", "pingPong"))} without`],
    [`thread ring of ${RING}, per hop`, ns(medians.ring), ""],
    [`fan-in of ${SENDERS.toLocaleString("en")} senders, per message`, ns(medians.fanIn), ""],
  ]);
  const channels = await compare(rounds, {
    one: () => broadcast(1, count / 10),
    hundred: () => broadcast(100, count / 100),
    many: () => broadcast(10_000, Math.max(3, count / 10_000)),
  });
  printTable("Channel broadcast, ns per subscriber and message", ["subscribers", "ns"], [
    ["1", ns(channels.medians.one)],
    ["100", ns(channels.medians.hundred)],
    ["10,000", ns(channels.medians.many)],
  ]);
}

/** The memory after ten million of each, compared with that after the first hundred thousand. */
export async function benchMemory({ scale }: Effort): Promise<void> {
  const total = Math.round(10_000_000 * scale);
  const rows: string[][] = [];
  for (const kind of ["receive with a timeout", "coroutine come and gone"]) {
    const { early, late } = await inOwnProcess<Memory>("memory_child.ts", kind, String(total));
    rows.push([kind, early.toFixed(1), late.toFixed(1), (late - early).toFixed(1)]);
  }
  const header = ["what", "MB after 100,000", `MB after ${total.toLocaleString("en")}`, "growth"];
  printTable("Memory, MB of heap and kernel", header, rows);
}

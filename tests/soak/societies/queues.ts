/**
 * Queues, rate limiters and tickers: no item is lost or doubled, no wait is left while it could end, tokens are not taken
 * faster than they come, and every tick is taken or counted as missed.
 */
import {
  type Coro,
  every,
  type Operation,
  Queue,
  QueueClosedError,
  race,
  RateLimiter,
  type Ticker,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import { ALARM, type Body, type World } from "../world.ts";

/** Waits in a random way. Returns `ALARM` if it took too long. */
function* wait<T>(coro: Coro, world: World, make: (limit?: number) => Operation<T>): Body<T | typeof ALARM> {
  const { random } = world;
  const limit = world.seconds(2);
  try {
    if (random.chance(0.4)) return yield* make();
    if (random.chance(0.5)) return yield* make(random.chance(0.1) ? 0 : limit);
    if (random.chance(0.5)) return yield* withTimeout(limit, make());
    return yield* race(make(), coro.sleep<never, typeof ALARM>(limit, ALARM));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    world.done("queue: too late");
    return ALARM;
  }
}

/** A queue, and the record of its items. */
class Belt {
  readonly queue: Queue<number>;
  readonly #world: World;
  readonly #lossless: boolean;
  // Items whose put has ended and that were not taken; and those that were taken before their put had ended.
  readonly #open: Set<number> = new Set();
  readonly #early: Set<number> = new Set();
  // Items whose put was cut short: they were put or not.
  readonly #uncertain: Set<number> = new Set();
  #items = 0;

  constructor(world: World, queue: Queue<number>, lossless: boolean) {
    this.#world = world;
    this.queue = queue;
    this.#lossless = lossless;
  }

  *put(coro: Coro): Body {
    const item = this.#items++;
    this.#uncertain.add(item);
    if (this.#world.random.chance(0.2)) {
      if (this.queue.tryPut(item)) this.#done(item);
      else this.#uncertain.delete(item);
    } else {
      const done = yield* wait(coro, this.#world, (limit) => this.queue.put(item, limit));
      if (done === true) this.#done(item);
    }
    this.#look();
  }

  #done(item: number): void {
    this.#uncertain.delete(item);
    if (!this.#early.delete(item)) this.#open.add(item);
    this.#world.done("queue: put", item);
  }

  *get(coro: Coro): Body {
    if (this.#world.random.chance(0.2)) return this.#take(this.queue.tryGet());
    const got = yield* wait(coro, this.#world, (limit) => this.queue.get(limit));
    if (got !== ALARM) this.#take(got);
    this.#look();
  }

  #take(item: number | undefined): void {
    if (item === undefined) return;
    const world = this.#world;
    world.done("queue: got", item);
    if (this.#open.delete(item)) return;
    const early = this.#uncertain.delete(item);
    world.check(early, "An item comes once", () => `${item} of ${this.queue}`);
    this.#early.add(item);
  }

  /** Checks the invariants of any moment. */
  #look(): void {
    const { size, putting, getting } = this.queue.statistics();
    const idle = getting > 0 && (size > 0 || putting > 0);
    const room = putting > 0 && size < this.queue.capacity;
    this.#world.check(
      !idle && !room,
      "No wait is left that could end",
      () => `${this.queue}: ${size} ${putting} ${getting}`,
    );
  }

  /** Checks the invariants of the end. */
  close(): void {
    for (let item = this.queue.tryGet(); item !== undefined; item = this.queue.tryGet()) this.#take(item);
    const { putting, getting } = this.queue.statistics();
    this.#world.check(putting + getting === 0, "No waiter is left behind", () => `${this.queue}`);
    const lost = this.#lossless ? this.#open.size : 0;
    this.#world.check(lost === 0, "No item is lost", () => `${this.queue}: ${[...this.#open]}`);
  }
}

const RATE = 5;
const BURST = 4;

/** A rate limiter, and the tokens that were taken. */
class Gate {
  readonly #world: World;
  readonly #limiter: RateLimiter;
  readonly #began: number;
  #taken = 0;

  constructor(world: World) {
    this.#world = world;
    this.#limiter = new RateLimiter({ rate: RATE, per: world.unit, burst: BURST });
    this.#began = world.now();
  }

  *pass(coro: Coro): Body {
    const n = this.#world.random.from(1, BURST);
    if (this.#world.random.chance(0.2)) {
      if (this.#limiter.tryTake(n)) this.#passed(n);
    } else if ((yield* wait(coro, this.#world, (limit) => this.#limiter.take(n, limit))) !== ALARM) this.#passed(n);
  }

  #passed(n: number): void {
    const world = this.#world;
    this.#taken += n;
    const come = BURST + RATE * (world.now() - this.#began) / world.unit;
    world.check(this.#taken <= come + 1e-6, "No token is made", () => `${this.#taken} of ${come}`);
    world.done("rate limiter: taken", n);
  }

  close(): void {
    const { waiters } = this.#limiter.statistics();
    this.#world.check(waiters === 0, "No waiter is left behind", () => `rate limiter: ${waiters}`);
  }
}

/** A ticker that skips, and the ticks that were taken or counted as missed. */
class Pulse {
  readonly #world: World;
  readonly #ticker: Ticker;
  readonly #began: number;
  #ticks = 0;

  constructor(world: World) {
    this.#world = world;
    this.#began = world.now();
    this.#ticker = every(world.unit);
  }

  *beat(coro: Coro): Body {
    const got = yield* wait(coro, this.#world, (limit) => this.#ticker.next(limit));
    if (got === ALARM) return;
    const world = this.#world;
    this.#ticks += got + 1;
    world.onTime(this.#began + this.#ticks * world.unit, () => `tick ${this.#ticks}`);
    world.done("ticker: tick", got);
  }

  close(): void {
    const { waiters } = this.#ticker.statistics();
    this.#world.check(waiters === 0, "No waiter is left behind", () => `ticker: ${waiters}`);
    this.#ticker[Symbol.dispose]();
  }
}

function* worker(coro: Coro, world: World, belts: readonly Belt[], gate: Gate, pulse: Pulse): Body {
  const { random } = world;
  const putter = random.chance(0.5);
  while (!world.over) {
    try {
      if (random.chance(0.5)) yield* coro.sleep(world.seconds(1) / 2);
      const belt = random.pick(belts);
      const what = random.below(10);
      if (what === 0) yield* gate.pass(coro);
      else if (what === 1) yield* pulse.beat(coro);
      else if (putter) yield* belt.put(coro);
      else yield* belt.get(coro);
    } catch (error) {
      if (error instanceof QueueClosedError && world.over) return;
      if (!(error instanceof Thrown) || random.chance(0.5)) throw error;
    }
  }
}

/** See the head of this file. */
export const queues: Society = {
  name: "queues",
  *conduct(coro: Coro, world: World): Body {
    const belts = [
      new Belt(world, new Queue(0, { name: "rendezvous" }), true),
      new Belt(world, new Queue(1, { name: "one" }), true),
      new Belt(world, new Queue(4, { name: "four" }), true),
      new Belt(world, new Queue(2, { name: "dropping", overflow: "drop-oldest" }), false),
    ];
    const [gate, pulse] = [new Gate(world), new Pulse(world)];
    yield* populate(world, coro, {
      size: 24,
      mortal: true,
      newMember: () => world.spawn("worker", (coro) => worker(coro, world, belts, gate, pulse)),
      tellOver: () => belts.forEach(({ queue }) => queue.close()),
    });
    for (const each of [...belts, gate, pulse]) each.close();
  },
};

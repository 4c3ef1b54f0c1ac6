/**
 * Queue compared with a naive model, whose waits are cut short at any time; and in random programs under seeded orders: no
 * item is lost, doubled or overtaken, and no wait is left behind.
 */
import {
  type Coro,
  type Operation,
  type Overflow,
  Queue,
  QueueClosedError,
  QueueFullError,
  race,
  type Scheduler,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { inLab, Lab } from "../helpers/lab.ts";
import { runs } from "../helpers/runs.ts";

type Body<T = void> = Generator<unknown, T, unknown>;

const CAPACITIES = [0, 1, 2, 3, Infinity];
const POLICIES: Overflow[] = ["wait", "drop-oldest", "drop-newest", "throw"];

/** A put or a get that waits. */
interface Wait {
  readonly id: number;
  readonly deadline: number;
  readonly item: number;
}

/** An item with the number of its grant, if it was granted once. */
interface Kept {
  readonly item: number;
  readonly grant: number;
}

/** The model of a queue: plain arrays. */
class Model {
  items: Kept[] = [];
  putters: Wait[] = [];
  getters: Wait[] = [];
  dropped = 0;
  closed = false;
  grants = 0;
  /** What each operation that has ended gave. */
  readonly outcomes = new Map<number, unknown>();
  /** Gets that were granted an item and have not run yet. */
  readonly fresh = new Map<number, Kept>();

  constructor(readonly capacity: number, readonly overflow: Overflow) {}

  /** Returns `undefined` if it has to wait. */
  tryPut(item: number): unknown {
    if (this.closed) return "closed";
    const getter = this.getters.shift();
    if (getter !== undefined) {
      this.grant(getter.id, { item, grant: this.grants++ });
      return true;
    }
    if (this.items.length < this.capacity) {
      this.items.push({ item, grant: Infinity });
      return true;
    }
    if (this.overflow === "wait") return undefined;
    if (this.overflow === "throw") return "full";
    if (this.overflow === "drop-newest" || this.capacity === 0) {
      this.dropped++;
      return false;
    }
    while (this.items.length >= this.capacity) {
      this.items.shift();
      this.dropped++;
    }
    this.items.push({ item, grant: Infinity });
    return true;
  }

  put(id: number, item: number, deadline: number, now: number): void {
    const outcome = this.tryPut(item);
    if (outcome !== undefined) this.outcomes.set(id, outcome);
    else if (deadline > now) this.putters.push({ id, item, deadline });
    else this.outcomes.set(id, "late");
  }

  tryGet(): number | undefined {
    return this.#take()?.item;
  }

  #take(): Kept | undefined {
    const kept = this.items.shift();
    const putter = this.items.length < this.capacity || kept === undefined ? this.putters.shift() : undefined;
    if (putter === undefined) return kept;
    this.outcomes.set(putter.id, true);
    if (kept === undefined) return { item: putter.item, grant: Infinity };
    this.items.push({ item: putter.item, grant: Infinity });
    return kept;
  }

  get(id: number, deadline: number, now: number): void {
    const kept = this.#take();
    if (kept !== undefined) {
      this.grants++;
      this.outcomes.set(id, kept.item);
    } else if (this.closed) this.outcomes.set(id, "closed");
    else if (deadline > now) this.getters.push({ id, deadline, item: 0 });
    else this.outcomes.set(id, "late");
  }

  grant(id: number, kept: Kept): void {
    this.fresh.set(id, kept);
    this.outcomes.set(id, kept.item);
  }

  close(): void {
    this.closed = true;
    for (const { id } of [...this.putters.splice(0), ...this.getters.splice(0)]) this.outcomes.set(id, "closed");
  }

  /** The operations whose waits can be cut short. */
  interruptible(): number[] {
    return [...this.fresh.keys(), ...this.getters.map(({ id }) => id), ...this.putters.map(({ id }) => id)];
  }

  /** Cuts a wait short. */
  interrupt(id: number): void {
    this.outcomes.set(id, "cut short");
    this.putters = this.putters.filter((each) => each.id !== id);
    this.getters = this.getters.filter((each) => each.id !== id);
    const kept = this.fresh.get(id);
    if (kept === undefined) return;
    this.fresh.delete(id);
    const next = this.getters.shift();
    if (next !== undefined) this.grant(next.id, kept);
    else this.items = [...this.items, kept].sort((a, b) => a.grant === b.grant ? 0 : a.grant - b.grant);
  }

  /** All that is ready has run. */
  settle(now: number): void {
    this.fresh.clear();
    for (const { id } of [...this.putters, ...this.getters].filter(({ deadline }) => deadline <= now)) {
      this.outcomes.set(id, "late");
    }
    this.putters = this.putters.filter(({ deadline }) => deadline > now);
    this.getters = this.getters.filter(({ deadline }) => deadline > now);
  }
}

type Command =
  | { do: "put" | "get"; limit: number | null }
  | { do: "tryPut" | "tryGet" | "settle" | "close" }
  | { do: "throw" | "terminate"; who: number }
  | { do: "pass"; seconds: number };

// Deadlines fall between the whole seconds at which commands run.
const limit = fc.constantFrom(null, null, null, 0, 0.5, 1.5, 2.5);
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constantFrom("put" as const, "get" as const), limit }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constantFrom("tryPut" as const, "tryGet" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constantFrom("throw" as const, "terminate" as const), who: fc.nat(30) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), seconds: fc.constantFrom(1, 2) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const) }) },
  ),
  { maxLength: 60, size: "max" },
);

function nameOf(error: unknown): string {
  if (error instanceof TimeoutError) return "late";
  if (error instanceof QueueClosedError) return "closed";
  return error instanceof QueueFullError ? "full" : "cut short";
}

/** The outcome of a call. */
function of(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return nameOf(error);
  }
}

/** Executes the commands, and compares with the model after each. */
function* follow(_coro: Coro, scheduler: Scheduler, queue: Queue<number>, model: Model, list: Command[]): Body {
  const outcomes = new Map<number, unknown>();
  const coros: Coro[] = [];
  let item = 0;
  const actor = function* (coro: Coro, act: () => Iterable<unknown>): Body {
    const id = coros.indexOf(coro);
    outcomes.set(id, "cut short");
    try {
      const value = yield* act() as Body<unknown>;
      outcomes.set(id, value);
    } catch (error) {
      outcomes.set(id, nameOf(error));
    }
    yield* coro.receive();
  };
  const compare = () => {
    const waiting = new Set([...model.putters, ...model.getters].map(({ id }) => id));
    for (const [id, outcome] of model.outcomes) if (!waiting.has(id)) assertEquals(outcomes.get(id), outcome, `${id}`);
  };
  for (const command of list) {
    const now = scheduler.now();
    switch (command.do) {
      case "put":
      case "get": {
        model.settle(now);
        const id = coros.length;
        const mine = ++item;
        const act = () => command.do === "put" ? queue.put(mine, command.limit) : queue.get(command.limit);
        coros.push(scheduler.spawn(actor, act) as Coro);
        yield;
        yield;
        const deadline = now + (command.limit ?? Infinity);
        if (command.do === "put") model.put(id, mine, deadline, now);
        else model.get(id, deadline, now);
        // What a put has granted has run by now.
        model.fresh.clear();
        break;
      }
      case "tryPut": {
        const mine = ++item;
        assertEquals(of(() => queue.tryPut(mine)), model.tryPut(mine) ?? false);
        break;
      }
      case "tryGet":
        assertEquals(queue.tryGet(), model.tryGet());
        break;
      case "close":
        // Without it few programs would get far.
        if (coros.length < 12) continue;
        queue.close();
        if (!model.closed) model.close();
        break;
      case "throw":
      case "terminate": {
        const ids = model.interruptible();
        if (ids.length === 0) continue;
        const id = ids[command.who % ids.length];
        const victim = coros[id];
        model.interrupt(id);
        if (command.do === "throw") victim.throw(new Error("stop"));
        else victim.terminate();
        break;
      }
      default:
        if (command.do === "pass") yield* sleep(command.seconds);
        yield;
        yield;
        model.settle(scheduler.now());
        compare();
    }
    assertEquals(queue.statistics(), {
      size: model.items.length,
      putting: model.putters.length,
      getting: model.getters.length,
      dropped: model.dropped,
    });
  }
  yield* sleep(10);
  model.settle(scheduler.now());
  compare();
  queue.close();
  model.close();
  while (model.items.length > 0) assertEquals(queue.tryGet(), model.tryGet());
  assertEquals(queue.tryGet(), undefined);
}

for (const capacity of CAPACITIES) {
  for (const overflow of POLICIES) {
    Deno.test(`Queue of ${capacity} with "${overflow}" behaves like its model`, () =>
      fc.assert(
        fc.asyncProperty(commands, async (list) => {
          const lab = new Lab();
          lab.scheduler.onError = () => {};
          try {
            const queue = new Queue<number>(capacity, { overflow });
            await lab.scheduler.spawn(follow, lab.scheduler, queue, new Model(capacity, overflow), list).value();
          } finally {
            await lab.scheduler.terminate();
          }
        }),
        { numRuns: runs(60) },
      ));
  }
}

/** A generator of pseudo-random numbers. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

/** Waits in one of the ways in which a wait may be cut short; `undefined` if it lost a race. */
function* wait<T>(
  random: (below: number) => number,
  make: (limit?: number) => Operation<T>,
): Body<T | undefined | void> {
  const limit = random(3) / 2;
  switch (random(4)) {
    case 0:
      return yield* withTimeout(limit, make());
    case 1:
      return yield* make(limit);
    case 2:
      return yield* race(make(), sleep(limit));
    default:
      return yield* make();
  }
}

/** Whether a wait was cut short, and not a failure of the test. */
function wasCutShort(error: unknown): boolean {
  return error instanceof TimeoutError || (error as Error).message === "stop";
}

/** Waits for the end of coroutines, of which some were told to stop before their first step. */
function* ended(coros: readonly Coro<unknown>[]): Body {
  for (const coro of coros) {
    try {
      yield* coro.finish();
    } catch (error) {
      if (!wasCutShort(error)) throw error;
    }
  }
}

/** Producers and consumers whose waits are cut short in every way; the items that were put must be those that came. */
function* society(coro: Coro, queue: Queue<string>, seed: number): Body {
  const random = randomOf(seed);
  const put: string[] = [];
  const got: string[] = [];
  const { scheduler } = coro;
  const producer = function* (self: Coro, name: string): Body {
    for (let n = 0; n < 12; n++) {
      try {
        // If it was cut short, the item was put or not. Only one whose put has ended is certain.
        if ((yield* wait(random, (limit) => queue.put(`${name}${n}`, limit))) === true) put.push(`${name}${n}`);
        if (random(3) === 0) yield* self.sleep(random(3) / 2);
      } catch (error) {
        if (!wasCutShort(error)) throw error;
      }
    }
  };
  const consumer = function* (self: Coro): Body {
    for (;;) {
      try {
        const item = yield* wait(random, (limit) => queue.get(limit));
        if (item !== undefined) got.push(item);
        if (random(3) === 0) yield* self.sleep(random(3) / 2);
      } catch (error) {
        if (error instanceof QueueClosedError) return;
        if (!wasCutShort(error)) throw error;
      }
    }
  };
  const producers = ["a", "b", "c"].map((name) => scheduler.spawn(producer, name));
  const consumers = [1, 2, 3].map(() => scheduler.spawn(consumer));
  const villain = scheduler.spawn(function* (self): Body {
    for (;;) {
      if (random(3) > 0) yield* self.sleep(random(4) / 4);
      else yield;
      const place = random(3);
      if (random(4) > 0) {
        (random(2) === 0 ? producers : consumers)[place].throw(new Error("stop"));
      } else {
        consumers[place].terminate();
        consumers[place] = scheduler.spawn(consumer);
      }
    }
  });
  yield* ended(producers);
  villain.terminate();
  yield* villain.finish();
  queue.close();
  yield* ended(consumers);
  assertEquals(queue.statistics(), { size: 0, putting: 0, getting: 0, dropped: 0 });
  assertEquals(new Set(got).size, got.length, `an item came twice, seed ${seed}`);
  assertEquals(put.filter((item) => !got.includes(item)), [], `items are lost, seed ${seed}`);
  assert(got.length > 0);
}

for (const capacity of CAPACITIES) {
  Deno.test(`no item of a queue of ${capacity} is lost or doubled, whatever is cut short`, async () => {
    for (let seed = 1; seed <= runs(40); seed++) {
      await inLab(async (lab) => {
        lab.scheduler.onError = (error) => void (wasCutShort(error) || lab.reported.push(error));
        await lab.scheduler.spawn(society, new Queue<string>(capacity), seed).value();
      }, { shuffle: seed });
    }
  });
}

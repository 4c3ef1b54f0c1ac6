/**
 * Plain operations in `select`, `race` and `all`: which of them wins, compared with a naive model; and random programs whose
 * waits are cut short at any time, in seeded orders: nothing is lost, doubled or left behind.
 */
import {
  all,
  type Coro,
  Event,
  Lock,
  type Operation,
  Queue,
  race,
  select,
  Semaphore,
  shield,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { seededRandom } from "../../core/fiber/shuffle.ts";
import { inLab } from "../helpers/lab.ts";
import { runs } from "../helpers/runs.ts";

type Body<T = void> = Generator<unknown, T, unknown>;
type Random = (below: number) => number;

function randomOf(seed: number): Random {
  const random = seededRandom(seed);
  return (below) => Math.floor(random() * below);
}

// --- the winner ---------------------------------------------------------------------------------------------

const QUEUES = 3;
const CAPACITY = 2;
const KINDS = ["get", "put", "receive", "event", "sleep", "limited"] as const;

/**
 * An item of a select: of which queue it is, if it is of one, and how long it waits. Items are put into the first queue and
 * got from the others: a get that wins makes room for a put that waits in the same queue, and such a put counts as done.
 */
interface Item {
  readonly kind: typeof KINDS[number];
  readonly at: number;
  readonly seconds: number;
}

/** What a second of time brings. */
type Happening = { readonly kind: "fill" | "drain" | "send" | "set"; readonly at: number };

/** The model: plain arrays. */
class World {
  readonly queues: number[][];
  readonly mailbox: number[];
  set = false;

  constructor(random: Random) {
    const some = (first: number) => Array.from({ length: random(CAPACITY + 1) }, (_, i) => first + i);
    this.queues = Array.from({ length: QUEUES }, (_, at) => some(100 * (at + 1)));
    this.mailbox = random(3) === 0 ? [7, 8] : [];
  }

  /** What the item gives at a time after the begin; `undefined` if it has to wait. Takes what it is given. */
  outcome({ kind, at, seconds }: Item, time: number): unknown {
    const queue = this.queues[at];
    if (kind === "get" && queue.length > 0) return queue.shift();
    if (kind === "put" && queue.length < CAPACITY) return queue.push(-1) > 0;
    if ((kind === "receive" || kind === "limited") && this.mailbox.length > 0) return this.mailbox.shift();
    if (kind === "event" && this.set) return true;
    // Deadlines that differ by little come in the order of the items.
    if ((kind === "sleep" || kind === "limited") && time + 0.1 >= seconds) return kind;
    return undefined;
  }

  happen({ kind, at }: Happening): void {
    if (kind === "fill" && this.queues[at].length < CAPACITY) this.queues[at].push(-2);
    else if (kind === "drain") this.queues[at].shift();
    else if (kind === "send") this.mailbox.push(-3);
    else if (kind === "set") this.set = true;
  }
}

/** The index of the first item that ends, and its value. Times of items lie between those of the happenings. */
function winner(world: World, items: readonly Item[], happenings: readonly Happening[]): [number, unknown] {
  for (let time = 0; time <= 2 * happenings.length + 3; time++) {
    if (time > 0 && time % 2 === 0 && time / 2 <= happenings.length) world.happen(happenings[time / 2 - 1]);
    for (const [index, item] of items.entries()) {
      const outcome = world.outcome(item, time / 2);
      if (outcome !== undefined) return [index, outcome];
    }
  }
  throw new Error("not reached: some item sleeps");
}

for (const combine of ["select", "race"] as const) {
  Deno.test(`${combine} of plain operations: the first that can go on, in their order, and nothing else happens`, async () => {
    for (let seed = 1; seed <= runs(400); seed++) {
      const random = randomOf(seed);
      const world = new World(random);
      const items = Array.from({ length: 1 + random(4) }, (_, index): Item => {
        const kind = KINDS[random(KINDS.length)];
        const at = kind === "put" ? 0 : 1 + random(QUEUES - 1);
        const seconds = random(4) === 0 ? 0 : 0.5 + random(6) + index / 100;
        return { kind, at, seconds };
      });
      items.push({ kind: "sleep", at: 0, seconds: 7.5 });
      const happenings = Array.from({ length: 6 }, (): Happening => ({
        kind: (["fill", "drain", "send", "set"] as const)[random(4)],
        at: random(QUEUES),
      }));
      await inLab(async ({ scheduler }) => {
        const queues = world.queues.map((items) => {
          const queue = new Queue<number>(CAPACITY);
          for (const item of items) queue.tryPut(item);
          return queue;
        });
        const event = new Event();
        const left: unknown[] = [];
        const coro = scheduler.spawn(function* (self): Body<[number, unknown]> {
          for (const message of world.mailbox) self.send(message);
          const make = ({ kind, at, seconds }: Item): Operation<unknown> => {
            if (kind === "get") return queues[at].get();
            if (kind === "put") return queues[at].put(-1);
            if (kind === "receive") return self.receive();
            if (kind === "event") return event.wait();
            return kind === "sleep" ? self.sleep(seconds, kind) : self.receive(seconds, kind);
          };
          const [key, value] = combine === "race"
            ? [-1, yield* race(items.map(make))]
            : yield* select(Object.fromEntries(items.map((item, i) => [`${i}`, make(item)])));
          left.push(...self.mailbox ?? []);
          return [Number(key), value];
        });
        scheduler.spawn(function* (): Body {
          for (const { kind, at } of happenings) {
            yield* sleep(1);
            if (!coro.isAlive()) return;
            if (kind === "fill") queues[at].tryPut(-2);
            else if (kind === "drain") queues[at].tryGet();
            else if (kind === "send") coro.send(-3);
            else event.set();
          }
        });
        const actual = await coro.value();
        const [index, outcome] = winner(world, items, happenings);
        assertEquals(actual, [combine === "race" ? -1 : index, outcome], `seed ${seed}`);
        for (const [at, queue] of queues.entries()) {
          assertEquals(
            queue.statistics(),
            { size: world.queues[at].length, putting: 0, getting: 0, dropped: 0 },
            `seed ${seed}`,
          );
          assertEquals(world.queues[at].map(() => queue.tryGet()), world.queues[at], `seed ${seed}`);
        }
        assertEquals(left, world.mailbox, `seed ${seed}`);
        assertEquals(event.statistics().waiters, 0);
      });
    }
  });
}

// --- conservation -------------------------------------------------------------------------------------------

const STOP = "stop";

/** What the coroutines of a society share, and what has become of its items and messages. */
class Society {
  readonly queues: Queue<string>[] = [0, 1, 2].map((capacity) => new Queue<string>(capacity));
  readonly lock = new Lock();
  readonly semaphore = new Semaphore(2);
  readonly event = new Event();
  /** Items whose put has ended, those whose put was cut short, and those that a get or a receive gave. */
  readonly put = new Set<string>();
  readonly uncertain = new Set<string>();
  readonly got: string[] = [];
  #count = 0;

  newItem(): string {
    const item = `${this.#count++}`;
    this.uncertain.add(item);
    return item;
  }

  took(item: unknown): void {
    if (typeof item === "string") this.got.push(item);
  }

  wasPut(item: string): void {
    this.uncertain.delete(item);
    this.put.add(item);
  }
}

/** A plain operation, and what is to be done with its value. */
interface Use {
  readonly operation: Operation<unknown>;
  use(value: unknown): void;
}

function newUse(self: Coro, society: Society, random: Random): Use {
  const { queues, lock, semaphore, event } = society;
  const queue = queues[random(queues.length)];
  const nothing = () => {};
  switch (random(10)) {
    case 0:
    case 1: {
      const item = society.newItem();
      return { operation: queue.put(item), use: () => society.wasPut(item) };
    }
    case 2:
    case 3:
      return { operation: queue.get(), use: (item) => society.took(item) };
    case 4:
      return { operation: self.receive(), use: (item) => society.took(item) };
    case 5:
      return { operation: self.receive(random(3) / 2), use: (item) => society.took(item) };
    case 6:
      return { operation: lock.acquire(), use: () => lock.release() };
    case 7:
      return { operation: semaphore.acquire(), use: () => semaphore.release() };
    case 8:
      return { operation: event.wait(), use: nothing };
    default:
      return { operation: sleep(random(4) / 2), use: nothing };
  }
}

/** Waits for several at once, in one of the ways in which that may be done and be cut short. */
function* waitForSome(self: Coro, society: Society, random: Random): Body {
  const uses = Array.from({ length: 1 + random(4) }, () => newUse(self, society, random));
  const pause = { operation: sleep(random(4) / 2), use: () => {} };
  const operations = [...uses, pause].map(({ operation }) => operation);
  const selection = () => select(Object.fromEntries(operations.map((operation, index) => [`x${index}`, operation])));
  const used = ([key, value]: [string, unknown]) => [...uses, pause][Number(key.slice(1))].use(value);
  switch (random(5)) {
    case 0: {
      const values = yield* withTimeout(random(3) / 2, all(operations));
      [...uses, pause].forEach(({ use }, index) => use(values[index]));
      break;
    }
    case 1:
      used(yield* withTimeout(random(3) / 2, selection()));
      break;
    case 2:
      used(yield* shield(selection(), random(3) / 2));
      break;
    case 3:
      // A nested one, and one of which a part needs a fiber.
      used(yield* race(selection(), withTimeout(9, sleep(9))) as Operation<[string, unknown]>);
      break;
    default:
      used(yield* selection());
  }
}

function* member(self: Coro, society: Society, random: Random): Body {
  try {
    for (;;) {
      try {
        yield* waitForSome(self, society, random);
        yield* self.sleep(random(3) / 2);
      } catch (error) {
        if (!(error instanceof TimeoutError) && (error as Error).message !== STOP) throw error;
      }
    }
  } finally {
    // What it was sent and has not received.
    for (const left of self.mailbox ?? []) society.took(left);
  }
}

function* live(_coro: Coro, society: Society, random: Random): Body {
  const { scheduler } = _coro;
  const spawn = () => scheduler.spawn(member, society, random) as Coro;
  const members = [1, 2, 3, 4].map(spawn);
  const replaced: Coro[] = [];
  const villain = scheduler.spawn(function* (self): Body {
    for (;;) {
      yield* self.sleep((1 + random(4)) / 8);
      const place = random(members.length);
      const victim = members[place];
      const item = society.newItem();
      if (victim.send(item)) society.wasPut(item);
      if (random(3) === 0) victim.throw(new Error(STOP));
      if (random(12) === 0) {
        victim.terminate();
        replaced.push(victim);
        members[place] = spawn();
      }
      if (random(4) === 0) society.event.set();
      else society.event.clear();
    }
  });
  yield* sleep(60);
  villain.terminate();
  yield* villain.finish();
  society.event.set();
  for (const each of [...members, ...replaced]) {
    each.terminate();
    yield* each.finish();
  }
}

Deno.test("plain operations in select, race and all lose nothing, whatever is cut short", async () => {
  for (let seed = 1; seed <= runs(60); seed++) {
    await inLab(async (lab) => {
      const society = new Society();
      lab.scheduler.onError = (error) => void ((error as Error).message === STOP || lab.reported.push(error as never));
      await lab.scheduler.spawn(live, society, randomOf(seed)).value();
      for (const queue of society.queues) {
        for (let item = queue.tryGet(); item !== undefined; item = queue.tryGet()) society.took(item);
        assertEquals(queue.statistics(), { size: 0, putting: 0, getting: 0, dropped: 0 }, `seed ${seed}`);
      }
      const got = new Set(society.got);
      assertEquals(got.size, society.got.length, `an item came twice, seed ${seed}`);
      assertEquals([...society.put].filter((item) => !got.has(item)), [], `items are lost, seed ${seed}`);
      const strangers = [...got].filter((item) => !society.put.has(item) && !society.uncertain.has(item));
      assertEquals(strangers, [], `seed ${seed}`);
      assert(got.size > 20);
      assertEquals(society.lock.statistics(), { locked: false, owner: null, waiters: 0 });
      assertEquals(society.semaphore.statistics().waiters, 0);
      assertEquals([society.semaphore.tryAcquire(2), society.semaphore.tryAcquire()], [true, false]);
      const { timers, ready, hostOperations } = lab.scheduler.stats();
      assertEquals({ timers, ready, hostOperations }, { timers: 0, ready: 0, hostOperations: 0 });
    }, { shuffle: seed });
  }
});

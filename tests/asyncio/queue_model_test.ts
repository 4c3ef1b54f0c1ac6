/**
 * Queues in random programs, against a naive model: a list of items, and two lists of waiting tasks. Getters and
 * putters are cancelled at any time, also when they were woken and have not run, have limits, and the queue may be shut
 * down in the middle.
 */
import {
  createTask,
  gather,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
  type Task,
  TimeoutError,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { inLoop } from "./loop_lab.ts";
import { turns } from "./outcome.ts";

/** The order in which a kind of queue gives its items, which are numbers. */
interface Kind {
  readonly name: string;
  make(maxsize: number): Queue<number>;
  /** Takes the next item out of those in it, which are in the order in which they were put. */
  take(items: number[]): number;
}

const KINDS: Kind[] = [
  { name: "Queue", make: (maxsize) => new Queue(maxsize), take: (items) => items.shift()! },
  { name: "LifoQueue", make: (maxsize) => new LifoQueue(maxsize), take: (items) => items.pop()! },
  {
    name: "PriorityQueue",
    make: (maxsize) => new PriorityQueue(maxsize, (a, b) => a % 3 - b % 3),
    take(items) {
      const least = Math.min(...items.map((item) => item % 3));
      return items.splice(items.findIndex((item) => item % 3 === least), 1)[0];
    },
  },
];

interface Wait {
  readonly do: "get" | "put";
  /** Whether with plain `yield`. */
  readonly plain: boolean;
  /** Seconds, by `waitFor()`. */
  readonly limit: number | null;
}

type Command =
  | Wait
  | { do: "getNowait" | "putNowait" | "taskDone" | "turn" | "settle" }
  | { do: "cancel"; index: number }
  | { do: "shutdown"; immediate: boolean };

const steps = (...names: Exclude<Command["do"], "get" | "put" | "cancel" | "shutdown">[]) =>
  fc.record({ do: fc.constantFrom(...names) }) as fc.Arbitrary<Command>;

const waits = (name: "get" | "put") =>
  fc.record({ do: fc.constant(name), plain: fc.boolean(), limit: fc.constantFrom(null, null, null, 0.5, 1.5) });

/** Programs in which tasks mostly get and others mostly put at once, so that many wait; or the reverse. */
function programs(mostly: "get" | "put"): fc.Arbitrary<Command[]> {
  const [other, nowait] = mostly === "get" ? ["put", "putNowait"] as const : ["get", "getNowait"] as const;
  return fc.array(
    fc.oneof(
      { weight: 12, arbitrary: waits(mostly) },
      { weight: 3, arbitrary: waits(other) },
      { weight: 12, arbitrary: steps("turn", "settle", nowait) },
      { weight: 3, arbitrary: steps("taskDone", "getNowait", "putNowait") },
      { weight: 10, arbitrary: fc.record({ do: fc.constant("cancel" as const), index: fc.nat(12) }) },
    ),
    { minLength: 10, maxLength: 60, size: "max" },
  );
}

const ends: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    waits("get"),
    waits("put"),
    steps("turn", "getNowait", "taskDone"),
    fc.record({ do: fc.constant("shutdown" as const), immediate: fc.boolean() }),
  ),
  { maxLength: 6 },
);

const commands = fc.tuple(programs("get"), programs("put"), fc.boolean(), ends)
  .map(([gets, puts, getsFirst, end]) => [...getsFirst ? [...gets, ...puts] : [...puts, ...gets], ...end]);

/** A queue, and what is known of it from outside. */
class Watched {
  readonly queue: Queue<number>;
  readonly tasks: Task<void>[] = [];
  // Items in it, in the order in which they were put: what a model of the queue holds.
  readonly items: number[] = [];
  unfinished = 0;
  closed = false;
  #next = 0;
  readonly #kind: Kind;

  constructor(kind: Kind, maxsize: number) {
    this.#kind = kind;
    this.queue = kind.make(maxsize);
  }

  /** An item was put, at this moment. */
  wasPut(item: number): void {
    assert(!this.closed, "put after the shutdown");
    assert(this.queue.maxsize <= 0 || this.items.length < this.queue.maxsize, "put into a full queue");
    this.items.push(item);
    this.unfinished++;
  }

  /** An item was got, at this moment. */
  wasGot(item: number): void {
    assert(this.items.length > 0, "got an item that is not there");
    assertEquals(item, this.#kind.take(this.items));
  }

  *#get({ plain, limit }: Wait): Generator<unknown, void, unknown> {
    const get = this.queue.get();
    if (limit !== null) this.wasGot(yield* waitFor(get, limit));
    else if (plain) this.wasGot((yield get) as number);
    else this.wasGot(yield* get);
  }

  *#put({ plain, limit }: Wait): Generator<unknown, void, unknown> {
    const item = this.#next++;
    const put = this.queue.put(item);
    if (limit !== null) yield* waitFor(put, limit);
    else if (plain) yield put;
    else yield* put;
    this.wasPut(item);
  }

  /** Gets or puts, or notes the error. */
  *#attempt(wait: Wait): Generator<unknown, void, unknown> {
    try {
      yield* wait.do === "get" ? this.#get(wait) : this.#put(wait);
    } catch (error) {
      if (error instanceof TimeoutError) assert(wait.limit !== null);
      else if (error instanceof QueueShutDown) assert(this.closed && (wait.do === "put" || this.items.length === 0));
      else throw error;
    }
  }

  #getNowait(): void {
    if (this.items.length > 0) this.wasGot(this.queue.getNowait());
    else assertThrows(() => this.queue.getNowait(), this.closed ? QueueShutDown : QueueEmpty);
  }

  #putNowait(): void {
    const { queue } = this;
    const item = this.#next++;
    if (this.closed) assertThrows(() => queue.putNowait(item), QueueShutDown);
    else if (queue.full()) assertThrows(() => queue.putNowait(item), QueueFull);
    else queue.putNowait(item), this.wasPut(item);
  }

  taskDone(): void {
    // Only items that were taken are dealt with.
    if (this.unfinished <= this.items.length) return;
    this.queue.taskDone();
    this.unfinished--;
  }

  shutdown(immediate: boolean): void {
    this.queue.shutdown(immediate);
    this.closed = true;
    if (immediate) this.unfinished -= this.items.splice(0).length;
  }

  /** Cancels one of those that are not done, the first of them most often: it was woken, perhaps. */
  #cancel(index: number): void {
    const pending = this.tasks.filter((task) => !task.done());
    pending.at(Math.max(0, index - 6) % Math.max(1, pending.length))?.cancel();
  }

  do(command: Command): void {
    if (command.do === "getNowait") this.#getNowait();
    else if (command.do === "putNowait") this.#putNowait();
    else if (command.do === "taskDone") this.taskDone();
    else if (command.do === "cancel") this.#cancel(command.index);
    else if (command.do === "shutdown") this.shutdown(command.immediate);
    else if (command.do === "get" || command.do === "put") this.tasks.push(createTask(this.#attempt(command)));
  }

  /** What holds at every moment. */
  check(): void {
    const { size, unfinished } = this.queue.statistics();
    assertEquals({ size, unfinished }, { size: this.items.length, unfinished: this.unfinished });
    assert(!this.queue.full() || this.queue.maxsize > 0);
  }

  /** What holds when all have run that could. */
  checkSettled(): void {
    const { getters, putters } = this.queue.statistics();
    if (getters > 0) assert(this.items.length === 0 && !this.closed, "a task waits for an item that is there");
    if (putters > 0) assert(this.queue.full() && !this.closed, "a task waits for room that is there");
  }
}

function* follow(watched: Watched, program: Command[]): Generator<unknown, void, unknown> {
  for (const command of program) {
    if (command.do === "turn") yield* sleep(0);
    else if (command.do === "settle") yield* sleep(1);
    else watched.do(command);
    watched.check();
    if (command.do === "settle") watched.checkSettled();
  }
  // The tasks with a limit have given up.
  yield* sleep(10);
  watched.check();
  watched.checkSettled();
  yield* finish(watched);
}

function* finish(watched: Watched): Generator<unknown, void, unknown> {
  const join = createTask(watched.queue.join());
  watched.shutdown(true);
  yield* turns(2);
  assertEquals(join.done(), watched.unfinished === 0);
  while (watched.unfinished > 0) watched.taskDone();
  yield* join;
  yield* gather(watched.tasks, { returnExceptions: true });
  for (const task of watched.tasks) if (!task.cancelled()) task.result();
  assertEquals(watched.queue.statistics(), { size: 0, getters: 0, putters: 0, unfinished: 0 });
}

for (const kind of KINDS) {
  Deno.test(`${kind.name} behaves like a list, whatever tasks do with it`, () =>
    fc.assert(
      fc.asyncProperty(
        commands,
        fc.constantFrom(0, 1, 1, 2, 3),
        fc.option(fc.nat(), { nil: undefined }),
        (program, maxsize, shuffle) =>
          inLoop(async (lab) => await lab.run(follow(new Watched(kind, maxsize), program)), { shuffle }),
      ),
      { numRuns: 200, seed: 20261 },
    ));
}

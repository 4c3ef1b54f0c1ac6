/**
 * Locks and semaphores in random programs, against a naive model: a number and a list. Tasks are cancelled at any time,
 * also when they were granted one and have not run, and have limits.
 */
import {
  BoundedSemaphore,
  createTask,
  gather,
  Lock,
  Semaphore,
  sleep,
  type Task,
  TimeoutError,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { inLoop } from "./loop_lab.ts";

type Acquirable = Lock | Semaphore;

/** How a task asks. */
interface Ask {
  readonly do: "ask";
  readonly how: "acquire" | "plain" | "hold";
  /** Seconds, by `waitFor()`. */
  readonly limit: number | null;
}

type Command = Ask | { do: "release" | "turn" | "settle" } | { do: "cancel"; index: number };

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("ask" as const),
        how: fc.constantFrom("acquire" as const, "plain" as const, "hold" as const),
        limit: fc.constantFrom(null, null, 0.5, 1.5),
      }),
    },
    {
      weight: 7,
      arbitrary: fc.record({ do: fc.constantFrom("release" as const, "turn" as const, "settle" as const) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("cancel" as const), index: fc.nat(5) }) },
  ),
  { minLength: 10, maxLength: 60, size: "max" },
);

/** A lock or semaphore, the tasks that acquire it, and the grants that the model expects. */
class Watched {
  readonly acquirable: Acquirable;
  readonly tasks: Task<void>[] = [];
  /** The numbers of the tasks that were granted it, in order. */
  readonly entered: number[] = [];
  // The model: how many permits are free, which tasks wait for how long, and which were granted one.
  #free: number;
  #waiting: { id: number; deadline: number }[] = [];
  readonly #granted: number[] = [];
  #released = 0;
  readonly #bound: number;

  constructor(acquirable: Acquirable, free: number) {
    this.acquirable = acquirable;
    this.#free = free;
    this.#bound = acquirable instanceof BoundedSemaphore ? free : Infinity;
  }

  #grant(): void {
    for (; this.#free > 0 && this.#waiting.length > 0; this.#free--) this.#granted.push(this.#waiting.shift()!.id);
  }

  *#asking(id: number, { how, limit }: Ask): Generator<unknown, void, unknown> {
    const wait: Iterable<unknown, unknown, unknown> = how === "hold"
      ? this.acquirable.hold()
      : this.acquirable.acquire();
    try {
      if (limit !== null) yield* waitFor(wait as Generator, limit);
      else if (how === "plain") yield wait;
      else yield* wait;
      this.entered.push(id);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }

  ask(ask: Ask, now: number): void {
    const id = this.tasks.length;
    this.tasks.push(createTask(this.#asking(id, ask)));
    this.#waiting.push({ id, deadline: now + (ask.limit ?? Infinity) });
    this.#grant();
  }

  release(): void {
    const { acquirable } = this;
    const refused = acquirable instanceof Lock ? !acquirable.locked() : acquirable.statistics().value === this.#bound;
    if (refused) return void assertThrows(() => acquirable.release());
    // Others must not release the permits of tasks that were granted one and have not run, although it is not checked.
    if (this.#bound < Infinity && this.#released === this.entered.length) return;
    acquirable.release();
    this.#released++;
    this.#free++;
    this.#grant();
  }

  cancel(index: number): void {
    const pending = this.tasks.flatMap((task, id) => task.done() ? [] : [id]);
    const id = pending[index % pending.length];
    if (id === undefined || !this.tasks[id].cancel()) return;
    this.#waiting = this.#waiting.filter((each) => each.id !== id);
    if (!this.#granted.includes(id)) return;
    this.#granted.splice(this.#granted.indexOf(id), 1);
    this.#free++;
    this.#grant();
  }

  /** All have run that could, and those with a limit have given up. */
  checkSettled(now: number): void {
    this.#waiting = this.#waiting.filter((each) => each.deadline > now);
    // Of two permits at once, the order is not promised; a lock lets in one by one.
    const inOrder = (ids: number[]) => this.acquirable instanceof Lock ? ids : ids.toSorted((a, b) => a - b);
    assertEquals(inOrder(this.entered), inOrder(this.#granted));
    const { waiters, ...state } = this.acquirable.statistics();
    assertEquals(waiters, this.#waiting.length);
    assertEquals("value" in state ? state.value : state.locked ? 0 : 1, this.#free);
    assertEquals(this.acquirable.locked(), this.#free === 0);
  }
}

function* follow(watched: Watched, program: Command[], now: () => number): Generator<unknown, void, unknown> {
  for (const command of program) {
    if (command.do === "ask") watched.ask(command, now());
    else if (command.do === "release") watched.release();
    else if (command.do === "cancel") watched.cancel(command.index);
    else if (command.do === "turn") yield* sleep(0);
    else {
      yield* sleep(1);
      watched.checkSettled(now());
    }
  }
  yield* sleep(10);
  watched.checkSettled(now());
  for (const task of watched.tasks) task.cancel();
  yield* gather(watched.tasks, { returnExceptions: true });
  for (const task of watched.tasks) assert(task.cancelled() || task.exception() === null);
  assertEquals(watched.acquirable.statistics().waiters, 0);
}

const ACQUIRABLES: [string, number, () => Acquirable][] = [
  ["Lock", 1, () => new Lock()],
  ["Semaphore of none", 0, () => new Semaphore(0)],
  ["Semaphore of one", 1, () => new Semaphore(1)],
  ["Semaphore of three", 3, () => new Semaphore(3)],
  ["BoundedSemaphore of two", 2, () => new BoundedSemaphore(2)],
];

for (const [name, free, make] of ACQUIRABLES) {
  Deno.test(`${name} behaves like a number and a queue, whatever tasks do with it`, () =>
    fc.assert(
      fc.asyncProperty(
        commands,
        (program) => inLoop((lab) => lab.run(follow(new Watched(make(), free), program, () => lab.clock.now()))),
      ),
      { numRuns: 200, seed: 20262 },
    ));
}

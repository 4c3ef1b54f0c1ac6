/**
 * A condition in random programs: producers, consumers that are cancelled at any time or have limits, and orders of
 * running that a seed decides. No notification is lost: no task waits for what is there. A task that goes on has the lock.
 */
import {
  Condition,
  createTask,
  gather,
  Lock,
  sleep,
  type Task,
  TimeoutError,
  waitFor,
} from "@asyncoro/asyncoro/asyncio";
import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { inLoop } from "./loop_lab.ts";
import { turns } from "./outcome.ts";

type Way = "wait in a loop" | "waitFor" | "plain" | "own limit" | "limit from outside";

type Command =
  | { do: "consume"; way: Way; dawdle: number }
  | { do: "produce"; dawdle: number; many: number }
  | { do: "cancel"; index: number }
  | { do: "turn" | "settle" };

const WAYS: Way[] = ["wait in a loop", "waitFor", "plain", "own limit", "limit from outside"];

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("consume" as const),
        way: fc.constantFrom(...WAYS),
        dawdle: fc.constantFrom(0, 0, 1, 2),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("produce" as const),
        dawdle: fc.constantFrom(0, 0, 1, 2),
        many: fc.constantFrom(1, 1, 2),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("cancel" as const), index: fc.nat(5) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("turn" as const, "turn" as const, "settle" as const) }) },
  ),
  { minLength: 10, maxLength: 60, size: "max" },
);

/** A shop with one lock and two conditions. */
class Shop {
  readonly lock = new Lock();
  readonly stocked = new Condition(this.lock);
  readonly emptied = new Condition(this.lock);
  readonly tasks: Task<void>[] = [];
  stock = 0;
  #inside = 0;
  readonly #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  /** The part of a task that has the lock. */
  *#alone(dawdle: number): Generator<unknown, void, unknown> {
    assert(this.lock.locked(), "without the lock");
    assertEquals(this.#inside++, 0, "two have the lock");
    try {
      yield* turns(dawdle);
    } finally {
      this.#inside--;
    }
  }

  *#awaitStock(way: Way): Generator<unknown, boolean, unknown> {
    const { stocked } = this;
    const there = () => this.stock > 0;
    if (way === "waitFor") return yield* stocked.waitFor(there);
    if (way === "own limit") return yield* stocked.waitFor(there, 0.5);
    if (way === "limit from outside") return yield* waitFor(stocked.waitFor(there), 0.5);
    while (!there()) {
      if (way === "plain") yield stocked.wait();
      else yield* stocked.wait();
    }
    return true;
  }

  *consume(way: Way, dawdle: number): Generator<unknown, void, unknown> {
    using _ = yield* this.lock.hold();
    try {
      yield* this.#alone(dawdle);
      if (!(yield* this.#awaitStock(way))) return;
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      return;
    } finally {
      yield* this.#alone(0);
    }
    assert(this.stock > 0);
    this.stock--;
    this.emptied.notify();
  }

  *produce(dawdle: number, many: number): Generator<unknown, void, unknown> {
    using _ = yield* this.lock.hold();
    for (let i = 0; i < many; i++) {
      yield* this.emptied.waitFor(() => this.stock < this.#room);
      this.stock++;
      this.stocked.notify();
      yield* this.#alone(dawdle);
    }
  }

  cancel(index: number): void {
    const pending = this.tasks.filter((task) => !task.done());
    pending[index % pending.length]?.cancel();
  }

  checkSettled(): void {
    assertEquals(this.lock.statistics(), { locked: false, owner: null, waiters: 0 });
    if (this.stocked.statistics().waiters > 0) assertEquals(this.stock, 0, "a task waits for what is there");
    if (this.emptied.statistics().waiters > 0) assertEquals(this.stock, this.#room, "a task waits for room");
  }
}

function* follow(shop: Shop, program: Command[]): Generator<unknown, void, unknown> {
  for (const command of program) {
    if (command.do === "consume") shop.tasks.push(createTask(shop.consume(command.way, command.dawdle)));
    else if (command.do === "produce") shop.tasks.push(createTask(shop.produce(command.dawdle, command.many)));
    else if (command.do === "cancel") shop.cancel(command.index);
    else if (command.do === "turn") yield* sleep(0);
    else {
      yield* sleep(1);
      shop.checkSettled();
    }
  }
  yield* sleep(10);
  shop.checkSettled();
  for (const task of shop.tasks) task.cancel();
  yield* gather(shop.tasks, { returnExceptions: true });
  for (const task of shop.tasks) assert(task.cancelled() || task.exception() === null, `${task}`);
  shop.checkSettled();
  assertEquals([shop.stocked.statistics().waiters, shop.emptied.statistics().waiters], [0, 0]);
}

for (const shuffled of [false, true]) {
  Deno.test(`no notification is lost, whichever task is cancelled when${shuffled ? ", in any order of running" : ""}`, () =>
    fc.assert(
      fc.asyncProperty(commands, fc.constantFrom(1, 2, 3), fc.nat(), (program, room, seed) => {
        const options = shuffled ? { shuffle: seed } : {};
        return inLoop((lab) => lab.run(follow(new Shop(room), program)), options);
      }),
      { numRuns: 300, seed: 20263 },
    ));
}

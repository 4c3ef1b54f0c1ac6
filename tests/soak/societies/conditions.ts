/**
 * A bounded buffer with two conditions, and an event: items come out once and in order, and no waiter misses its
 * wake-up.
 */
import { Condition, type Coro, Event, Lock } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import type { Body, World } from "../world.ts";

const CAPACITY = 4;

/** A buffer. Whatever changes it holds its lock. */
class Buffer {
  readonly #world: World;
  readonly #lock = new Lock("buffer");
  readonly #room = new Condition(this.#lock, "room");
  readonly #stock = new Condition(this.#lock, "stock");
  readonly #items: number[] = [];
  #put = 0;
  #got = 0;
  #inside: Coro | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  /** Puts an item into it. Stops waiting when it stays full. */
  *put(coro: Coro): Body {
    using _ = yield* this.#room.hold();
    if (!(yield* this.#await(coro, this.#room, () => this.#items.length < CAPACITY))) return;
    this.#enter(coro);
    this.#items.push(this.#put++);
    this.#stock.notify();
    this.#inside = null;
    this.#world.done("condition: put", this.#put);
  }

  /** Takes an item out of it. Stops waiting when it stays empty. */
  *get(coro: Coro): Body {
    using _ = yield* this.#stock.hold();
    if (!(yield* this.#await(coro, this.#stock, () => this.#items.length > 0))) return;
    this.#enter(coro);
    const item = this.#items.shift()!;
    this.#world.check(
      item === this.#got++,
      "Items are got in the order in which they were put",
      () => `${item}, not ${this.#got - 1}`,
    );
    this.#room.notify();
    this.#inside = null;
    this.#world.done("condition: got", item);
  }

  /** Waits for a change in a random way. Returns whether the condition holds; the lock is held again in any case. */
  *#await(coro: Coro, condition: Condition, holds: () => boolean): Body<boolean> {
    const limit = this.#world.seconds(4);
    try {
      if (this.#world.random.chance(0.5)) yield* condition.waitFor(holds, limit);
      else while (!holds()) if (!(yield* condition.wait(limit))) break;
    } finally {
      this.#world.check(this.#lock.locked(), "A wait ends with the lock held", () => `${condition} of ${coro}`);
    }
    return holds();
  }

  #enter(coro: Coro): void {
    this.#world.check(this.#inside === null, "A lock keeps others out", () => `${coro} and ${this.#inside}`);
    this.#inside = coro;
  }

  close(): void {
    const left = this.#put - this.#got;
    this.#world.check(left === this.#items.length, "No item is lost", () => `${left} and ${this.#items.length}`);
    for (const condition of [this.#room, this.#stock]) {
      const { waiters, lock } = condition.statistics();
      const free = waiters === 0 && lock.waiters === 0 && !this.#lock.locked();
      this.#world.check(free, "No waiter is left behind", () => `${condition}: ${waiters} and ${lock.waiters}`);
    }
  }
}

/** When the event was last set. */
interface State {
  setAt: number;
}

function* user(coro: Coro, world: World, buffer: Buffer): Body {
  while (!world.over) {
    yield* coro.sleep(world.seconds(1));
    yield* world.random.chance(0.5) ? buffer.put(coro) : buffer.get(coro);
  }
}

/** Waits for an event without a limit: all that wait when it is set go on then, even if it is cleared at once. */
function* spectator(coro: Coro, world: World, event: Event, state: State): Body {
  while (!world.over) {
    const began = world.now();
    const set = yield* world.random.chance(0.5) ? event.wait() : event.wait(world.seconds(20));
    if (set) world.prompt(Math.max(began, state.setAt), () => `the event for ${coro}`);
    world.done(set ? "event: seen" : "event: missed");
    yield* coro.sleep(world.seconds(1));
  }
}

function* starter(coro: Coro, world: World, event: Event, state: State): Body {
  while (!world.over) {
    yield* coro.sleep(world.seconds(4));
    state.setAt = world.now();
    event.set();
    const { waiters } = event.statistics();
    world.check(waiters === 0, "Setting an event wakes all", () => `${waiters} wait on`);
    event.clear();
    world.done("event: set");
  }
  event.set();
  state.setAt = world.now();
}

/** See the head of this file. */
export const conditions: Society = {
  name: "conditions",
  *conduct(coro: Coro, world: World): Body {
    const buffer = new Buffer(world);
    const event = new Event("race");
    const state: State = { setAt: 0 };
    const users = world.spawn("users", (monitor) =>
      populate(world, monitor, {
        size: 12,
        mortal: true,
        newMember: () => world.spawn("user", (coro) => user(coro, world, buffer)),
      }));
    const start = world.spawn("starter", (coro) => starter(coro, world, event, state));
    yield* populate(world, coro, {
      size: 6,
      mortal: true,
      newMember: () => world.spawn("spectator", (coro) => spectator(coro, world, event, state)),
    });
    yield* start.finish();
    yield* users.finish();
    buffer.close();
    const { waiters } = event.statistics();
    world.check(waiters === 0, "No waiter is left behind", () => `${waiters} wait for the event`);
  },
};

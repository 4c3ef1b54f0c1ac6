/** Locks and semaphores: none is granted to two, no permit is lost or made, and queues are served in order. */
import { BoundedSemaphore, type Coro, Lock, RLock, Semaphore } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** A coroutine that had to wait: its place in the queue, and its deadline. */
interface Ticket {
  readonly number: number;
  readonly deadline: number;
}

type Acquirable = Lock | RLock | Semaphore;

/** A lock or semaphore, and the record of its owners. */
class Room {
  readonly gate: Acquirable;
  readonly #world: World;
  readonly #permits: number;
  readonly #holders: Set<Coro> = new Set();
  #tickets = 0;
  // The last ticket of the coroutines that had to wait.
  #served = -1;

  constructor(world: World, gate: Acquirable, permits: number) {
    this.#world = world;
    this.gate = gate;
    this.#permits = permits;
  }

  /** Acquires it in a random way, holds it for a while, and releases it. */
  *visit(coro: Coro): Body {
    const { random } = this.#world;
    if (random.chance(0.3)) return yield* this.#hold(coro);
    const limit = random.chance(0.4) ? this.#world.seconds(2) : null;
    const blocking = !random.chance(0.1);
    const ticket = this.#queue(limit);
    const began = this.#world.now();
    if (!(yield* this.gate.acquire(blocking, limit))) {
      if (blocking) this.#world.onTime(began + limit!, () => `giving up ${this}`);
      return this.#world.done("lock: not acquired");
    }
    try {
      yield* this.#stay(coro, ticket);
    } finally {
      this.gate.release();
    }
  }

  *#hold(coro: Coro): Body {
    const ticket = this.#queue();
    using _ = yield* this.gate.hold();
    yield* this.#stay(coro, ticket);
  }

  /** A ticket for a coroutine that acquires now; `null` if it need not wait. */
  #queue(limit: number | null = null): Ticket | null {
    const { waiters } = this.gate.statistics();
    const idle = this.#idle();
    this.#world.check(
      idle === 0 || waiters === 0,
      "No acquire waits for a free permit",
      () => `${this} has ${waiters} waiting`,
    );
    return idle > 0 ? null : { number: this.#tickets++, deadline: this.#world.now() + (limit ?? Infinity) };
  }

  #idle(): number {
    const statistics = this.gate.statistics();
    if ("value" in statistics) return statistics.value;
    return (this.gate as Lock | RLock).locked() ? 0 : 1;
  }

  *#stay(coro: Coro, ticket: Ticket | null): Body {
    const world = this.#world;
    this.#enter(coro, ticket);
    try {
      if (this.gate instanceof RLock && world.random.chance(0.3)) yield* this.#deeper(coro);
      for (let turns = world.random.below(3); turns > 0; turns--) yield;
      if (world.random.chance(0.5)) yield* coro.sleep(world.seconds(1) / 3);
      this.#look();
    } finally {
      this.#holders.delete(coro);
    }
  }

  #enter(coro: Coro, ticket: Ticket | null): void {
    this.#holders.add(coro);
    this.#look();
    if (ticket !== null) this.#checkTurn(ticket);
    this.#world.done("lock: acquired", ticket?.number ?? -1);
  }

  /**
   * Permits are granted in the order of the queue, and coroutines that were granted run in that order. One whose time is
   * up is in the ready queue too: if it is granted at the last moment, it may run before others that were granted earlier.
   */
  #checkTurn({ number, deadline }: Ticket): void {
    if (!this.#world.fair || this.#world.now() >= deadline) return;
    const before = this.#served;
    this.#world.check(number > before, "First come, first served", () => `${this}: ${number} after ${before}`);
    this.#served = number;
  }

  *#deeper(coro: Coro): Body {
    const again = yield* this.gate.acquire(false);
    this.#world.check(again, "An RLock lets its holder in again", () => `${this} of ${coro}`);
    try {
      yield;
    } finally {
      this.gate.release();
    }
  }

  /** Checks the invariants of any moment. */
  #look(): void {
    const had = this.#holders.size;
    this.#world.check(
      had + this.#idle() <= this.#permits,
      "No permit is made",
      () => `${this}: ${had} + ${this.#idle()}`,
    );
  }

  /** Checks the invariants of the end. */
  close(): void {
    const { waiters } = this.gate.statistics();
    const idle = this.#idle();
    this.#world.check(idle === this.#permits, "No permit is lost", () => `${this}: ${idle} of ${this.#permits} left`);
    this.#world.check(waiters === 0, "No waiter is left behind", () => `${this}: ${waiters}`);
  }

  toString(): string {
    return String(this.gate);
  }
}

function* visitor(coro: Coro, world: World, rooms: readonly Room[]): Body {
  while (!world.over) {
    yield* coro.sleep(world.seconds(1));
    try {
      // One at a time, so that none waits for another in a cycle.
      yield* world.random.pick(rooms).visit(coro);
    } catch (error) {
      if (!(error instanceof Thrown) || world.random.chance(0.5)) throw error;
    }
  }
}

/** See the head of this file. */
export const locks: Society = {
  name: "locks",
  *conduct(coro: Coro, world: World): Body {
    const rooms = [
      new Room(world, new Lock("lock"), 1),
      new Room(world, new RLock("rlock"), 1),
      new Room(world, new Semaphore(3, "semaphore"), 3),
      new Room(world, new BoundedSemaphore(2, "bounded"), 2),
    ];
    yield* populate(world, coro, {
      size: 24,
      mortal: true,
      newMember: () => world.spawn("visitor", (coro) => visitor(coro, world, rooms)),
    });
    for (const room of rooms) room.close();
  },
};

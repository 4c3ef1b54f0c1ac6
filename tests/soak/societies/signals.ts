/**
 * Waits that share signals: an abort ends all that wait on its signal at once and no other, nothing that was granted is
 * lost, and no listener stays on a signal.
 */
import {
  type Coro,
  Event,
  type Limit,
  Lock,
  race,
  Semaphore,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { CountedSignal } from "../../helpers/counted_signal.ts";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** The reason of an abort. */
class Abort {
  readonly at: number;

  constructor(at: number) {
    this.at = at;
  }
}

class Office {
  readonly #world: World;
  readonly #lock = new Lock("office");
  readonly #desks = new Semaphore(2, "desks");
  readonly #bell = new Event("bell");
  // The signals that are not aborted.
  readonly #open: CountedSignal[] = [new CountedSignal(), new CountedSignal(), new CountedSignal()];
  #inOffice = 0;
  #atDesks = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Comes and waits in many ways until the day is over. */
  *work(coro: Coro): Body {
    while (!this.#world.over) {
      const counted = this.#world.random.pick(this.#open);
      const began = this.#world.now();
      try {
        yield* this.#visit(coro, counted.signal);
        this.#world.done("signal: not needed");
      } catch (error) {
        if (error instanceof Abort) this.#aborted(coro, counted, error, began);
        else if (error instanceof TimeoutError) this.#world.done("signal: time was up first");
        else if (!(error instanceof Thrown) || this.#world.random.chance(0.5)) throw error;
      }
      yield* coro.sleep(this.#world.seconds(1) / 4);
    }
  }

  #aborted(coro: Coro, counted: CountedSignal, error: Abort, began: number): void {
    const { signal } = counted;
    this.#world.check(signal.reason === error, "The reason is that of the own signal", () => String(coro));
    this.#world.prompt(Math.max(began, error.at), () => `the abort for ${coro}`);
    this.#world.done("signal: aborted");
  }

  *#visit(coro: Coro, signal: AbortSignal): Body {
    const { random } = this.#world;
    const limit: Limit = random.chance(0.3) ? { signal, timeout: this.#world.seconds(2) } : signal;
    switch (random.below(6)) {
      case 0:
        if (yield* this.#lock.acquire(true, limit)) yield* this.#stay(coro, this.#lock);
        return;
      case 1:
        if (yield this.#desks.acquire(true, limit)) yield* this.#stay(coro, this.#desks);
        return;
      case 2:
        return void (yield* this.#bell.wait(limit));
      case 3:
        return void (yield* race(coro.receive(limit), sleep(this.#world.seconds(1)), this.#bell.wait(signal)));
      case 4:
        return void (yield* withTimeout(limit, this.#cleanUp(coro)));
      default:
        yield coro.sleep(limit);
    }
  }

  *#cleanUp(coro: Coro): Body {
    try {
      yield* this.#bell.wait();
    } finally {
      if (this.#world.random.chance(0.3)) yield;
      this.#world.check(coro.isAlive(), "Cleanup runs in its coroutine", () => String(coro));
    }
  }

  *#stay(coro: Coro, room: Lock | Semaphore): Body {
    const count = (change: number) => room === this.#lock ? (this.#inOffice += change) : (this.#atDesks += change);
    const most = room === this.#lock ? 1 : 2;
    const now = count(1);
    this.#world.check(now <= most, "No permit is made", () => `${now} in ${room}`);
    try {
      yield* coro.sleep(this.#world.seconds(1) / 4);
    } finally {
      count(-1);
      room.release();
    }
  }

  /** Aborts signals and opens new ones, rings the bell. */
  *direct(coro: Coro): Body {
    while (!this.#world.over) {
      yield* coro.sleep(this.#world.seconds(1) / 2);
      if (this.#world.random.chance(0.4)) this.#bell.set();
      this.#bell.clear();
      if (this.#world.random.chance(0.6)) this.#abort(this.#world.random.below(this.#open.length));
    }
    // Some wait without another limit.
    for (let index = 0; index < this.#open.length; index++) this.#abort(index);
    this.#bell.set();
  }

  #abort(index: number): void {
    const counted = this.#open[index];
    this.#world.check(counted.listeners <= 1, "Waits on a signal share a listener", () => `${counted.listeners}`);
    this.#open[index] = new CountedSignal();
    counted.abort(new Abort(this.#world.now()));
    this.#world.check(counted.listeners === 0, "No listener stays", () => `${counted.listeners} after an abort`);
  }

  /** Checks the invariants of the end. */
  close(): void {
    const listeners = this.#open.reduce((sum, counted) => sum + counted.listeners, 0);
    this.#world.check(listeners === 0, "No listener stays", () => `${listeners} at the end`);
    const { value, waiters } = this.#desks.statistics();
    this.#world.check(value === 2 && waiters === 0, "No permit is lost", () => `${value} of 2, ${waiters} wait`);
    this.#world.check(!this.#lock.locked(), "No lock is lost", () => String(this.#lock));
  }
}

/** See the head of this file. */
export const signals: Society = {
  name: "signals",
  *conduct(coro: Coro, world: World): Body {
    const office = new Office(world);
    const director = world.spawn("director", (coro) => office.direct(coro));
    yield* populate(world, coro, {
      size: 16,
      mortal: true,
      newMember: () => world.spawn("clerk", (coro) => office.work(coro)),
    });
    yield* director.finish();
    office.close();
  },
};

/**
 * Coroutines that change their priority: those of one priority take turns in order, and none starves. Sometimes all
 * rest, so that the scheduler has coroutines of one priority only, and then of several again.
 */
import type { Coro } from "@asyncoro/asyncoro";
import type { Society } from "../society.ts";
import type { World } from "../world.ts";

const WALKERS = 10;
const LEVELS = 8;
const USUAL = 4;

/** The coroutines that have yielded, level by level, in order. */
class Order {
  readonly #waiting: Coro[][] = Array.from({ length: LEVELS }, () => []);
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  givesWay(coro: Coro): void {
    this.#waiting[coro.priority].push(coro);
  }

  /** Records that it runs again. */
  runs(coro: Coro): void {
    const waiting = this.#waiting[coro.priority];
    const place = waiting.indexOf(coro);
    if (place < 0) return;
    waiting.splice(place, 1);
    const inOrder = place === 0 || !this.#world.fair;
    this.#world.check(inOrder, "First come, first served", () => `${coro} overtook ${place} of its priority`);
  }

  /** Changes its priority: if it is ready, it queues behind all that have the new one. */
  changes(coro: Coro, priority: number): void {
    const waiting = this.#waiting[coro.priority];
    const place = waiting.indexOf(coro);
    coro.priority = priority;
    if (place < 0) return;
    waiting.splice(place, 1);
    this.givesWay(coro);
  }
}

class PrioritySociety {
  readonly #world: World;
  readonly #order: Order;
  readonly #walkers: Coro[] = [];
  // Until then no priority changes, by the scheduler's clock.
  #rest = 0;

  constructor(world: World) {
    this.#world = world;
    this.#order = new Order(world);
  }

  newWalker(): Coro<void> {
    const walker = this.#world.spawn("walker", (coro) => this.#walk(coro));
    this.#walkers.push(walker as Coro);
    return walker;
  }

  *#walk(coro: Coro): Generator<unknown, void, unknown> {
    const { random } = this.#world;
    while (!this.#world.over) {
      // Sometimes long enough for the scheduler to see that nothing else happens.
      yield* this.#giveWay(coro, random.chance(0.1) ? 100 : random.below(6));
      if (random.chance(0.02)) this.#restForAll();
      if (random.chance(0.5)) yield* coro.sleep(this.#world.seconds(1));
      else if (this.#world.now() < this.#rest) this.#change(coro, USUAL);
      else if (random.chance(0.7)) this.#change(random.pick(this.#walkers), random.below(LEVELS));
      else yield* this.#company(coro);
    }
  }

  *#giveWay(coro: Coro, times: number): Generator<unknown, void, unknown> {
    for (let i = 0; i < times; i++) {
      const since = this.#world.now();
      this.#order.givesWay(coro);
      yield;
      this.#order.runs(coro);
      this.#world.prompt(since, () => `the turn of ${coro}`);
      this.#world.done("priority: turn");
    }
  }

  #change(coro: Coro, priority: number): void {
    if (coro.priority === priority) return;
    this.#order.changes(coro, priority);
    this.#world.done("priority: changed");
  }

  #restForAll(): void {
    this.#rest = this.#world.now() + this.#world.seconds(10);
    for (const walker of this.#walkers) this.#change(walker, USUAL);
    this.#world.done("priority: rest");
  }

  /** Children of other priorities sleep for the same time, and their parent waits for them. */
  *#company(coro: Coro): Generator<unknown, void, unknown> {
    const { random, scheduler } = this.#world;
    const seconds = this.#world.seconds(1);
    const child = function* (self: Coro, deadline: number, world: World): Generator<unknown, void, unknown> {
      yield* self.sleep(seconds);
      world.onTime(deadline, () => `the sleep of ${self}`);
      yield;
    };
    const deadline = this.#world.now() + seconds;
    const children = Array.from(
      { length: random.from(1, 4) },
      () => scheduler.spawnWith({ name: "child", priority: random.below(LEVELS) }, child, deadline, this.#world),
    );
    for (const each of children) yield* each.finish();
    this.#world.done("priority: company", coro.id);
  }
}

/** See the head of this file. */
export const priorities: Society = {
  name: "priorities",
  *conduct(_coro: Coro, world: World): Generator<unknown, void, unknown> {
    const society = new PrioritySociety(world);
    const walkers = Array.from({ length: WALKERS }, () => society.newWalker());
    for (const walker of walkers) yield* walker.finish();
  },
};

/** Coroutines whose end is planned: each watcher is notified of the end once and correctly, and the cleanup runs once. */
import { type Coro, MonitorException, type Outcome, TimeoutError } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import { ALARM, type Body, type World } from "../world.ts";

/** A coroutine whose end is planned. */
class PlannedCoro {
  readonly coro: Coro<PlannedCoro>;
  readonly plannedEnd: Outcome["kind"];
  readonly #world: World;
  readonly #error = new Thrown("a plannedEnd");
  #cleanups = 0;
  #started = false;

  constructor(world: World) {
    this.#world = world;
    this.plannedEnd = world.random.pick<Outcome["kind"]>(["return", "throw", "terminate"]);
    this.coro = world.spawn("life", (coro) => this.#live(coro));
  }

  *#live(coro: Coro): Body<PlannedCoro> {
    this.#started = true;
    try {
      yield* coro.sleep(this.#world.seconds(1));
      if (this.plannedEnd === "throw") throw this.#error;
      if (this.plannedEnd === "terminate") {
        if (this.#world.random.chance(0.5)) coro.terminate();
        yield* coro.sleep(this.#world.unit * 100);
        this.#world.violate("A terminated coroutine does not go on", String(coro));
      }
      return this;
    } finally {
      if (this.#world.random.chance(0.5)) yield* coro.sleep(this.#world.seconds(1));
      this.#cleanups++;
    }
  }

  /** Ends it from outside if that is the plan: at any moment, also before it has started. */
  *terminateEarly(coro: Coro): Body {
    if (this.plannedEnd !== "terminate") return;
    if (this.#world.random.chance(0.8)) yield* coro.sleep(this.#world.seconds(1));
    this.coro.terminate(1000);
  }

  /** Waits for its end, and checks how it ended. */
  *join(): Body {
    try {
      const value = yield* this.coro.finish();
      this.#check(
        this.plannedEnd === "return" ? value === this : this.plannedEnd === "terminate",
        `gave ${String(value)}`,
      );
    } catch (error) {
      if (error !== this.#error) throw error;
      this.#check(this.plannedEnd === "throw", "failed");
    }
  }

  /** A monitor was notified of its end: checks the outcome. */
  checkOutcome(outcome: Outcome): void {
    this.#check(outcome.kind === this.plannedEnd, outcome.kind);
    if (outcome.kind === "throw") this.#check(outcome.error === this.#error, "another error");
    if (outcome.kind === "return") this.#check(outcome.value === this, "another value");
  }

  #check(holds: boolean, what: string): void {
    const cleanups = this.#started ? 1 : 0;
    this.#world.check(
      holds,
      "A watcher receives the actual outcome",
      () => `${this.coro}, to ${this.plannedEnd}: ${what}`,
    );
    this.#world.check(!this.coro.isAlive(), "A watcher is notified after the end", () => String(this.coro));
    this.#world.check(this.#cleanups === cleanups, "Cleanup runs once", () => `${this.coro}: ${this.#cleanups}`);
    this.#world.done(`life: ${this.plannedEnd}`);
  }
}

/** Watches coroutines in a random way. It may be interrupted at any moment, and they end all the same. */
function* parent(coro: Coro, world: World, lives: Set<PlannedCoro>): Body {
  while (!world.over) {
    const life = new PlannedCoro(world);
    lives.add(life);
    const terminator = world.spawn("terminator", (terminator) => life.terminateEarly(terminator));
    if (world.random.chance(0.5)) yield* monitor(coro, world, life);
    else if (world.random.chance(0.7)) yield* life.join();
    else yield* joinInTime(world, life);
    yield* terminator.finish();
  }
}

function* monitor(coro: Coro, world: World, life: PlannedCoro): Body {
  // Setting the same monitor again has no effect.
  for (let times = world.random.from(1, 2); times > 0; times--) yield* coro.monitor(life.coro);
  const message = yield* coro.receive<MonitorException>();
  world.check(
    message instanceof MonitorException && message.coro === life.coro,
    "A monitor is notified of what it observes",
    () => `${message}`,
  );
  life.checkOutcome(message.outcome);
  const more = yield* coro.receive(world.random.chance(0.5) ? 0 : world.seconds(1), ALARM);
  world.check(more === ALARM, "A monitor is notified of an end once", () => `${coro} got ${String(more)}`);
}

function* joinInTime(world: World, life: PlannedCoro): Body {
  const began = world.now();
  const limit = world.seconds(1);
  try {
    yield* life.coro.finish(limit);
  } catch (error) {
    if (!(error instanceof TimeoutError)) {
      if (life.plannedEnd !== "throw") throw error;
    } else {
      world.onTime(began + limit, () => `giving up ${life.coro}`);
      world.done("life: not waited for");
    }
  }
  yield* life.join();
}

/** See the head of this file. */
export const lives: Society = {
  name: "lives",
  *conduct(coro: Coro, world: World): Body {
    const all = new Set<PlannedCoro>();
    yield* populate(world, coro, {
      size: 16,
      mortal: true,
      newMember: () => world.spawn("parent", (coro) => parent(coro, world, all)),
      ended: () => all.forEach((life) => life.coro.isAlive() || all.delete(life)),
    });
    // Those that lost their parent, and those that were ended too late, end by themselves.
    for (const life of all) yield* life.join();
  },
};

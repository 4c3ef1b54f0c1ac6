/** Coroutines whose end is planned: each watcher is told of the end once and correctly, and the cleanup runs once. */
import { type Coro, MonitorException, type Outcome, TimeoutError } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import { ALARM, type Body, type World } from "../world.ts";

/** A coroutine whose end is planned. */
class Life {
  readonly coro: Coro<Life>;
  readonly fate: Outcome["kind"];
  readonly #world: World;
  readonly #error = new Thrown("a fate");
  #cleanups = 0;
  #started = false;

  constructor(world: World) {
    this.#world = world;
    this.fate = world.random.pick<Outcome["kind"]>(["return", "throw", "terminate"]);
    this.coro = world.spawn("life", (coro) => this.#live(coro));
  }

  *#live(coro: Coro): Body<Life> {
    this.#started = true;
    try {
      yield* coro.sleep(this.#world.seconds(1));
      if (this.fate === "throw") throw this.#error;
      if (this.fate === "terminate") {
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
  *accompany(coro: Coro): Body {
    if (this.fate !== "terminate") return;
    if (this.#world.random.chance(0.8)) yield* coro.sleep(this.#world.seconds(1));
    this.coro.terminate(1000);
  }

  /** Waits for its end, and checks how it ended. */
  *join(): Body {
    try {
      const value = yield* this.coro.finish();
      this.#check(this.fate === "return" ? value === this : this.fate === "terminate", `gave ${String(value)}`);
    } catch (error) {
      if (error !== this.#error) throw error;
      this.#check(this.fate === "throw", "failed");
    }
  }

  /** A monitor was told of its end. */
  told(outcome: Outcome): void {
    this.#check(outcome.kind === this.fate, outcome.kind);
    if (outcome.kind === "throw") this.#check(outcome.error === this.#error, "another error");
    if (outcome.kind === "return") this.#check(outcome.value === this, "another value");
  }

  #check(holds: boolean, what: string): void {
    const cleanups = this.#started ? 1 : 0;
    this.#world.check(holds, "A watcher is told the actual end", () => `${this.coro}, to ${this.fate}: ${what}`);
    this.#world.check(!this.coro.isAlive(), "An end is told after it", () => String(this.coro));
    this.#world.check(this.#cleanups === cleanups, "Cleanup runs once", () => `${this.coro}: ${this.#cleanups}`);
    this.#world.done(`life: ${this.fate}`);
  }
}

/** Watches coroutines in a random way. It may be interrupted at any moment, and they end all the same. */
function* parent(coro: Coro, world: World, lives: Set<Life>): Body {
  while (!world.over) {
    const life = new Life(world);
    lives.add(life);
    const guide = world.spawn("guide", (guide) => life.accompany(guide));
    if (world.random.chance(0.5)) yield* monitor(coro, world, life);
    else if (world.random.chance(0.7)) yield* life.join();
    else yield* joinInTime(world, life);
    yield* guide.finish();
  }
}

function* monitor(coro: Coro, world: World, life: Life): Body {
  // Setting the same monitor again has no effect.
  for (let times = world.random.from(1, 2); times > 0; times--) yield* coro.monitor(life.coro);
  const news = yield* coro.receive<MonitorException>();
  world.check(
    news instanceof MonitorException && news.coro === life.coro,
    "A monitor hears of its own",
    () => `${news}`,
  );
  life.told(news.outcome);
  const more = yield* coro.receive(world.random.chance(0.5) ? 0 : world.seconds(1), ALARM);
  world.check(more === ALARM, "A monitor is told of an end once", () => `${coro} got ${String(more)}`);
}

function* joinInTime(world: World, life: Life): Body {
  const began = world.now();
  const limit = world.seconds(1);
  try {
    yield* life.coro.finish(limit);
  } catch (error) {
    if (!(error instanceof TimeoutError)) {
      if (life.fate !== "throw") throw error;
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
    const all = new Set<Life>();
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

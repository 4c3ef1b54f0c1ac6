/**
 * Sleepers: none wakes early, those with one deadline wake in order, and a resume reaches the sleep for which it was.
 */
import { type Coro, sleep } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import { ALARM, type Body, type World } from "../world.ts";

/** The value with which a sleeper is resumed. */
interface Update {
  readonly to: Coro;
  readonly at: number;
  taken: boolean;
}

class SleepSociety {
  readonly #world: World;
  readonly #sleepers: Set<Coro> = new Set();
  // The last updates whose resume() returned `false`.
  readonly #refused: Set<Update> = new Set();
  #waits = 0;
  #last = { deadline: -1, number: -1 };
  // Accepted and not yet taken.
  #pending = 0;

  constructor(world: World) {
    this.#world = world;
  }

  newSleeper(): Coro {
    const coro = this.#world.spawn("sleeper", (coro) => this.#live(coro));
    this.#sleepers.add(coro);
    return coro;
  }

  *#live(coro: Coro): Body {
    while (!this.#world.over) {
      try {
        yield* this.#sleep(coro);
      } catch (error) {
        if (!(error instanceof Thrown) || this.#world.random.chance(0.5)) throw error;
      }
    }
  }

  *#sleep(coro: Coro): Body {
    const world = this.#world;
    const seconds = world.seconds(3);
    const deadline = world.now() + seconds;
    if (world.random.chance(0.2)) {
      // The value cannot be reached here, so it is not resumed with one.
      yield* world.random.chance(0.5) ? sleep(seconds) : sleep({ milliseconds: seconds * 1000 });
      return world.done("sleep: of a helper");
    }
    const number = this.#waits++;
    const value = yield* coro.sleep<Update | typeof ALARM | undefined>(seconds, ALARM);
    if (value === ALARM) this.#alarm(coro, deadline, number);
    else if (value !== undefined) this.#resumed(coro, value);
  }

  #alarm(coro: Coro, deadline: number, number: number): void {
    const world = this.#world;
    world.onTime(deadline, () => `the sleep of ${coro}`);
    const last = this.#last;
    if (world.fair && world.plan.virtual) {
      world.check(
        deadline >= last.deadline,
        "Deadlines come in their order",
        () => `${deadline} after ${last.deadline}`,
      );
      const inOrder = deadline !== last.deadline || number > last.number;
      world.check(inOrder, "Equal deadlines keep their order", () => `${number} after ${last.number}`);
      this.#last = { deadline, number };
    }
    world.done("sleep: alarm", number);
  }

  #resumed(coro: Coro, update: Update): void {
    const world = this.#world;
    world.check(update.to === coro, "A resume reaches its coroutine", () => `${coro} got that of ${update.to}`);
    world.check(!update.taken, "A resume arrives once", () => `${coro} got one twice`);
    world.check(!this.#refused.has(update), "A refused resume never arrives", () => String(coro));
    world.prompt(update.at, () => `a resume of ${coro}`);
    update.taken = true;
    this.#pending--;
    world.done("sleep: resumed");
  }

  /** Wakes sleepers before their time. */
  *wake(coro: Coro): Body {
    while (!this.#world.over) {
      yield* coro.sleep(this.#world.seconds(1) / 2);
      if (this.#sleepers.size === 0) continue;
      const to = this.#world.random.pick([...this.#sleepers]);
      this.#resume(to);
      if (this.#world.random.chance(0.2)) this.#resume(to, true);
    }
  }

  #resume(to: Coro, again = false): void {
    const update: Update = { to, at: this.#world.now(), taken: false };
    const accepted = to.resume(update);
    this.#world.check(!accepted || !again, "A second resume comes too late", () => String(to));
    if (accepted) return void this.#pending++;
    this.#refused.add(update);
    if (this.#refused.size > 100) this.#refused.delete(this.#refused.values().next().value!);
    this.#world.done("sleep: resume refused");
  }

  ended(coro: Coro): void {
    this.#sleepers.delete(coro);
  }
}

/** Waits that end long before their timeout leave no timer behind. */
function* impatient(coro: Coro, world: World): Body {
  while (!world.over) {
    for (let i = 0; i < 20; i++) {
      coro.send(i);
      const got = yield* coro.receive<number | typeof ALARM>(world.unit * 1000, ALARM);
      world.check(got === i, "A message to oneself comes back", () => `${String(got)} for ${i}`);
    }
    world.done("sleep: limit not needed");
    const { timers, live } = world.scheduler.stats();
    // Each coroutine has one wait, and each branch, deadline and grace a timer besides; members are a few hundred.
    world.check(timers <= 4 * live + 100, "No timer stays behind", () => `${timers} timers of ${live} coroutines`);
    yield* coro.sleep(world.seconds(1));
  }
}

/** See the head of this file. */
export const time: Society = {
  name: "time",
  *conduct(coro: Coro, world: World): Body {
    const sleeps = new SleepSociety(world);
    const helpers = [
      world.spawn("waker", (coro) => sleeps.wake(coro)),
      world.spawn("impatient", (coro) => impatient(coro, world)),
    ];
    yield* populate(world, coro, {
      size: 20,
      mortal: true,
      newMember: () => sleeps.newSleeper(),
      ended: (sleeper) => sleeps.ended(sleeper),
    });
    for (const helper of helpers) yield* helper.finish();
  },
};

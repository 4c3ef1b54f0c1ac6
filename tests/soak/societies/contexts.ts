/**
 * The host's asynchronous context: every step of a coroutine has the one in which it was created, whatever wakes or
 * ends it.
 */
import { all, type Coro, race, sleep, until } from "@asyncoro/asyncoro";
import { AsyncLocalStorage } from "node:async_hooks";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import type { Body, World } from "../world.ts";

/** The stored value; nothing for those that are created without. */
const stored = new AsyncLocalStorage<number>();

type Context = number | undefined;

class Contexts {
  readonly #world: World;
  // Coroutines that may be woken: their context is not that of the code that wakes them.
  readonly #sleepers = new Set<Coro>();
  #numbers = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Creates a member in a context of its own, or in none. */
  member(depth: number): Coro {
    const own = this.#world.random.chance(0.2) ? undefined : ++this.#numbers;
    return stored.run(own as number, () => this.#world.spawn("member", (coro) => this.#live(coro, own, depth)));
  }

  #check(own: Context, where: string): void {
    const found = stored.getStore();
    this.#world.check(found === own, "A step has the context of its coroutine", () => `${found} for ${own} ${where}`);
  }

  *#live(coro: Coro, own: Context, depth: number): Body {
    const { random } = this.#world;
    try {
      for (let steps = random.from(1, 6); steps > 0 && !this.#world.over; steps--) {
        this.#check(own, "in a step");
        // It ends with the step.
        if (random.chance(0.1)) stored.enterWith(-1);
        yield* this.#act(coro, own, depth);
        this.#check(own, "after a wait");
      }
    } finally {
      this.#sleepers.delete(coro);
      this.#check(own, "in cleanup");
      if (random.chance(0.3)) yield* coro.sleep(this.#world.seconds(1));
      this.#check(own, "at the end of cleanup");
    }
  }

  *#act(coro: Coro, own: Context, depth: number): Body {
    const { random } = this.#world;
    switch (random.below(depth > 0 ? 6 : 5)) {
      case 0:
        yield;
        break;
      case 1:
        yield* this.#sleep(coro);
        break;
      case 2:
        yield* this.#wake();
        break;
      case 3:
        yield* this.#branch(own);
        break;
      case 4:
        yield* this.#promise();
        break;
      default:
        // It may outlive its creator.
        this.member(depth - 1);
        yield;
    }
    this.#world.done("context: step");
  }

  *#sleep(coro: Coro): Body {
    this.#sleepers.add(coro);
    yield* coro.sleep(this.#world.seconds(2));
    this.#sleepers.delete(coro);
  }

  *#wake(): Body {
    if (this.#sleepers.size > 0) this.#world.random.pick([...this.#sleepers]).resume();
    yield;
  }

  *#branch(own: Context): Body {
    const part = function* (this: Contexts): Body {
      yield* sleep(this.#world.seconds(1));
      this.#check(own, "in a branch");
    };
    const parts = [part.call(this), part.call(this)];
    yield* this.#world.random.chance(0.5) ? race(parts) : all(parts);
  }

  /** The host's view of the current context. */
  *#promise(): Body {
    const current = stored.getStore();
    const found = yield* until(Promise.resolve().then(() => stored.getStore()));
    this.#world.check(found === current, "A promise has the context of its step", () => `${found} for ${current}`);
  }
}

/** See the head of this file. */
export const contexts: Society = {
  name: "contexts",
  *conduct(coro: Coro, world: World): Body {
    const everybody = new Contexts(world);
    yield* populate(world, coro, { size: 24, mortal: true, newMember: () => everybody.member(2) });
  },
};

/**
 * Scopes in scopes, whose members and children are interrupted at any moment: no child outlives its scope, each child
 * cleans up once, and a failure is the scope's.
 */
import { type Coro, map, race, type Scope, scope, shield, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** What a scope and its children have done. */
class Household {
  readonly children: Coro[] = [];
  /** The errors with which children have failed. */
  readonly failed = new Set<unknown>();
  begun = 0;
  ended = 0;
  cancelled = false;
}

class Keeper {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Opens a scope, waits for its end and checks what is left. */
  *keep(depth: number): Body {
    const world = this.#world;
    const home = new Household();
    try {
      const populate = (scope: Scope): Body<string> => this.#populate(scope, home, depth);
      const value = yield* scope(function* (scope) {
        return yield* populate(scope);
      });
      world.check(home.failed.size === 0, "A failure of a child is the scope's", () => `${home.failed.size} were lost`);
      world.check(
        value === (home.cancelled ? undefined : "value"),
        "A scope has the value of its body",
        () => `${value} ${home.cancelled}`,
      );
    } catch (error) {
      world.expect(error, "a scope");
      // A child in which a deadline cut another scope short may itself fail with the AggregateError of that one.
      const one = home.failed.has(error) || !(error instanceof AggregateError);
      const told = one ? [error] : error.errors;
      const lost = [...home.failed].filter((each) => !told.includes(each));
      world.check(lost.length === 0, "A failure of a child is the scope's", () => `${lost.length} were lost`);
    } finally {
      this.#checkEnd(home);
    }
    world.done("scope: ended", home.begun);
  }

  #checkEnd({ children, begun, ended }: Household): void {
    const left = children.filter((child) => child.isAlive());
    this.#world.check(left.length === 0, "No child outlives its scope", () => left.join(", "));
    this.#world.check(begun === ended, "Each child cleans up once", () => `${begun} began, ${ended} ended`);
    for (const child of children) this.#world.victims.delete(child);
  }

  /** The body of a scope. */
  *#populate(scope: Scope, home: Household, depth: number): Body<string> {
    const { random } = this.#world;
    for (let count = random.from(1, 4); count > 0; count--) this.#spawn(scope, home, depth);
    if (random.chance(0.5)) yield* this.#work(depth - 1);
    if (random.chance(0.2)) {
      home.cancelled = !scope.signal.aborted;
      scope.cancel();
      this.#world.done("scope: cancelled");
    }
    return "value";
  }

  #spawn(scope: Scope, home: Household, depth: number): void {
    const { random, victims } = this.#world;
    const live = (): Body => this.#live(scope, home, depth);
    const target = function* kept(): Body {
      yield* live();
    };
    const child = random.chance(0.2) ? scope.service(target) : scope.spawn(target);
    home.children.push(child);
    victims.add(child);
  }

  *#live(scope: Scope, home: Household, depth: number): Body {
    const { random } = this.#world;
    home.begun++;
    let failed = false;
    try {
      if (random.chance(0.1)) this.#spawn(scope, home, 0);
      yield* this.#work(depth - 1);
      if (random.chance(0.1)) throw new Thrown("a child");
    } catch (error) {
      failed = true;
      home.failed.add(error);
      throw error;
    } finally {
      try {
        // A termination in it would replace the error.
        if (!failed && random.chance(0.3)) yield* sleep(this.#world.seconds(1));
      } finally {
        home.ended++;
      }
    }
  }

  /** Some work, in a scope of its own or not, that may be cut short. */
  *#work(depth: number): Body {
    const { random } = this.#world;
    const pause = this.#world.seconds(2);
    const dice = depth > 0 ? random.below(6) : 5;
    if (dice === 0) return yield* this.keep(depth);
    if (dice === 1) return void (yield* race(this.keep(depth), sleep(pause)));
    if (dice === 3) return void (yield* map([1, 2, 3], mapped, { concurrency: random.from(1, 3) }));
    if (dice > 3) return yield* sleep(pause);
    try {
      yield* withTimeout(pause, dice === 2 ? this.keep(depth) : shield(this.keep(depth), this.#world.seconds(1)));
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }
}

function* mapped(coro: Coro, item: number): Body<number> {
  yield* coro.sleep(0);
  return item;
}

/** See the head of this file. */
export const scopes: Society = {
  name: "scopes",
  *conduct(coro: Coro, world: World): Body {
    const keeper = new Keeper(world);
    yield* populate(world, coro, {
      size: 6,
      mortal: true,
      newMember: () =>
        world.spawn("keeper", function* () {
          yield* keeper.keep(3);
        }),
    });
  },
};

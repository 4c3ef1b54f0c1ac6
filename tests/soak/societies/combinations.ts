/**
 * Trees of race, all and withTimeout: losers are cancelled once, every branch cleans up once, and the outcome is right.
 * Without time they take what is available, return what they do not use, and handle promises that they never wait for.
 */
import {
  all,
  call,
  type Coro,
  type Operation,
  race,
  sleep,
  TimeoutError,
  until,
  withTimeout,
} from "@asyncoro/asyncoro";
import { populate } from "../population.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** A branch: after how many seconds it returns its number, or with which error it fails then. */
interface Tree {
  readonly body: Body<number>;
  readonly seconds: number;
  readonly error: Thrown | null;
}

class Grower {
  readonly #world: World;
  readonly #balance = { begun: 0, ended: 0 };

  constructor(world: World) {
    this.#world = world;
  }

  /** A random tree. Its result is how long it was to take. */
  grow(depth: number): Tree {
    const { random } = this.#world;
    const dice = depth === 0 ? 0 : random.below(5);
    if (dice === 0) return this.#leaf();
    if (dice === 1) return this.#race(this.#parts(depth));
    if (dice === 2) return this.#all(this.#parts(depth));
    if (dice === 3) return this.#limited(this.grow(depth - 1));
    const inner = this.grow(depth - 1);
    return {
      ...inner,
      body: this.#part(call(inner.body)),
    };
  }

  #parts(depth: number): Tree[] {
    return Array.from({ length: this.#world.random.from(1, 3) }, () => this.grow(depth - 1));
  }

  #leaf(): Tree {
    // Different for each, so that the first is known.
    const seconds = this.#world.unit * 3 * this.#world.random.next();
    const error = this.#world.random.chance(0.1) ? new Thrown("a leaf") : null;
    return {
      body: this.#part(leaf(seconds, error)),
      seconds,
      error,
    };
  }

  #race(parts: readonly Tree[]): Tree {
    const first = parts.reduce((one, other) => other.seconds < one.seconds ? other : one);
    return {
      ...first,
      body: this.#part(race(parts.map(({ body }) => body))),
    };
  }

  #all(parts: readonly Tree[]): Tree {
    const failing = parts.filter(({ error }) => error !== null);
    const body = this.#part(latest(parts));
    if (failing.length > 0) {
      return {
        ...failing.reduce((one, other) => other.seconds < one.seconds ? other : one),
        body,
      };
    }
    return {
      ...parts.reduce((one, other) => other.seconds > one.seconds ? other : one),
      body,
    };
  }

  /** A timeout that is far longer than what it limits. */
  #limited(part: Tree): Tree {
    const { seconds } = part;
    const late = this.#world.random.chance(0.5);
    const limit = late ? seconds / 2 : 2 * seconds + 1;
    if (!late) {
      return {
        ...part,
        body: this.#part(withTimeout(limit, part.body)),
      };
    }
    return {
      seconds: limit,
      error: null,
      body: this.#part(cutShort(limit, part.body)),
    };
  }

  *#part(inner: Body<number> | Operation<number>): Body<number> {
    this.#balance.begun++;
    try {
      return yield* inner;
    } finally {
      try {
        // In the turn in which it is cancelled, or in a later one.
        if (this.#world.random.chance(0.2)) yield;
      } finally {
        this.#balance.ended++;
      }
    }
  }

  /** Runs a tree and checks the outcome. */
  *run({ body, seconds, error }: Tree): Body {
    const world = this.#world;
    const deadline = world.now() + seconds;
    try {
      // Not by `yield*` alone, as it has cleanup that waits.
      const value = yield* call(body);
      const right = error === null && value === seconds;
      // In real time, branches that are close may overtake each other.
      world.check(
        right || !world.plan.virtual,
        "The first is first, the last is last",
        () => `${value} for ${seconds}`,
      );
    } catch (caught) {
      if (!(caught instanceof Thrown)) throw caught;
      // It was interrupted, or this is the failure that was planned.
      if (caught !== error && caught.message !== "a leaf") throw caught;
      world.check(
        caught === error || !world.plan.virtual,
        "The first failure fails the whole",
        () => `${caught} ${error}`,
      );
    } finally {
      const { begun, ended } = this.#balance;
      world.check(begun === ended, "Each branch that began has ended once", () => `${begun} began, ${ended} ended`);
    }
    if (world.plan.virtual) world.onTime(deadline, () => "a tree");
    world.done("combine: tree", this.#balance.begun);
  }
}

function* leaf(seconds: number, error: Thrown | null): Body<number> {
  yield* sleep(seconds);
  if (error !== null) throw error;
  return yield* until(Promise.resolve(seconds));
}

function* latest(parts: readonly Tree[]): Body<number> {
  const values = yield* all(parts.map(({ body }) => body));
  return Math.max(...values);
}

function* cutShort(limit: number, body: Body<number>): Body<number> {
  try {
    return yield* withTimeout(limit, body);
  } catch (error) {
    if (error instanceof TimeoutError) return limit;
    throw error;
  }
}

/** Puts an operation that has its outcome at once, or never, among others that have none. */
function nest(world: World, inner: Operation<unknown>, depth: number): Operation<unknown> {
  const { random } = world;
  if (depth === 0) return inner;
  const rest = nest(world, inner, depth - 1);
  const dice = random.below(4);
  if (dice === 0) return race(rest, sleep(1e6));
  if (dice === 1) return race(sleep(1e6), withTimeout(random.pick([0, 1e6]), race(rest)));
  return dice === 2 ? withTimeout(1e6, rest) : all(rest);
}

/** Takes messages of its own, all at once and without time, or not at all. */
function* takeAtOnce(coro: Coro, world: World): Body {
  const { random } = world;
  const there = random.from(1, 4);
  for (let i = 0; i < there; i++) coro.send(i);
  const lost = Promise.withResolvers<never>();
  const wanted = random.from(1, 5);
  const receives = Array.from({ length: wanted }, () => nest(world, coro.receive(), random.below(4)));
  const whole = race(all(receives), until(lost.promise), race(sleep(1e6), lost.promise));
  let taken = false;
  try {
    yield* withTimeout(random.pick([0, -1]), nest(world, whole, random.below(4)));
    taken = true;
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  } finally {
    lost.reject(new Thrown("of a promise that nobody waits for"));
  }
  world.check(taken === (wanted <= there), "Without time, an available value is taken", () => `${wanted} of ${there}`);
  let left = 0;
  while ((yield* coro.receive(0)) !== undefined) left++;
  world.check(
    left === (taken ? there - wanted : there),
    "A value that is not taken is returned",
    () => `${left} of ${there}`,
  );
  world.done("combine: at once", wanted);
}

function* taker(coro: Coro, world: World): Body {
  while (!world.over) {
    yield* takeAtOnce(coro, world);
    yield* coro.sleep(world.seconds(1));
  }
}

function* combiner(coro: Coro, world: World): Body {
  while (!world.over) {
    const grower = new Grower(world);
    yield* grower.run(grower.grow(3));
    yield* coro.sleep(world.seconds(1));
  }
}

/** See the head of this file. */
export const combinations: Society = {
  name: "combinations",
  *conduct(coro: Coro, world: World): Body {
    yield* populate(world, coro, {
      size: 8,
      mortal: true,
      newMember: () =>
        world.random.chance(0.3)
          ? world.spawn("taker", (coro) => taker(coro, world))
          : world.spawn("combiner", (coro) => combiner(coro, world)),
    });
  },
};

/** Code that is replaced while it runs, and restarted when it has failed: the mailbox and the identity stay. */
import { type Coro, HotSwapException, supervise } from "@asyncoro/asyncoro";
import { Ledger } from "../ledger.ts";
import type { Society } from "../society.ts";
import { Thrown } from "../violation.ts";
import type { Body, World } from "../world.ts";

/** A service that outlives its code. */
class Service {
  readonly ledger: Ledger;
  coro: Coro | null = null;
  readonly #world: World;
  readonly #kind: string;
  // The version that runs, and the last one that was proposed.
  #version = 0;
  #proposed = 0;

  constructor(world: World, kind: string) {
    this.#world = world;
    this.#kind = kind;
    this.ledger = new Ledger(world, world.newName(kind));
  }

  /** The code that runs, in any version. */
  *serve(coro: Coro, version: number): Body {
    const world = this.#world;
    this.coro ??= coro;
    world.check(this.coro === coro, "A new version is the same coroutine", () => `${coro}, not ${this.coro}`);
    world.check(version >= this.#version, "A version never comes back", () => `${version} after ${this.#version}`);
    this.#version = version;
    coro.hotSwappable(true);
    while (!world.over || this.ledger.open > 0) {
      try {
        yield* this.ledger.receive(coro, false);
      } catch (error) {
        if (error instanceof HotSwapException && world.random.chance(0.3)) world.done("swap: refused", version);
        else throw error;
      }
    }
    coro.hotSwappable(false);
    yield* this.ledger.drain(coro);
  }

  /** Proposes new versions, sometimes several in a row. */
  *improve(coro: Coro): Body {
    const world = this.#world;
    while (!world.over) {
      yield* coro.sleep(world.seconds(2));
      for (let times = world.random.from(1, 2); times > 0; times--) {
        if (this.coro === null || !this.coro.isAlive()) continue;
        const version = ++this.#proposed;
        const serve = (coro: Coro) => this.serve(coro, version);
        const asked = this.coro.hotSwap(function* improved(coro: Coro) {
          yield* serve(coro);
        });
        world.check(asked, "A swap can be proposed to a live coroutine", () => String(this.coro));
        world.done("swap: proposed", version);
      }
    }
  }

  *write(coro: Coro, from: number): Body {
    const world = this.#world;
    while (!world.over) {
      yield* coro.sleep(world.seconds(1));
      // From now on it may end.
      if (world.over) return;
      for (let left = world.random.from(1, 4); left > 0 && this.coro !== null; left--) this.#send(this.coro, from);
    }
  }

  #send(coro: Coro, from: number): void {
    const letter = this.ledger.newLetter(from);
    // A failed coroutine gets its messages when it is restarted.
    this.ledger.sent(letter);
    this.#world.check(coro.send(letter), "A coroutine that may be restarted takes messages", () => String(coro));
  }

  /** Makes it fail sometimes. */
  *fail(coro: Coro): Body {
    while (!this.#world.over) {
      yield* coro.sleep(this.#world.seconds(4));
      if (!this.#world.over && this.coro?.throw(new Thrown("a failure"))) this.#world.done(`${this.#kind}: failed`);
    }
  }

  close(): void {
    this.ledger.close();
    this.#world.done(`${this.#kind}: versions`, this.#version);
  }
}

/** See the head of this file. */
export const swaps: Society = {
  name: "swaps",
  *conduct(_coro: Coro, world: World): Body {
    const services = Array.from({ length: 3 }, () => new Service(world, "swap"));
    const ends = services.flatMap((service) => [
      world.scheduler.spawn(function* swappable(coro: Coro): Body {
        yield* service.serve(coro, 0);
      }),
      world.spawn("improver", (coro) => service.improve(coro)),
      world.spawn("writer", (coro) => service.write(coro, 1)),
      world.spawn("writer", (coro) => service.write(coro, 2)),
    ]);
    for (const end of ends) yield* end.finish();
    for (const service of services) service.close();
  },
};

/** See the head of this file. */
export const supervision: Society = {
  name: "supervision",
  *conduct(_coro: Coro, world: World): Body {
    const services = Array.from({ length: 3 }, () => new Service(world, "restart"));
    const supervisor = supervise(
      services.map((service) => ({
        target: function* child(coro: Coro): Body {
          yield* service.serve(coro, 0);
        },
      })),
      {
        maxRestarts: Infinity,
        within: 1000 * world.unit,
        backoff: world.random.pick([0, world.unit / 2]),
        onRestart: () => world.done("supervision: restarted"),
      },
    );
    const ends = services.flatMap((service) => [
      world.spawn("breaker", (coro) => service.fail(coro)),
      world.spawn("writer", (coro) => service.write(coro, 1)),
    ]);
    for (const end of [...ends, supervisor]) yield* end.finish();
    for (const service of services) service.close();
  },
};

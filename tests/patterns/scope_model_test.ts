/**
 * Random trees of scopes with failures, cancellations, terminations and deadlines. Whatever happens in them: when a scope
 * has ended no child is alive, the cleanup of each part that began has run once, and each error is told exactly once.
 */
import {
  all,
  type Coro,
  map,
  type Operation,
  race,
  retry,
  type Scope,
  scope,
  select,
  shield,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals } from "@std/assert";
import { inLab, type Lab } from "../helpers/lab.ts";
import { Random } from "../soak/random.ts";

type Body<R = void> = Generator<unknown, R, unknown>;

/** An error that is told exactly once. */
class Boom extends Error {}

class Model {
  readonly #lab: Lab;
  readonly #random: Random;
  readonly #mayInterrupt: boolean;
  readonly #thrown = new Set<Boom>();
  readonly #told: unknown[] = [];
  readonly #openScopes: Scope[] = [];
  readonly #coros: Coro[] = [];
  #parts = 0;
  #open = 0;

  constructor(lab: Lab, seed: number, mayInterrupt: boolean) {
    this.#lab = lab;
    this.#random = new Random(seed);
    this.#mayInterrupt = mayInterrupt;
  }

  /** Grows a tree, runs it, and checks what must hold. */
  async run(): Promise<void> {
    const tell = (error: unknown) => this.#tell(error);
    const root = this.#lab.scheduler.spawn((function* (this: Model) {
      yield* this.#scope(4);
    }).bind(this) as never);
    this.#coros.push(root);
    if (this.#mayInterrupt) this.#lab.scheduler.spawn(this.#chaos.bind(this) as never);
    await root.value().catch(tell);
    await this.#lab.scheduler.join();
    this.#lab.reported.splice(0).forEach(tell);
    assertEquals(this.#open, 0, "the cleanup of each part has run");
    assertEquals(this.#coros.filter((coro) => coro.isAlive()), []);
    for (const error of this.#told) assert(this.#thrown.has(error as Boom), `${(error as Error).stack ?? error}`);
    const counts = [...this.#thrown].map((error) => this.#told.filter((each) => each === error).length);
    assertEquals(counts.filter((count) => count !== 1), [], "each error is told once");
  }

  #tell(error: unknown): void {
    if (error instanceof AggregateError) error.errors.forEach((each) => this.#tell(each));
    else if (!(error instanceof TimeoutError)) this.#told.push(error);
  }

  #boom(): Boom {
    const error = new Boom(`boom ${this.#thrown.size}`);
    this.#thrown.add(error);
    return error;
  }

  /** Interrupts coroutines and cancels scopes. */
  *#chaos(): Body {
    const random = this.#random;
    for (let i = 0; i < 12; i++) {
      yield* sleep(random.next() * 2);
      const victim = random.pick(this.#coros);
      const dice = random.below(4);
      if (dice === 0) victim.terminate(random.pick([0, 0.5, 5]));
      if (dice === 1 && this.#openScopes.length > 0) random.pick(this.#openScopes).cancel();
      if (dice === 2) {
        const error = new Boom("of the chaos");
        if (victim.throw(error)) this.#thrown.add(error);
      }
      if (dice === 3) victim.terminate(random.next());
    }
  }

  /** Runs a scope and checks that nothing of it is left. */
  *#scope(depth: number): Body {
    const children: Coro[] = [];
    const opened: Scope[] = [];
    this.#open++;
    try {
      yield* scope((function* (this: Model, scope: Scope) {
        opened.push(scope);
        this.#openScopes.push(scope);
        yield* this.#body(scope, children, depth);
      }).bind(this) as never);
    } finally {
      this.#open--;
      for (const scope of opened) this.#openScopes.splice(this.#openScopes.indexOf(scope), 1);
      assertEquals(children.filter((child) => child.isAlive()).map(String), [], "no child is left");
      for (const scope of opened) assertEquals(scope.size, 0);
    }
  }

  *#body(scope: Scope, children: Coro[], depth: number): Body {
    const random = this.#random;
    for (let steps = random.from(1, 5); steps > 0; steps--) {
      const dice = random.below(9);
      if (dice < 4) this.#spawn(scope, children, depth);
      else if (dice < 6) yield* this.#part(depth);
      else if (dice === 6) yield* sleep(random.next());
      else if (dice === 7 && random.chance(0.3)) scope.cancel();
      else if (dice === 8 && random.chance(0.3)) throw this.#boom();
    }
  }

  #spawn(scope: Scope, children: Coro[], depth: number): void {
    const random = this.#random;
    const target = (function* (this: Model) {
      // It may spawn in the scope, too.
      if (random.chance(0.2)) {
        yield* sleep(random.next());
        this.#spawn(scope, children, depth - 1);
      }
      yield* this.#part(depth);
    }).bind(this) as never;
    const child: Coro = random.chance(0.2) ? scope.service(target) : scope.spawn(target);
    children.push(child);
    this.#coros.push(child);
    // Another waits for it, and does not mind its failure.
    if (random.chance(0.2)) {
      this.#lab.scheduler.spawn(function* () {
        try {
          yield* child.finish();
        } catch {
          // It is the scope's.
        }
      });
    }
  }

  /** A part of the work: alone, in a scope of its own, or in something that cuts it short. */
  *#part(depth: number): Body {
    const random = this.#random;
    if (depth <= 0) return yield* this.#leaf();
    switch (random.below(9)) {
      case 0:
      case 1:
        return yield* this.#scope(depth - 1);
      case 2:
        return yield* this.#late(withTimeout(random.next() * 2, this.#scope(depth - 1)));
      case 3:
        yield* race(this.#scope(depth - 1), this.#part(depth - 1), sleep(random.next() * 3));
        return;
      case 4:
        yield* all(this.#scope(depth - 1), this.#part(depth - 1));
        return;
      case 5:
        return yield* this.#late(withTimeout(random.next(), shield(this.#part(depth - 1), random.pick([0, 0.5, 50]))));
      case 6:
        yield* map(
          Array(random.below(6)).keys(),
          // Only the first failure is told, so there is none.
          (function* (this: Model) {
            yield* this.#leaf(false);
          }).bind(this) as never,
          { concurrency: random.from(1, 3) },
        );
        return;
      case 7:
        yield* select({ scope: this.#scope(depth - 1), part: this.#part(depth - 1) });
        return;
      default:
        return yield* this.#leaf();
    }
  }

  /** A deadline is no failure here. */
  *#late(operation: Operation<unknown>): Body {
    try {
      yield* operation;
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }

  *#leaf(mayFail = true): Body {
    const random = this.#random;
    this.#parts++;
    this.#open++;
    const fails = mayFail && random.chance(0.15);
    try {
      if (random.chance(0.2)) {
        yield* retry(function* () {
          yield* sleep(random.next());
        }, { when: () => false });
      }
      yield* sleep(random.next() * 3);
      if (fails) throw this.#boom();
    } finally {
      try {
        // Termination would replace the error that is being thrown.
        if (!fails && !this.#mayInterrupt && random.chance(0.5)) yield* sleep(random.next() * 2);
      } finally {
        this.#open--;
      }
    }
  }

  get parts(): number {
    return this.#parts;
  }
}

const SEEDS = Number(Deno.env.get("MODEL_SEEDS") ?? 60);
const START = Number(Deno.env.get("MODEL_START") ?? 1);

for (const mayInterrupt of [false, true]) {
  const what = mayInterrupt ? "that are interrupted at random" : "that end by themselves";
  Deno.test(`random trees of scopes ${what} leave nothing behind, and tell each error once`, async () => {
    let parts = 0;
    for (let seed = START; seed < START + SEEDS; seed++) {
      try {
        const options = seed % 2 === 0 ? { shuffle: seed } : {};
        await inLab(async (lab) => {
          const model = new Model(lab, seed, mayInterrupt);
          await model.run();
          parts += model.parts;
        }, options);
      } catch (error) {
        throw new Error(`It failed with seed ${seed}, interrupted: ${mayInterrupt}`, { cause: error });
      }
    }
    assert(parts > SEEDS, `${parts} parts`);
  });
}

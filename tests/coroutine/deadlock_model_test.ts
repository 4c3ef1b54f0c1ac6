/**
 * Deadlocks in random programs: what waits for each other is always found, and nothing else is taken for it.
 */
import { all, Coro, DeadlockError, Lock, map, Scheduler, scope, select, sleep } from "@asyncoro/asyncoro";
import { VirtualClock } from "@asyncoro/asyncoro/testing";
import { assertEquals } from "@std/assert";
import { runs } from "../helpers/runs.ts";
import { Random } from "../soak/random.ts";

const LOCKS = 4;
const DEPTH = 3;

/** Waits at random, for locks too, which it takes in order or not. */
class Program {
  readonly #random: Random;
  readonly #ordered: boolean;
  readonly #locks = Array.from({ length: LOCKS }, (_, index) => new Lock(`lock${index}`));

  constructor(seed: number, ordered: boolean) {
    this.#random = new Random(seed);
    this.#ordered = ordered;
  }

  /** In order, it takes locks from `least` on. */
  *work(depth: number, least: number): Generator<unknown, void, unknown> {
    for (let i = 0; i < 2; i++) yield* this.#step(depth, least);
  }

  #part(depth: number, least: number): () => Generator<unknown, void, unknown> {
    const work = () => this.work(depth + 1, least);
    return function* () {
      yield* work();
    };
  }

  *#step(depth: number, least: number): Generator<unknown, unknown, unknown> {
    const part = this.#part(depth, least);
    const pause = this.#random.below(3);
    switch (this.#random.below(depth < DEPTH ? 8 : 2)) {
      case 0:
        return yield* sleep(pause);
      case 1:
        return yield* this.#hold(depth, (this.#ordered ? least : 0) + this.#random.below(LOCKS));
      case 2:
        return yield* scope(function* (scope) {
          for (let i = 0; i <= pause; i++) scope.spawn(part);
          scope.service(rest);
        });
      case 3:
        return yield* all(part(), part(), sleep(pause));
      case 4:
        return yield* all(new Coro(part), sleep(pause));
      case 5:
        return yield* map([1, 2, 3], part, { concurrency: 2 });
      case 6:
        return yield* new Coro(part).finish();
      default:
        return yield* select({ one: all(part(), sleep(1)), other: part() });
    }
  }

  *#hold(depth: number, index: number): Generator<unknown, void, unknown> {
    if (index >= LOCKS) return;
    using _ = yield* this.#locks[index].hold();
    yield* sleep(this.#random.below(2));
    if (depth < DEPTH) yield* this.work(depth + 1, index + 1);
  }
}

function* rest(): Generator<unknown, void, unknown> {
  yield* sleep(3);
}

/** How the main coroutines of a program ended, while a timer goes on that hides no deadlock. */
async function outcomes(seed: number, ordered: boolean): Promise<string[]> {
  const scheduler = new Scheduler({ clock: new VirtualClock(), shuffle: seed });
  scheduler.onError = () => {};
  scheduler.spawnWith({ daemon: true }, function* () {
    for (;;) yield* sleep(1);
  });
  const program = new Program(seed, ordered);
  const coros = Array.from({ length: 4 }, () =>
    scheduler.spawn(function* () {
      yield* program.work(0, 0);
    }));
  const ends = await Promise.all(coros.map((coro) => coro.value(500).then(() => "returned", nameOf)));
  await scheduler.terminate();
  return ends;
}

function nameOf(error: unknown): string {
  const errors = error instanceof AggregateError ? error.errors : [error];
  return errors.some((each) => each instanceof DeadlockError) ? "deadlock" : String(error);
}

const RUNS = runs(100);

Deno.test(`locks taken in one order are no deadlock, whatever waits for them (${RUNS} seeds)`, async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    assertEquals(await outcomes(seed, true), Array(4).fill("returned"), `seed ${seed}`);
  }
});

Deno.test(`locks taken in any order: all that wait for ever are found (${RUNS} seeds)`, async () => {
  const found = new Set<string>();
  for (let seed = 1; seed <= RUNS; seed++) {
    for (const end of await outcomes(seed, false)) {
      assertEquals(["returned", "deadlock"].includes(end), true, `seed ${seed}: ${end}`);
      found.add(end);
    }
  }
  assertEquals(found.size, 2);
});

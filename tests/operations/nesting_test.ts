/**
 * Race, all, withTimeout and call within one another, deeper than the engine's stack.
 */
import {
  all,
  call,
  type Coro,
  DeadlockError,
  type Operation,
  race,
  sleep,
  TimeoutError,
  withTimeout,
} from "@asyncoro/asyncoro";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { inLab, type Lab, settle } from "../helpers/lab.ts";

type Waits = Generator<unknown, unknown, unknown>;

const DEEP = 12_000;

/** Nests an operation `n` levels deep. */
const NESTS: Readonly<Record<string, (leaf: Operation<unknown>, levels: number) => Operation<unknown>>> = {
  "generators with all": (leaf, levels) => call(node(leaf, levels, (inner) => all(inner, sleep(1e6)))),
  "generators with race": (leaf, levels) => call(node(leaf, levels, (inner) => race(inner, sleep(1e6)))),
  "generators with race and withTimeout": (leaf, levels) =>
    call(node(leaf, levels, (inner) => race(withTimeout(1e6, inner)))),
  "generators with call": (leaf, levels) => call(node(leaf, levels, (inner) => call(inner))),
  "operations with race": (leaf, levels) => nested(leaf, levels, (inner) => race(inner, sleep(1e6))),
  "operations with all": (leaf, levels) => nested(leaf, levels, (inner) => all(inner)),
  "operations with withTimeout": (leaf, levels) => nested(leaf, levels, (inner) => withTimeout(1e6, inner)),
  "operations with race and withTimeout": (leaf, levels) =>
    nested(leaf, levels, (inner) => withTimeout(1e6, race(sleep(1e6), inner))),
};

function* node(leaf: Operation<unknown>, levels: number, combine: (inner: Waits) => Operation<unknown>): Waits {
  return levels === 0 ? yield* leaf : yield* combine(node(leaf, levels - 1, combine));
}

function nested(
  leaf: Operation<unknown>,
  levels: number,
  combine: (inner: Operation<unknown>) => Operation<unknown>,
): Operation<unknown> {
  let whole = leaf;
  for (let i = 0; i < levels; i++) whole = combine(whole);
  return whole;
}

/** A coroutine that waits many levels deep, once all levels have begun. Time does not advance. */
async function waiting({ scheduler, clock }: Lab, body: (coro: Coro) => Waits): Promise<Coro> {
  clock.autoAdvance = false;
  const coro = scheduler.spawn(body) as Coro;
  do await settle(); while (scheduler.stats().ready > 0);
  assertEquals(coro.isAlive(), true);
  return coro;
}

for (const [name, nest] of Object.entries(NESTS)) {
  Deno.test(`terminating a coroutine that waits in very many levels: ${name}`, () =>
    inLab(async (lab) => {
      const log: string[] = [];
      const coro = await waiting(lab, function* (coro) {
        try {
          yield* nest(coro.receive(), DEEP);
        } finally {
          log.push("cleaned up");
        }
      });
      assertEquals(coro.terminate(), true);
      await coro.value();
      assertEquals(log, ["cleaned up"]);
    }));

  Deno.test(`errors, deadlines, resume, priorities and dumps reach very many levels: ${name}`, () =>
    inLab(async (lab) => {
      const thrown = await waiting(lab, function* (coro) {
        return yield* nest(coro.receive(), DEEP);
      });
      const late = await waiting(lab, function* (coro) {
        return yield* withTimeout(100, nest(coro.receive(), DEEP));
      });
      const tooLate = assertRejects(() => late.value(), TimeoutError);
      const sleeper = await waiting(lab, function* (coro) {
        yield* nest(coro.sleep(), DEEP);
        return "woken";
      });
      const completionWaiter = await waiting(lab, function* () {
        yield* nest(sleeper.finish(), DEEP);
        return "joined";
      });
      for (const { waitsFor } of lab.scheduler.dump()) assert(waitsFor!.length < 1000, waitsFor!);
      thrown.throw(new Error("thrown"));
      await assertRejects(() => thrown.value(), Error, "thrown");
      sleeper.priority = 2;
      assertEquals(sleeper.resume(), true);
      lab.clock.autoAdvance = true;
      assertEquals([await sleeper.value(), await completionWaiter.value()], ["woken", "joined"]);
      await tooLate;
    }));

  Deno.test(`a value that came through very many levels is given back if it is not taken: ${name}`, () =>
    inLab(async ({ scheduler }) => {
      await scheduler.spawn(function* (coro) {
        coro.send("kept");
        const gate = coro.scheduler.spawn(function* (self) {
          yield* self.sleep(50);
          throw new Error("the whole fails");
        });
        try {
          yield* all(nest(coro.receive(), DEEP), gate);
        } catch (error) {
          assertEquals((error as Error).message, "the whole fails");
        }
        // The value of a subroutine is not given back, only those of operations.
        if (!name.startsWith("generators")) assertEquals(yield* coro.receive(0), "kept");
      }).value();
    }));
}

Deno.test("coroutines that wait for one another through very many levels are a deadlock", () =>
  inLab(async ({ scheduler }) => {
    const coros: Coro[] = [];
    for (const other of [1, 0]) {
      coros.push(scheduler.spawn(function* () {
        yield;
        yield* nested(coros[other].finish(), DEEP, (inner) => race(inner, all(coros[other])));
      }) as Coro);
    }
    const ends = coros.map((coro) => assertRejects(() => coro.value(), DeadlockError));
    await Promise.all(ends);
  }));

Deno.test("very many coroutines that wait for one another, in a chain and in a ring, are searched without recursion", () =>
  inLab(async ({ scheduler }) => {
    const many = 20_000;
    const chain: Coro[] = [];
    for (let i = 0; i < many; i++) {
      chain.push(scheduler.spawn(function* (coro) {
        yield* i === 0 ? coro.sleep(1) : chain[i - 1].finish();
      }) as Coro);
    }
    await chain[many - 1].value();
    const ring: Coro[] = [];
    for (let i = 0; i < many; i++) {
      ring.push(scheduler.spawn(function* () {
        yield* ring[(i + 1) % many].finish();
      }) as Coro);
    }
    const ends = ring.map((coro) => coro.value());
    for (const end of await Promise.allSettled(ends)) {
      assert(end.status === "rejected" && end.reason instanceof DeadlockError);
    }
  }));

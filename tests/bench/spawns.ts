/** The cost of creating a coroutine that does nothing and of waiting for its end. */
import { Coro, Scheduler } from "@asyncoro/asyncoro";
import { compare, type Effort, many, ns, printTable, timed, times } from "./harness.ts";

function* short(): Generator<unknown, number, unknown> {
  return 1;
}

function* oneByOne(_coro: Coro, count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i++) yield* new Coro(short).finish();
}

function* byHundreds(_coro: Coro, count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i += 100) {
    const batch = many(100, () => new Coro(short));
    for (const coro of batch) yield* coro.finish();
  }
}

function ours(body: typeof oneByOne, count: number): Promise<number> {
  const scheduler = new Scheduler();
  return timed(count, async () => {
    scheduler.spawn(body, count);
    await scheduler.join();
  });
}

// deno-lint-ignore require-await -- an async function is what is measured
async function shortAsync(): Promise<number> {
  return 1;
}

async function nativeOneByOne(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await shortAsync();
}

async function nativeByHundreds(count: number): Promise<void> {
  for (let i = 0; i < count; i += 100) await Promise.all(many(100, shortAsync));
}

/** Spawn and join. */
export async function benchSpawns({ rounds, scale }: Effort): Promise<void> {
  const count = Math.round(300_000 * scale);
  const { medians, ratio } = await compare(rounds, {
    one: () => ours(oneByOne, count),
    nativeOne: () => timed(count, () => nativeOneByOne(count)),
    hundred: () => ours(byHundreds, count),
    nativeHundred: () => timed(count, () => nativeByHundreds(count)),
  });
  printTable("Spawn and join a short coroutine, ns", ["how", "ours", "async function", "ratio"], [
    ["one after the other", ns(medians.one), ns(medians.nativeOne), times(ratio("one", "nativeOne"))],
    ["by hundreds", ns(medians.hundred), ns(medians.nativeHundred), times(ratio("hundred", "nativeHundred"))],
  ]);
}

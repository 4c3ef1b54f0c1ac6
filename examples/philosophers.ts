/**
 * The dining philosophers: a deadlock is reported instead of a program that hangs, and the usual way to avoid it.
 *
 * Five philosophers sit around a table with a fork between each two, and need two forks to eat. If each takes the left
 * fork first, all wait for their neighbours. If each takes the fork with the lower number first, this cannot happen.
 *
 *     deno run examples/philosophers.ts
 */
import { type Coro, DeadlockError, Lock, main } from "@asyncoro/asyncoro";

const NAMES = ["Hypatia", "Confucius", "Plato", "Laozi", "Diotima"];

function* philosopher(coro: Coro, first: Lock, second: Lock): Generator<unknown, void, unknown> {
  using _first = yield* first.hold();
  yield; // the neighbours take their first forks now
  using _second = yield* second.hold();
  console.log(`  ${coro.name} eats with ${first.name} and ${second.name}`);
}

/** Creates the philosophers; `order` puts their left and right forks into the order in which they take them. */
function seat(host: Coro, order: (left: number, right: number) => [number, number]): Coro[] {
  const forks = NAMES.map((_, index) => new Lock(`fork ${index + 1}`));
  return NAMES.map((name, index) => {
    const [first, second] = order(index, (index + 1) % NAMES.length);
    return host.scheduler.spawnWith({ name }, philosopher, forks[first], forks[second]) as Coro;
  });
}

function* dine(philosophers: Coro[]): Generator<unknown, void, unknown> {
  for (const each of philosophers) yield* each.finish();
}

main(function* dinner(host) {
  console.log("The left fork first:");
  const stuck = seat(host, (left, right) => [left, right]);
  try {
    yield* dine(stuck);
  } catch (error) {
    if (!(error instanceof DeadlockError)) throw error;
    console.log(error.message);
  }
  for (const each of stuck) each.terminate();
  yield* dine(stuck);

  console.log("The fork with the lower number first:");
  yield* dine(seat(host, (left, right) => [Math.min(left, right), Math.max(left, right)]));
  console.log("Everybody has eaten");
});

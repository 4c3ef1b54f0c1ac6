/**
 * The dining philosophers: a deadlock that is told instead of a program that hangs, and the usual way out of it.
 *
 * Five philosophers sit around a table with a fork between each two, and need two forks to eat. If everybody takes
 * the left one first, all wait for their neighbour. If everybody takes the one with the lower number first, they
 * cannot.
 *
 *     deno run examples/philosophers.ts
 */
import { type Coro, DeadlockError, Lock, main } from "@asyncoro/asyncoro";

const NAMES = ["Hypatia", "Confucius", "Plato", "Laozi", "Diotima"];

function* philosopher(coro: Coro, first: Lock, second: Lock): Generator<unknown, void, unknown> {
  using _first = yield* first.hold();
  yield; // meanwhile, the neighbours take their first fork
  using _second = yield* second.hold();
  console.log(`  ${coro.name} eats with ${first.name} and ${second.name}`);
}

/** Seats everybody; `order` says in which order the forks to the left and to the right are taken. */
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

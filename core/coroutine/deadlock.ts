/**
 * Deadlocks: finding coroutines that can certainly never go on, and telling those who depend on them.
 */
import type { Coro } from "./coro.ts";
import { type DeadlockedCoro, DeadlockError } from "./errors.ts";
import { Finish } from "../operations/finish.ts";
import { withoutStack } from "../base/error_report.ts";
import type { Scheduler } from "./scheduler.ts";

/** Coroutines that never go on by themselves, and the error that says so. */
export interface Deadlock {
  readonly coros: readonly Coro[];
  readonly error: DeadlockError;
}

/**
 * Looks for coroutines that wait for each other in a closed set, starting from those that began such a wait lately.
 *
 * The quick look only follows waits from the suspects, as every new closed set has one of them in it; only when it
 * finds something are all coroutines gone through.
 */
export function findDeadlock(scheduler: Scheduler, suspects: Iterable<Coro>): Deadlock | null {
  // Most have ended by now, and then there is nothing to look for.
  const waiting = [...suspects].filter((coro) => coro.isAlive());
  if (waiting.length === 0 || deadAmong(scheduler, waiting).length === 0) return null;
  const dead = deadAmong(scheduler, scheduler.coros());
  return dead.length === 0 ? null : deadlock(dead, "Deadlock: coroutines wait for each other and none can go on");
}

/**
 * The largest set whose members can only be woken by members, among some coroutines and those whom they wait for.
 *
 * Without recursion, as a chain of those who wait for one another may be of any length.
 */
function deadAmong(scheduler: Scheduler, coros: Iterable<Coro>): Coro[] {
  const dead = new Set(coros);
  const askers = new Map<Coro, Coro[]>();
  const alive: Coro[] = [];
  // All are taken for dead first; the set grows by those who are asked about, and they have their turn too.
  for (const coro of dead) {
    const isDeadlocked = coro.isAlive() && coro.scheduler === scheduler && coro.isDeadlocked((owner) => {
      const asked = owner as Coro;
      const before = askers.get(asked);
      if (before === undefined) askers.set(asked, [coro]);
      else before.push(coro);
      dead.add(asked);
      return true;
    });
    if (!isDeadlocked) alive.push(coro);
  }
  for (const coro of alive) dead.delete(coro);
  // Then each that is alive may bring those to life who wait for it.
  for (const coro of alive) {
    for (const asker of askers.get(coro) ?? []) {
      if (!dead.has(asker) || asker.isDeadlocked((asked) => dead.has(asked as Coro))) continue;
      dead.delete(asker);
      alive.push(asker);
    }
  }
  return [...dead];
}

/** Every coroutine that waits, for when nothing in or outside the scheduler can happen any more. */
export function stuckCoros(scheduler: Scheduler): Deadlock {
  const stuck = [...scheduler.coros()].filter((coro) => !coro.ready);
  return deadlock(stuck, "Deadlock: coroutines wait and nothing is left that could wake them");
}

function deadlock(coros: readonly Coro[], message: string): Deadlock {
  const cycle = new Set(findCycle(coros));
  const others = coros.filter((coro) => !cycle.has(coro));
  const lines: DeadlockedCoro[] = [...cycle, ...others].map((coro) => ({
    coro,
    waitsFor: coro.wait?.waitsFor ?? "its turn",
  }));
  return { coros, error: withoutStack(new DeadlockError(message, lines)) };
}

/** The first cycle among the waits, in its order; empty if there is none. */
function findCycle(coros: readonly Coro[]): Coro[] {
  const known = new Set(coros);
  const done = new Set<Coro>();
  for (const start of coros) {
    const path = new Set<Coro>();
    let at: Coro | undefined = start;
    while (at !== undefined && !done.has(at)) {
      if (path.has(at)) return [...path].slice([...path].indexOf(at));
      path.add(at);
      at = blockers(at).find((coro) => known.has(coro));
    }
    for (const coro of path) done.add(coro);
  }
  return [];
}

/** Whom a coroutine's wait asks about. */
function blockers(coro: Coro): Coro[] {
  const asked: Coro[] = [];
  coro.isDeadlocked((other) => {
    asked.push(other as Coro);
    return true;
  });
  return asked;
}

/**
 * Fails the waits for the end of dead coroutines: those of coroutines (`finish`), or those of code outside (`value`).
 *
 * @returns Whether there was any.
 */
export function tellDeadlock({ coros, error }: Deadlock, whom: "coroutines" | "outside"): boolean {
  let told = false;
  for (const coro of coros) {
    for (const completionWaiter of [...coro.completionWaiters]) {
      if (completionWaiter instanceof Finish !== (whom === "coroutines")) continue;
      coro.unjoin(completionWaiter);
      completionWaiter.reject(error);
      told = true;
    }
  }
  return told;
}

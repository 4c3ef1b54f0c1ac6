/**
 * Deadlocks: finds coroutines that can never go on, and fails the waits for them.
 *
 * A coroutine that waits for a socket, a promise or a worker is not taken for deadlocked:
 *
 * - When nothing is ready, the search looks for coroutines that wait for each other. Only waits for a given coroutine
 *   (`finish`, a lock, `ask`, room in a mailbox) can return `true` from `isDeadlocked()`; every other operation returns
 *   `false`.
 *   A wait that a deadline or a signal may end is not part of such a set, nor is a coroutine whose scope they may end.
 * - When the host's event loop has nothing left to do (`host/before_exit.ts`), all coroutines that wait are deadlocked
 *   (`stuckCoros`). A read or a request that is under way keeps that loop from becoming empty.
 * - A virtual clock does not wait for the host's loop to become empty: it reports these coroutines only if no scheduler
 *   counts an operation of the host (`hostOperations`, see `fiber/counted_wait.ts`).
 */
import type { Coro } from "./coro.ts";
import { type DeadlockedCoro, DeadlockError } from "./errors.ts";
import { Finish } from "../operations/finish.ts";
import { withoutStack } from "../base/error_report.ts";
import type { CoroLoop } from "./coro_loop.ts";
import { getOrMake } from "../base/get_or_make.ts";

/** Coroutines that can never go on, and the error that lists them. */
export interface Deadlock {
  readonly coros: readonly Coro[];
  readonly error: DeadlockError;
}

/**
 * Searches for deadlocks when nothing is ready, starting from the coroutines that were noted since the last search.
 *
 * That is enough, as a new deadlock always includes a coroutine that has begun to wait for another one or to be waited
 * for, or that has fewer others left that could end its wait. Only when the search finds something does it go through all
 * coroutines.
 */
export class DeadlockSearch {
  readonly #loop: CoroLoop;
  #blocked: Coro[] = [];
  // How many blocked coroutines to keep before those that went on are removed.
  #capacity = 256;
  #all = false;

  constructor(loop: CoroLoop) {
    this.#loop = loop;
  }

  /** Notes a coroutine that may be in a new deadlock, see above. Returns `false` if it is noted already. */
  note(coro: Coro): boolean {
    // Those that wait for many, one after the other, are noted once.
    if (coro.noted) return false;
    coro.noted = true;
    const blocked = this.#blocked;
    blocked.push(coro);
    if (blocked.length < this.#capacity) return true;
    // A scheduler that is never idle must not collect them without end; most go on soon.
    this.#blocked = blocked.filter((each) => each.noted = each.wait !== null && !each.ready);
    this.#capacity = Math.max(256, 2 * this.#blocked.length);
    return true;
  }

  /** Has the next search start from all coroutines. */
  noteAll(): void {
    this.#all = true;
  }

  /** Searches for coroutines that wait for each other in a closed set. */
  search(): Deadlock | null {
    if (this.#blocked.length === 0 && !this.#all) return null;
    for (const coro of this.#blocked) coro.noted = false;
    const candidates = this.#all ? this.#loop.coros() : this.#blocked;
    this.#blocked = [];
    this.#all = false;
    return findDeadlock(this.#loop, candidates);
  }
}

function findDeadlock(loop: CoroLoop, candidates: Iterable<Coro>): Deadlock | null {
  // Most have ended by now, and then there is nothing to search.
  const waiting = [...candidates].filter((coro) => coro.isAlive());
  if (waiting.length === 0 || deadAmong(loop, waiting).length === 0) return null;
  const dead = deadAmong(loop, loop.coros());
  return dead.length === 0 ? null : deadlock(dead, "Deadlock: coroutines wait for each other");
}

/**
 * The coroutines, among these and those that they wait for, that nothing outside the returned set can wake.
 *
 * It is iterative, as chains of waits may be of any length. Only `quickCheck` recurses, to a limited depth.
 */
function deadAmong(loop: CoroLoop, coros: Iterable<Coro>): Coro[] {
  const dead = new Set(coros);
  const askers = new Map<Coro, Coro[]>();
  const alive: Coro[] = [];
  const lives = quickCheck(loop);
  // The others are assumed dead at first. The set grows by those that are asked about, which the loop visits too.
  for (const coro of dead) {
    const isDeadlocked = mayBeDead(coro, loop) && coro.isDeadlocked((owner) => {
      const asked = owner as Coro;
      if (lives(asked, 0)) return false;
      getOrMake(askers, asked, () => []).push(coro);
      dead.add(asked);
      return true;
    });
    if (!isDeadlocked) alive.push(coro);
  }
  for (const coro of alive) dead.delete(coro);
  // Then each living coroutine may show that those waiting for it live, too.
  for (const coro of alive) {
    for (const asker of askers.get(coro) ?? []) {
      if (!dead.has(asker) || asker.isDeadlocked((asked) => dead.has(asked as Coro))) continue;
      dead.delete(asker);
      alive.push(asker);
    }
  }
  return [...dead];
}

// How far a quick check follows waits.
const enum Most {
  DEPTH = 20,
}

/**
 * Returns a function that follows waits up to `Most.DEPTH` and returns `true` if that proves that the coroutine can go on;
 * `false` means that it is not known. A coroutine that waits for many, such as all children of a scope, can go on if one
 * of them can; so there is no need to look at the others.
 */
function quickCheck(loop: CoroLoop): (coro: Coro, depth: number) => boolean {
  const known = new Map<Coro, boolean>();
  return function lives(coro, depth): boolean {
    const before = known.get(coro);
    if (before !== undefined) return before;
    // While it is being checked it counts as not known, so cycles of waits end.
    known.set(coro, false);
    const result = !mayBeDead(coro, loop) ||
      !coro.isDeadlocked((other) => depth === Most.DEPTH || !lives(other as Coro, depth + 1));
    known.set(coro, result);
    return result;
  };
}

function mayBeDead(coro: Coro, loop: CoroLoop): boolean {
  return coro.isAlive() && coro.loop === loop;
}

/** All coroutines that wait, for when nothing is left in or outside their schedulers that could wake them. */
export function stuckCoros(...loops: readonly CoroLoop[]): Deadlock {
  const stuck = loops.flatMap((loop) => loop.coros()).filter((coro) => !coro.ready);
  return deadlock(stuck, "Deadlock: coroutines wait and nothing can wake them");
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
    const path: Coro[] = [];
    let at: Coro | undefined = start;
    while (at !== undefined && !done.has(at)) {
      path.push(at);
      done.add(at);
      at = blockers(at).find((coro) => known.has(coro));
    }
    if (at !== undefined && path.includes(at)) return path.slice(path.indexOf(at));
  }
  return [];
}

/** The coroutines that a coroutine waits for. */
function blockers(coro: Coro): Coro[] {
  const asked: Coro[] = [];
  coro.isDeadlocked((other) => {
    asked.push(other as Coro);
    return true;
  });
  return asked;
}

/**
 * Fails the waits for the end of dead coroutines: those of coroutines (`finish`, scopes), or those of code outside (`value`).
 *
 * @returns Whether there were any.
 */
export function failWaits({ coros, error }: Deadlock, ofCoroutines: boolean): boolean {
  let failed = false;
  for (const coro of coros) {
    for (const completionWaiter of [...coro.completionWaiters]) {
      if (completionWaiter.deadlocked !== undefined) {
        if (ofCoroutines && completionWaiter.deadlocked(error)) failed = true;
        continue;
      }
      if (completionWaiter instanceof Finish !== ofCoroutines) continue;
      coro.removeCompletionWaiter(completionWaiter);
      completionWaiter.reject(error);
      failed = true;
    }
  }
  return failed;
}

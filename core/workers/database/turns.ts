/**
 * The order in which coroutines use a connection: one at a time, and while a transaction is open only its body.
 *
 * Each open transaction is a level with a lock of its own; the lock of the level in which it began is held until it is
 * over. The fiber of the body belongs to the level, and so do branches of `race` and `all` in the body. Other branches
 * of the same coroutine do not, so the transactions of two branches do not mix.
 */
import { context, type WaitingFiber } from "../../fiber/context.ts";
import { Lock } from "../../sync/lock.ts";

interface Level {
  readonly lock: Lock;
  /** The fiber that runs the body; `null` for the outermost level. */
  readonly fiber: WaitingFiber | null;
  readonly outer: Level | null;
}

/** See the head of this file. */
export class DatabaseTurns {
  #innermost: Level = { lock: new Lock("database"), fiber: null, outer: null };

  /** Waits until the running fiber has exclusive use, and does the work. */
  *take<T>(work: () => Generator<unknown, T>): Generator<unknown, T> {
    const { lock } = this.#levelOf(context.fiber);
    yield* lock.acquire();
    try {
      return yield* work();
    } finally {
      lock.release();
    }
  }

  /** Runs the body of a transaction; the fibers in it take turns among themselves. The running fiber has exclusive use. */
  *within<T>(body: () => Generator<unknown, T>): Generator<unknown, T> {
    const outer = this.#innermost;
    this.#innermost = { lock: new Lock("transaction"), fiber: context.fiber, outer };
    try {
      return yield* body();
    } finally {
      this.#innermost = outer;
    }
  }

  #levelOf(fiber: WaitingFiber | null): Level {
    let level = this.#innermost;
    while (level.outer !== null && !isWithin(fiber, level.fiber)) level = level.outer;
    return level;
  }
}

function isWithin(fiber: WaitingFiber | null, ancestor: WaitingFiber | null): boolean {
  let current = fiber;
  while (current !== null && current !== ancestor) current = current.parentFiber;
  return current !== null;
}

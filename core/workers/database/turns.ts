/**
 * Who may use a connection: one after the other, and while a transaction is open only what its body does.
 *
 * Each open transaction is a level with a lock of its own: the one in whose turn it was begun stays held until it is
 * over. What the body's fiber does is within, and so are branches of `race` and `all` in the body; another branch of
 * the same coroutine is not, so the transactions of two branches do not mix.
 */
import { context, type WaitingFiber } from "../../fiber/context.ts";
import { Lock } from "../../sync/lock.ts";

interface Level {
  readonly lock: Lock;
  /** On which the body runs; `null` at the bottom. */
  readonly fiber: WaitingFiber | null;
  readonly outer: Level | null;
}

/** See the head of this file. */
export class DatabaseTurns {
  #innermost: Level = { lock: new Lock("database"), fiber: null, outer: null };

  /** Does something when it is the running fiber's turn. */
  *take<T>(work: () => Generator<unknown, T>): Generator<unknown, T> {
    const { lock } = this.#levelOf(context.fiber);
    yield* lock.acquire();
    try {
      return yield* work();
    } finally {
      lock.release();
    }
  }

  /** Runs the body of a transaction, within which there are turns of its own. The running fiber has the turn. */
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

function isWithin(fiber: WaitingFiber | null, owner: WaitingFiber | null): boolean {
  let at = fiber;
  while (at !== null && at !== owner) at = at.parent;
  return at !== null;
}

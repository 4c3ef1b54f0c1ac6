/**
 * Who may use a connection: one after the other, and while a transaction is open only what its body does.
 *
 * Each open transaction is a level with a lock of its own: the one in whose turn it was begun stays held until it is
 * over. What the body's strand does is within, and so are branches of `race` and `all` in the body; another branch of
 * the same coroutine is not, so the transactions of two branches do not mix.
 */
import { context } from "../../fiber/context.ts";
import type { Strand } from "../../fiber/fiber.ts";
import { Lock } from "../../sync/lock.ts";

interface Level {
  readonly lock: Lock;
  /** On which the body runs; `null` at the bottom. */
  readonly strand: Strand | null;
  readonly outer: Level | null;
}

/** See the head of this file. */
export class DatabaseTurns {
  #innermost: Level = { lock: new Lock("database"), strand: null, outer: null };

  /** Does something when it is the running strand's turn. */
  *take<T>(work: () => Generator<unknown, T>): Generator<unknown, T> {
    const { lock } = this.#levelOf(context.strand);
    yield* lock.acquire();
    try {
      return yield* work();
    } finally {
      lock.release();
    }
  }

  /** Runs the body of a transaction, within which there are turns of its own. The running strand has the turn. */
  *within<T>(body: () => Generator<unknown, T>): Generator<unknown, T> {
    const outer = this.#innermost;
    this.#innermost = { lock: new Lock("transaction"), strand: context.strand, outer };
    try {
      return yield* body();
    } finally {
      this.#innermost = outer;
    }
  }

  #levelOf(strand: Strand | null): Level {
    let level = this.#innermost;
    while (level.outer !== null && !isWithin(strand, level.strand)) level = level.outer;
    return level;
  }
}

function isWithin(strand: Strand | null, owner: Strand | null): boolean {
  let at = strand;
  while (at !== null && at !== owner) at = at.parent;
  return at !== null;
}

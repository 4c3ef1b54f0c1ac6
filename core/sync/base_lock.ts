import type { Coro } from "../coroutine/coro.ts";
import { Acquirable, type Acquisition } from "./acquirable.ts";

/** The state of a lock at one moment. */
export interface LockStatistics {
  /** Whether it is held. */
  readonly locked: boolean;
  /** The coroutine that holds it; `null` if none does. */
  readonly owner: Coro | null;
  /** How many wait for it. */
  readonly waiters: number;
}

/** @internal A lock that can be shared through a `Condition`, whether it has an owner or not. */
export abstract class BaseLock extends Acquirable {
  /** Releases it. */
  abstract release(): void;

  /** Its state at this moment. */
  abstract statistics(): LockStatistics;

  /** Whether it is held. */
  abstract locked(): boolean;

  /** @internal Releases it completely for a wait on a condition, which acquires it again, to the same depth. */
  abstract releaseFor(wait: Acquisition): void;

  /** @internal The error for using what `coro` does not hold; `what` is how the sentence refers to this lock. */
  abstract misuse(action: string, what: string, coro: Coro | null): Error;
}

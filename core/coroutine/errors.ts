/** The errors that name coroutines. */
import { describe } from "../base/describe.ts";
import { IGNORES_CAPACITY } from "./message_hooks.ts";
import type { Coro, CoroFunction } from "./coro.ts";
import type { LossError } from "./peer_location.ts";

/** Coroutines wait for something that can never happen. */
export class DeadlockError extends Error {
  /** Always `"DeadlockError"`. */
  override name = "DeadlockError";
  /** All waiting coroutines, each with what it waits for; those of the cycle first. */
  declare readonly waiting: readonly DeadlockedCoro[];

  /**
   * Creates the error; its message lists the waiting coroutines.
   *
   * @param message What happened, in one line.
   * @param waiting The waiting coroutines.
   */
  constructor(message: string, waiting: readonly DeadlockedCoro[] = []) {
    super([message, ...describeWaiting(waiting)].join("\n"));
    this.waiting = waiting;
  }
}

// The message is for people; `waiting` lists all.
const enum Most {
  LINES = 100,
}

function describeWaiting(waiting: readonly DeadlockedCoro[]): string[] {
  const lines = waiting.slice(0, Most.LINES).map((each) => `  ${each.coro} waits for ${each.waitsFor}`);
  if (waiting.length > Most.LINES) lines.push(`  and ${waiting.length - Most.LINES} more`);
  return lines;
}

/** A line of a {@linkcode DeadlockError}. */
export interface DeadlockedCoro {
  /** The coroutine that waits. */
  readonly coro: Coro;
  /** What it waits for, in words. */
  readonly waitsFor: string;
}

/**
 * Thrown in a coroutine that is `hotSwappable` to propose replacing its generator.
 *
 * Throwing the same exception again accepts the swap; catching it refuses.
 */
export class HotSwapException extends Error {
  /** Always `"HotSwapException"`. */
  override name = "HotSwapException";
  /** The new generator, not started. */
  declare readonly generator: Generator<unknown, unknown, unknown>;
  /** The function that was given to `hotSwap`. */
  declare readonly target: CoroFunction;
  /** As in asyncoro: `args[0]` is the new generator. */
  declare readonly args: readonly [Generator<unknown, unknown, unknown>];

  /**
   * Creates the proposal.
   *
   * @param generator The new generator, not started.
   * @param target The function that made it.
   */
  constructor(generator: Generator<unknown, unknown, unknown>, target: CoroFunction) {
    super("A generator is proposed: throw this again to accept it");
    this.generator = generator;
    this.target = target;
    this.args = [generator];
  }
}

/** How a coroutine ended. `"lost"`: its peer was lost, and whether it has ended is not known. */
export type Outcome =
  | { readonly kind: "return"; readonly value: unknown }
  | { readonly kind: "throw"; readonly error: unknown }
  | { readonly kind: "terminate" }
  | { readonly kind: "lost"; readonly error: LossError };

/** The message that a monitor gets when a coroutine that it observes has ended. */
export class MonitorException extends Error {
  /** Always `"MonitorException"`. */
  override name = "MonitorException";
  /** The coroutine that ended. */
  declare readonly coro: Coro;
  /** How it ended. */
  declare readonly outcome: Outcome;
  /** As in asyncoro: the coroutine, and the kind of end with its value or error. */
  declare readonly args: readonly [Coro, readonly [Outcome["kind"], unknown]];

  /**
   * Creates the message.
   *
   * @param coro The coroutine that ended.
   * @param outcome How it ended.
   */
  constructor(coro: Coro, outcome: Outcome) {
    super(`${coro} ended: ${describeOutcome(outcome)}`);
    this.coro = coro;
    this.outcome = outcome;
    const detail = outcome.kind === "return" ? outcome.value : outcome.kind === "terminate" ? undefined : outcome.error;
    this.args = [coro, [outcome.kind, detail]];
  }

  /** @internal */
  get [IGNORES_CAPACITY](): true {
    return true;
  }
}

/** The recipient of an {@linkcode Coro.ask} has ended without an answer, has failed, or has dropped the message. */
export class NoReplyError extends Error {
  /** Always `"NoReplyError"`. */
  override name = "NoReplyError";
  /** The recipient. */
  declare readonly coro: Coro;

  /**
   * Creates the error.
   *
   * @param message What happened.
   * @param coro The recipient.
   */
  constructor(message: string, coro: Coro) {
    super(message);
    this.coro = coro;
  }
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === "return") return `it returned ${describe(outcome.value)}`;
  if (outcome.kind === "throw") return `it failed with ${describe(outcome.error)}`;
  if (outcome.kind === "lost") return `its peer was lost: ${outcome.error.message}`;
  return "it was terminated";
}

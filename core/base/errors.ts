/**
 * The error classes that callers catch. Bad arguments are `TypeError` and `RangeError`.
 */
import type { Coro } from "../coroutine/coro.ts";
import { describe } from "./describe.ts";

/** Something did not happen in time. */
export class TimeoutError extends Error {
  /** Always `"TimeoutError"`. */
  override name = "TimeoutError";
}

/** What was used needs a capability that this runtime does not have; the message names it. */
export class UnsupportedError extends Error {
  /** Always `"UnsupportedError"`. */
  override name = "UnsupportedError";
}

/** A channel was used after `close()`. */
export class ChannelClosedError extends Error {
  /** Always `"ChannelClosedError"`. */
  override name = "ChannelClosedError";
}

/** A socket, listener, pipe or file was used after this side closed it, or was closed while a coroutine waited. */
export class ClosedError extends Error {
  /** Always `"ClosedError"`. */
  override name = "ClosedError";
}

/** The stream ended in the middle of what was to be received. */
export class EOFError extends Error {
  /** Always `"EOFError"`. */
  override name = "EOFError";
  /** The bytes that came before the end; they have been taken out of the stream. */
  readonly partial: Uint8Array;

  /**
   * Makes the error.
   *
   * @param message What was expected.
   * @param partial What came of it.
   */
  constructor(message: string, partial: Uint8Array = new Uint8Array(0)) {
    super(message);
    this.partial = partial;
  }
}

/** A message or line is longer than was agreed; nothing was allocated for it. */
export class MessageTooLargeError extends RangeError {
  /** Always `"MessageTooLargeError"`. */
  override name = "MessageTooLargeError";
}

/** Coroutines wait for something that certainly never happens. */
export class DeadlockError extends Error {
  /** Always `"DeadlockError"`. */
  override name = "DeadlockError";
  /** Every waiting coroutine, with what it waits for; those of the cycle first. */
  readonly waiting: readonly DeadlockedCoro[];

  /**
   * Makes the error; its message lists who waits for what.
   *
   * @param message What happened, in one line.
   * @param waiting Who waits for what.
   */
  constructor(message: string, waiting: readonly DeadlockedCoro[] = []) {
    super([message, ...describeWaiting(waiting)].join("\n"));
    this.waiting = waiting;
  }
}

/** A supervisor gave up, as its children failed too often. */
export class SupervisionError extends Error {
  /** Always `"SupervisionError"`. */
  override name = "SupervisionError";
  /** The errors that ended children within the time that counts, in order; the last one is the `cause` too. */
  readonly failures: readonly unknown[];

  /**
   * Tells why a supervisor gave up.
   *
   * @param message What happened.
   * @param failures The errors, in order.
   */
  constructor(message: string, failures: readonly unknown[]) {
    super(message, { cause: failures.at(-1) });
    this.failures = failures;
  }
}

// A message is read by people; `waiting` has them all.
const MAX_LINES = 100;

function describeWaiting(waiting: readonly DeadlockedCoro[]): string[] {
  const lines = waiting.slice(0, MAX_LINES).map((each) => `  ${each.coro} waits for ${each.waitsFor}`);
  if (waiting.length > MAX_LINES) lines.push(`  and ${waiting.length - MAX_LINES} more`);
  return lines;
}

/**
 * A task in a worker failed: it threw, its worker ended while it ran, or its pool was terminated.
 *
 * An error that the task threw is carried over: this has its `name`, `message`, `stack`, `cause`, `code` and `errors`.
 * The errors among these are instances of the built-in classes that they were, with their own properties. What the task
 * threw that was no error is the `cause`.
 */
export class WorkerError extends Error {
  /** The name of the error that the task threw; `"WorkerError"` if there was none. */
  override name = "WorkerError";
  /** The `code` of the error that the task threw, or the exit code of a worker that ended. */
  readonly code?: unknown;
  /** Other properties of the error that the task threw, as far as they can be cloned. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The errors of an `AggregateError` that the task threw. */
  declare readonly errors?: readonly unknown[];
  /** The error of a `SuppressedError` that the task threw, and {@linkcode suppressed} what it suppressed. */
  declare readonly error?: unknown;
  /** See {@linkcode error}. */
  declare readonly suppressed?: unknown;

  /**
   * Makes the error.
   *
   * @param message What happened.
   * @param original What is carried over: any of `name`, `stack`, `cause`, `code`, `data`.
   */
  constructor(message: string, original: WorkerErrorInit = {}) {
    super(message, "cause" in original ? { cause: original.cause } : undefined);
    if (original.name !== undefined) this.name = original.name;
    if (original.stack !== undefined) this.stack = original.stack;
    if (original.code !== undefined) this.code = original.code;
    this.data = original.data ?? {};
  }
}

/** SQLite refused something that a database cursor asked for. */
export class DatabaseError extends WorkerError {
  /** Always `"DatabaseError"`. */
  override name = "DatabaseError";
  /** SQLite's result code by name, without what extends it: `"SQLITE_CONSTRAINT"`. */
  declare readonly code: string;
  /** SQLite's extended result code: 2067 for a value that is not unique. */
  readonly errcode: number;

  /**
   * Makes the error.
   *
   * @param message What SQLite says.
   * @param code The name of its result code.
   * @param errcode Its extended result code.
   * @param original What is carried over of the error in the worker.
   */
  constructor(message: string, code: string, errcode: number, original: WorkerErrorInit = {}) {
    super(message, { ...original, name: "DatabaseError", code });
    this.name = "DatabaseError";
    this.errcode = errcode;
  }
}

/** What a {@linkcode WorkerError} carries over. */
export interface WorkerErrorInit {
  /** The name of the original error. */
  readonly name?: string;
  /** Its stack. */
  readonly stack?: string;
  /** Its cause. */
  readonly cause?: unknown;
  /** Its code. */
  readonly code?: unknown;
  /** Its other own properties. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A line of a {@linkcode DeadlockError}. */
export interface DeadlockedCoro {
  /** The coroutine that waits. */
  readonly coro: Coro;
  /** What it waits for, in words. */
  readonly waitsFor: string;
}

/**
 * Thrown in a coroutine that is `hotSwappable` when another generator is to take its place.
 *
 * Throwing the same exception again accepts; catching it for good refuses.
 */
export class HotSwapException extends Error {
  /** Always `"HotSwapException"`. */
  override name = "HotSwapException";
  /** The new generator, not started. */
  readonly generator: Generator<unknown, unknown, unknown>;
  /** Asyncoro's spelling: `args[0]` is the new generator. */
  readonly args: readonly [Generator<unknown, unknown, unknown>];

  /**
   * Makes the proposal.
   *
   * @param generator The new generator, not started.
   */
  constructor(generator: Generator<unknown, unknown, unknown>) {
    super("Another generator is proposed for this coroutine: throw this exception again to accept it");
    this.generator = generator;
    this.args = [generator];
  }
}

/** How a coroutine ended. */
export type Outcome =
  | { readonly kind: "return"; readonly value: unknown }
  | { readonly kind: "throw"; readonly error: unknown }
  | { readonly kind: "terminate" };

/** The message that a monitor gets when a coroutine that it observes has ended. */
export class MonitorException extends Error {
  /** Always `"MonitorException"`. */
  override name = "MonitorException";
  /** The coroutine that ended. */
  readonly coro: Coro;
  /** How it ended. */
  readonly outcome: Outcome;
  /** Asyncoro's form: the coroutine, and the kind of end with its value or error. */
  readonly args: readonly [Coro, readonly [Outcome["kind"], unknown]];

  /**
   * Makes the message.
   *
   * @param coro The coroutine that ended.
   * @param outcome How it ended.
   */
  constructor(coro: Coro, outcome: Outcome) {
    super(`${coro} ended: ${describeOutcome(outcome)}`);
    this.coro = coro;
    this.outcome = outcome;
    const detail = outcome.kind === "return" ? outcome.value : outcome.kind === "throw" ? outcome.error : undefined;
    this.args = [coro, [outcome.kind, detail]];
  }
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === "return") return `it returned ${describe(outcome.value)}`;
  if (outcome.kind === "throw") return `it failed with ${describe(outcome.error)}`;
  return "it was terminated";
}

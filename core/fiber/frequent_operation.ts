import * as contexts from "./context.ts";
import type { WaitingFiber } from "./context.ts";
import * as misuse from "./misuse.ts";
import * as states from "./operation_state.ts";
import { alreadyYielded, notYielded, Operation, outsideCoroutine } from "./operation.ts";

// See `operation_state.ts`.
const context = contexts.context;
const watch = misuse.watch;
const PARKED_RESULT = states.PARKED_RESULT;
const DONE_RESULT = states.DONE_RESULT;

// A copy; see `operation_state.ts`.
const enum State {
  NEW,
  TAKEN_OVER,
  ITERATING,
  WAITING,
  RESOLVED,
  REJECTED,
  SPENT = 7,
}

/**
 * @internal
 * The operations that programs yield most often: those of messages and queues.
 *
 * Its methods are those of `Operation` once more, word for word. V8 remembers, for each place in a function that accesses a
 * field, of which classes the objects there were, but no more than four; then an access takes a nanosecond, and otherwise a
 * look-up that takes several. In `Operation` these places meet all the kinds of operations that a program uses, which soon
 * are more than four. A message then took twice as long. Here they meet the subclasses of this class alone, which must not
 * be more than four.
 *
 * The object of one may serve for another wait when its own has ended, which saves a quarter of the time of an item in a
 * queue: V8 keeps a record of each reference from an old object, such as a fiber, to a new one. What made it, such as the
 * queue, keeps it for that, and only the coroutine that it served gets it again. For a program each is an operation of its
 * own all the same: one that is kept and yielded again is an error, and takes the place of another one at most if the same
 * coroutine has made that since and not yielded it. With `debug` no object serves again.
 */
export abstract class FrequentOperation<T> extends Operation<T> {
  /** @internal Whether it is or was a part of another operation: that may give its outcome back when it has ended. */
  declare shared: boolean;

  /** @internal */
  constructor() {
    super();
    // With `debug` each operation is remembered, to tell whether it was forgotten.
    this.shared = watch.active;
  }

  /** @internal */
  override takenOver(): void {
    this.shared = true;
  }

  /** @internal Makes it new again if its wait has ended. Returns whether it did. */
  servesAgain(): boolean {
    if (this.state !== State.SPENT || this.shared || watch.active) return false;
    this.state = State.NEW;
    this.direct = false;
    return true;
  }

  /** @internal */
  override [Symbol.iterator](): Iterator<unknown, T, unknown> {
    if (this.state > State.TAKEN_OVER) throw alreadyYielded(this);
    this.state = State.ITERATING;
    // Its `next` returns the outcome, whose type only the code that settles it knows.
    return this as unknown as Iterator<unknown, T, unknown>;
  }

  /** @internal */
  override next(): IteratorResult<unknown, unknown> {
    if (this.state === State.ITERATING) {
      const fiber = context.fiber;
      if (fiber === null) throw outsideCoroutine(this);
      if (!this.park(fiber)) return PARKED_RESULT;
    } else if (this.state === State.WAITING) {
      throw notYielded(this);
    }
    const failed = this.state === State.REJECTED;
    const outcome = this.take();
    if (failed) throw outcome;
    DONE_RESULT.value = outcome;
    return DONE_RESULT;
  }

  /** @internal */
  override park(fiber: WaitingFiber): boolean {
    this.fiber = fiber;
    this.state = State.WAITING;
    const settled = this.begin(fiber);
    // A coroutine whose operations never wait would starve the others, so it gives way when its budget is used up.
    if (settled && --fiber.loop.stepBudget > 0) return true;
    fiber.wait = this;
    if (settled) fiber.loop.makeReady(fiber);
    else if (this.limit < Infinity) this.arm(fiber);
    return false;
  }

  /** @internal */
  override take(): unknown {
    const outcome = this.outcome;
    const fiber = this.fiber!;
    // Asyncoro's result rule: what operations of the top-level generator evaluate to may become its result.
    if (fiber.frames === null && this.state === State.RESOLVED) fiber.last = outcome;
    this.state = State.SPENT;
    this.outcome = undefined;
    return outcome;
  }

  /** @internal */
  override give(value: unknown): true {
    this.state = State.RESOLVED;
    this.outcome = value;
    return true;
  }

  /** @internal */
  override resolve(value: unknown): void {
    if (this.state !== State.WAITING) return;
    const fiber = this.fiber!;
    // First, as it may throw at the end of the engine's stack.
    fiber.loop.makeReady(fiber);
    this.state = State.RESOLVED;
    this.outcome = value;
  }
}

/** The number of the coroutine that runs; -1 outside coroutines. */
export function currentId(): number {
  const { fiber } = context;
  return fiber === null ? -1 : fiber.owner.id;
}

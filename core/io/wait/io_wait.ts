/**
 * What all waits for I/O have in common: a place in a line, a time limit, an AbortSignal, and that the scheduler
 * knows of it, so that neither virtual time nor the deadlock finder takes it for a wait without an end.
 *
 * A host operation is never tied to a wait. It belongs to the socket (pipe, file, ...), brings its result there, and
 * whoever waits first in the line is served; a wait that is cancelled only leaves the line.
 */
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { TimeoutError } from "../../base/errors.ts";
import { Operation, REJECTED, WAITING } from "../../fiber/operation.ts";
import type { Loop } from "../../fiber/schedulable.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { type IoLimit, secondsOf, signalOf } from "./io_options.ts";

/** See the head of this file. */
export abstract class IoWait extends Operation<unknown> {
  /** The next one in the line. */
  nextInLine: IoWait | null = null;
  /** The one before in the line. */
  prevInLine: IoWait | null = null;
  /** Whether it stands in a line. */
  inLine = false;
  readonly #signal: AbortSignal | null;
  // The scheduler that counts it, while it waits.
  #loop: Loop | null = null;

  /** `standard` is the default timeout, in seconds; `action` is what cannot be done if the limit is wrong. */
  constructor(limit: IoLimit, standard: number, action: string) {
    super();
    this.limit = secondsOf(limit, standard, action);
    this.#signal = signalOf(limit);
  }

  /** Takes its place and settles with `settle` or `settleError` if it can. */
  protected abstract enter(fiber: Fiber): void;

  /** Gives its place up, whether it waits or was granted something that is not taken. */
  protected abstract leave(): void;

  /** Sees to it that what it waits for keeps the process alive if the coroutine, and its scheduler, now want it. */
  protected refer(_coro: Coro): void {}

  override waiterChanged(): void {
    if (this.state === WAITING) this.refer(coroOf(this.fiber!));
  }

  /** It is first in its line now, or the host has brought something: settles, or sees to it that the host brings more. */
  proceed(): void {}

  override begin(fiber: Fiber): boolean {
    const signal = this.#signal;
    if (signal !== null && signal.aborted) return this.fail(signal.reason);
    this.enter(fiber);
    if (this.state !== WAITING) return true;
    if (this.limit <= 0) {
      this.detach();
      this.timedOut();
      return true;
    }
    this.#loop = fiber.loop;
    fiber.loop.hostOperations++;
    if (signal !== null) signal.addEventListener("abort", this);
    return false;
  }

  /** Gives the wait its value, whether it is still beginning or waits already. */
  settle(value: unknown): void {
    if (this.#loop === null) {
      this.give(value);
    } else {
      this.#disengage();
      this.resolve(value);
    }
  }

  /** Gives the wait an error instead. */
  settleError(error: unknown): void {
    if (this.#loop === null) {
      this.fail(error);
    } else {
      this.#disengage();
      this.reject(error);
    }
  }

  /** The signal was aborted. */
  handleEvent(): void {
    if (this.state !== WAITING) return;
    this.detach();
    this.reject(this.#signal!.reason);
  }

  override detach(): void {
    this.#disengage();
    this.leave();
  }

  override reclaim(): void {
    this.leave();
  }

  override cancel(): boolean {
    // A failure that was not handed over holds a place as well.
    if (this.state === REJECTED) this.leave();
    return super.cancel();
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`${this.label}() waited in vain: ${this.waitsFor} did not come in time`));
  }

  override swappable(): boolean {
    return false;
  }

  #disengage(): void {
    if (this.#loop === null) return;
    this.#loop.hostOperations--;
    this.#loop = null;
    if (this.#signal !== null) this.#signal.removeEventListener("abort", this);
  }
}

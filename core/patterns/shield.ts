import { type CheckedLimit, checkLimit, type Limit } from "../base/limit.ts";
import { BranchGroup } from "../coroutine/branches.ts";
import { coroOf } from "../coroutine/coro_of.ts";
import type { Waitable } from "../coroutine/waitable.ts";
import { type Abortable, listenToAbort, stopListening } from "../fiber/abort_listeners.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { restartGrace, shieldEnded, terminationEnd } from "../fiber/held_back.ts";
import { isInterrupted } from "../fiber/interrupts.ts";
import { type Operation, WAITING } from "../fiber/operation.ts";
import { Timer } from "../fiber/timer.ts";
import type { Grant } from "../operations/parts.ts";

/**
 * Runs its work on a branch of its own, so that interrupts of the coroutine do not reach it. They end this wait only when
 * the shield is lifted, or when the work has ended.
 */
class Shield extends BranchGroup implements Abortable {
  readonly #limit: CheckedLimit;
  #lifted = false;
  // `null` until the work has returned: until then nothing was granted that could go back.
  #result: { readonly value: unknown } | null = null;
  // Runs from the first interrupt on; the time at which it fires is kept, as a termination may bring it forward.
  #timer: Timer | null = null;
  #liftAt = Infinity;

  constructor(work: unknown, limit: CheckedLimit) {
    super([work]);
    this.#limit = limit;
  }

  get label(): string {
    return "shield";
  }

  override get shielded(): boolean {
    return this.state === WAITING && !this.#lifted;
  }

  override get uninterruptible(): boolean {
    return this.shielded && this.#limit.seconds === Infinity && this.#limit.signal === null &&
      this.#liftAt === Infinity;
  }

  override begin(fiber: Fiber): boolean {
    const { signal } = this.#limit;
    // Starts lifted if an interrupt is pending, which then ends this wait before the work begins.
    this.#lifted = isInterrupted(fiber) || signal?.aborted === true;
    // First, as it throws if there is no room for the branch.
    const settled = super.begin(fiber);
    if (signal !== null && !this.#lifted) listenToAbort(signal, this);
    return settled;
  }

  override interruptArrived(): void {
    const fiber = this.fiber!;
    const now = fiber.loop.clock.now();
    const first = this.#liftAt === Infinity ? now + this.#limit.seconds : this.#liftAt;
    this.#setTimer(fiber, now, Math.min(first, terminationEnd(coroOf(fiber))));
    // Nothing but the interrupt that is now held back may have been able to end a deadlock: searches again.
    if (this.uninterruptible) fiber.owner.loop.noteBlocked(fiber.owner);
  }

  #setTimer(fiber: WaitingFiber, now: number, liftAt: number): void {
    if (liftAt <= now) return this.#end();
    if (liftAt >= this.#liftAt) return;
    this.#timer?.cancel();
    this.#liftAt = liftAt;
    this.#timer = new Timer(fiber.loop, fiber.level, liftAt - now, () => this.#lift());
  }

  /** The signal was aborted. */
  aborted(): void {
    this.#lift();
  }

  #lift(): void {
    this.#end();
    shieldEnded(this.fiber as Fiber);
  }

  /** From now on it holds nothing back. The cleanup that was held back has all its grace still. */
  #end(): void {
    this.#lifted = true;
    this.#timer?.cancel();
    const { signal } = this.#limit;
    if (signal !== null) stopListening(signal, this);
    const end = terminationEnd(coroOf(this.fiber!));
    for (let at = this.fiber as Fiber | null; at !== null; at = at.parentFiber as Fiber | null) restartGrace(at, end);
  }

  protected override returned(index: number, value: unknown): void {
    this.#result = { value };
    this.decide(false, value, index);
  }

  protected override granted(): Grant[] {
    return this.#result === null ? [] : this.grant(0, this.#result.value);
  }

  protected override giveOutcome(): true {
    super.giveOutcome();
    if (!this.#lifted) this.#lift();
    return true;
  }

  // A new generator must not replace the one whose work must not be cut short.
  override swappable(): boolean {
    return false;
  }
}

/**
 * Runs work that must not be cut short: errors thrown into the coroutine, deadlines, the loss of a race and termination
 * wait until it has ended. Then they take effect here, and the result of the work is not used.
 *
 * The termination of a coroutine waits until its grace has passed, and no longer. Any interruption waits until `limit`
 * has passed, counted from the moment when the first one arrives. After that the work is cancelled like any other.
 *
 * @param work An operation or a generator object; also a coroutine or a promise, which go on in any case.
 * @param limit For how long interruptions wait: seconds, or a duration; no limit by default. A signal ends the
 * protection when it is aborted.
 * @returns The value of `work`.
 * @throws {TypeError} If `work` cannot be waited for, or `limit` is not a valid limit.
 *
 * @example
 * ```ts
 * import { run, shield, sleep, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * function* save() {
 *   yield* sleep(0.02);
 *   log.push("saved");
 * }
 * await run(function* () {
 *   try {
 *     yield* withTimeout(0.01, shield(save()));
 *   } catch (error) {
 *     if (error instanceof TimeoutError) log.push("too late");
 *   }
 * });
 * assertEquals(log, ["saved", "too late"]);
 * ```
 */
export function shield<T>(work: Waitable<T>, limit?: Limit): Operation<T> {
  return new Shield(work, checkLimit(limit, "shield work")) as BranchGroup as Operation<T>;
}

/**
 * The waits of a condition.
 *
 * A wait stands first in the condition's queue and then, notified or timed out or cancelled, in that of the lock: it
 * always ends with the lock. So a cancellation may have to wait for it, and a notification that arrives does not wake
 * the coroutine yet.
 */
import { context } from "../fiber/context.ts";
import type { Coro } from "../coroutine/coro.ts";
import { coroOf } from "../coroutine/coro_of.ts";
import { CANCELLING, SPENT, WAITING } from "../fiber/operation.ts";
import { Call } from "../operations/call.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { Condition } from "./condition.ts";
import { Acquisition } from "./acquirable.ts";
import type { Mutex } from "./mutex.ts";
import type { WaitQueue } from "../fiber/wait_queue.ts";

/** Waits to be notified, without the lock, and then for the lock. */
export class ConditionWait extends Acquisition {
  protected readonly condition: Condition;
  protected readonly lock: Mutex;
  protected readonly waiters: WaitQueue<ConditionWait>;
  #notified = false;
  /** Whether it is in the second queue, or past it. */
  protected regaining = false;

  constructor(condition: Condition, lock: Mutex, waiters: WaitQueue<ConditionWait>, seconds: number) {
    super();
    this.condition = condition;
    this.lock = lock;
    this.waiters = waiters;
    this.limit = seconds;
  }

  get label(): string {
    return "wait";
  }

  override get waitsFor(): string {
    return this.regaining ? this.lock.waitsFor : `${this.condition}`;
  }

  override begin(fiber: Fiber): boolean {
    const lock = this.lock;
    if (!lock.holds(coroOf(fiber))) throw lock.misuse(`wait on ${this.condition}`, "its lock", coroOf(fiber));
    if (this.limit <= 0) return this.give(false);
    this.depth = lock.depth;
    this.place = lock.place;
    this.waiters.push(this);
    lock.free();
    return false;
  }

  /** A notification has reached it. It has been taken out of the condition's queue. */
  notify(): void {
    this.#notified = true;
    this.woken();
  }

  /** It was notified. */
  protected woken(): void {
    if (this.regain()) this.resolve(true);
  }

  override granted(): void {
    if (this.state !== CANCELLING) return this.resolve(this.#notified);
    const fiber = this.fiber!;
    this.state = SPENT;
    fiber.wait = null;
    fiber.loop.makeReady(fiber);
  }

  override expire(): void {
    // Notified in time: the lock has no limit.
    if (this.regaining) return;
    this.detach();
    if (this.regain()) this.give(false);
  }

  override cancel(): boolean {
    if (this.state === CANCELLING) return false;
    if (this.state !== WAITING) return super.cancel();
    if (this.regaining) {
      if (this.#notified) this.condition.wake(1);
      this.state = CANCELLING;
      return false;
    }
    this.detach();
    return this.regainCancelled();
  }

  /** Takes the lock again before it is cancelled; returns whether it has it. */
  protected regainCancelled(): boolean {
    const has = this.regain();
    this.state = has ? SPENT : CANCELLING;
    return has;
  }

  override detach(): void {
    if (this.regaining) this.lock.waiters.remove(this);
    else this.waiters.remove(this);
  }

  // The lock stays with the coroutine, whose `finally` releases it; only the notification was in vain.
  override reclaim(): void {
    if (this.outcome === true) this.condition.wake(1);
  }

  override isDeadlocked(dead: (coro: Coro) => boolean): boolean {
    const owner = this.lock.owner;
    return this.regaining && owner !== null && dead(owner);
  }

  /** Takes the lock again, or queues for it; returns whether it has it. */
  protected regain(): boolean {
    this.regaining = true;
    if (this.lock.take(this)) return true;
    this.lock.waiters.push(this);
    const coro = coroOf(this.fiber!);
    coro.scheduler.suspect(coro);
    return false;
  }
}

/** Waits until a predicate holds. */
export class ConditionWaitFor extends Call {
  override get label(): string {
    return "waitFor";
  }

  readonly #condition: Condition;
  readonly #progress: Progress;

  constructor(condition: Condition, predicate: () => unknown, seconds: number) {
    const progress = { notified: false };
    super(waitFor(condition, predicate, seconds, progress));
    this.#condition = condition;
    this.#progress = progress;
  }

  override reclaim(): void {
    if (this.#progress.notified) this.#condition.wake(1);
  }
}

interface Progress {
  /** Whether the last wait was ended by a notification. */
  notified: boolean;
}

function* waitFor(
  condition: Condition,
  predicate: () => unknown,
  seconds: number,
  progress: Progress,
): Generator<unknown, unknown, unknown> {
  const clock = context.fiber!.loop.clock;
  const deadline = clock.now() + seconds;
  let answer = predicate();
  for (let left = seconds; !answer && left > 0; left = deadline - clock.now()) {
    progress.notified = yield* condition.wait(left);
    answer = predicate();
  }
  return answer;
}

import type { Operation } from "../../fiber/operation.ts";
import { Condition as OwnedCondition } from "../../sync/condition.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { LoopConditionWait } from "./condition_wait.ts";
import { Lock } from "./lock.ts";

/**
 * Lets tasks that share a lock wait for each other's changes.
 *
 * `wait()` releases the lock, waits for a notification and acquires the lock again, however it ends; a notification
 * for a task that was cancelled goes to the next one. As in asyncio the lock has no owner: it is enough that somebody
 * has it.
 *
 * @example
 * ```ts
 * import { Condition, createTask, run } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const changed = new Condition();
 *   const stock: string[] = [];
 *   createTask(function* () {
 *     using _ = yield* changed.hold();
 *     stock.push("apple");
 *     changed.notify();
 *   });
 *   using _ = yield* changed.hold();
 *   yield* changed.waitFor(() => stock.length > 0);
 *   assertEquals(stock.pop(), "apple");
 * });
 * ```
 */
export class Condition extends OwnedCondition {
  readonly #lock: Lock;

  /**
   * Makes a condition.
   *
   * @param lock The lock that its users share, possibly with other conditions; one of its own by default.
   * @param name For `dump()` and errors.
   * @throws {TypeError} If `lock` is not an asyncio lock, or `name` not a string.
   */
  constructor(lock?: Lock | null, name?: string) {
    const shared = lock ?? new Lock(name);
    super(shared, name);
    if (!(shared instanceof Lock)) {
      throw new TypeError("Cannot create a condition as 'lock' must be a Lock of asyncio: locks of others have owners");
    }
    this.#lock = shared;
  }

  /**
   * Acquires its lock. Others get a turn only if it has to wait.
   *
   * @returns Always `true`.
   */
  override acquire(): Operation<boolean> {
    return this.#lock.acquire();
  }

  /**
   * Releases the lock, waits until it is notified and acquires the lock again.
   *
   * The limit is for the notification; getting the lock back takes as long as it takes, in a task that was cancelled
   * too. A notification that reaches a task which is cancelled before it goes on passes to the next that waits.
   *
   * @param timeout Seconds to wait for the notification at the most, or a duration; with zero or less it does not
   * wait and keeps the lock.
   * @returns `true`, or `false` if it was not notified in time.
   * @throws {TypeError} If `timeout` is no time.
   * @throws {Error} If nobody has the lock.
   */
  override wait(timeout?: Timeout): Operation<boolean> {
    const seconds = toSeconds(timeout, "wait on a condition");
    this.mustHold("wait on");
    return new LoopConditionWait(this, this.#lock, this.waiters, seconds) as Operation<unknown> as Operation<boolean>;
  }

  /** @internal Its lock is needed only if it has to wait. */
  protected override mayLook(): void {}

  /** @internal */
  protected override mustHold(action: string): void {
    if (!this.#lock.locked()) throw this.#lock.misuse(`${action} ${this}`);
  }
}

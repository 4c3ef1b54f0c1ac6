import type { Operation } from "../../fiber/operation.ts";
import { Condition as OwnedCondition } from "../../sync/condition.ts";
import { LoopConditionWait } from "./condition_wait.ts";
import { Lock } from "./lock.ts";

/**
 * Lets tasks that share a lock wait for each other's changes.
 *
 * `wait()` releases the lock, waits for a notification and acquires the lock again, however it ends; a notification
 * for a task that was cancelled passes to the next that waits. As in asyncio the lock has no owner: it is enough that
 * it is held, by any task.
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

  /** @internal */
  protected override newWait(lock: Lock, seconds: number): Operation<boolean> {
    return new LoopConditionWait(this, lock, this.waiters, seconds);
  }

  /** @internal The lock is needed only if `waitFor` has to wait. */
  protected override mayLook(): void {}

  /** @internal */
  protected override mustHold(action: string): void {
    if (!this.#lock.locked()) throw this.#lock.misuse(`${action} ${this}`);
  }
}

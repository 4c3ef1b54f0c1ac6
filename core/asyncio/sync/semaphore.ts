import { RESOLVED } from "../../fiber/operation.ts";
import type { Acquisition } from "../../sync/acquirable.ts";
import { Semaphore as PlainSemaphore } from "../../sync/semaphore.ts";

/**
 * A number of permits: `acquire` takes one, waiting in the queue if there is none, and `release` adds one.
 *
 * Tasks go on in the order in which they came, as in asyncio: a task that acquires a free permit first gives a turn to
 * the tasks that were granted one before and have not run yet.
 *
 * @example
 * ```ts
 * import { gather, run, Semaphore, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * let seated = 0;
 * await run(function* () {
 *   const seats = new Semaphore(2, "seats");
 *   function* guest() {
 *     using _ = yield* seats.hold();
 *     seated++;
 *     assertEquals(seated <= 2, true);
 *     yield* sleep(0.01);
 *     seated--;
 *   }
 *   yield* gather(guest(), guest(), guest());
 * });
 * assertEquals(seated, 0);
 * ```
 */
export class Semaphore extends PlainSemaphore {
  // The latest grant. As tasks run in the order of their grants, the earlier ones have run when this one has.
  #latest: Acquisition | null = null;

  /** @internal */
  override get mustYieldFirst(): boolean {
    return this.#latest?.state === RESOLVED;
  }

  /** Whether `acquire` would wait or give others a turn: no permit is free, or other tasks go first. */
  override locked(): boolean {
    return super.locked() || this.mustYieldFirst;
  }

  /** @internal */
  override take(acquisition: Acquisition): boolean {
    const taken = super.take(acquisition);
    if (taken) this.#latest = acquisition;
    return taken;
  }

  /** @internal */
  protected override grant(acquisition: Acquisition): void {
    this.#latest = acquisition;
    super.grant(acquisition);
  }
}

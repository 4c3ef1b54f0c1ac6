import { RESOLVED } from "../../fiber/operation.ts";
import type { Acquisition } from "../../sync/acquirable.ts";
import { Semaphore as PlainSemaphore } from "../../sync/semaphore.ts";

/**
 * A number of permits: `acquire` takes one, waiting in line if there is none, and `release` adds one.
 *
 * Tasks go on in the order in which they came, as in asyncio: who acquires a permit that is free gives those a turn
 * first that were let in before and have not run yet.
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
  // Who was let in last. As all run in line, those before it have run when it has.
  #last: Acquisition | null = null;

  /** @internal */
  override get mustYieldFirst(): boolean {
    return this.#last?.state === RESOLVED;
  }

  /** Whether `acquire` would wait or give others a turn: no permit is free, or others are to go first. */
  override locked(): boolean {
    return super.locked() || this.mustYieldFirst;
  }

  /** @internal */
  override take(entrant: Acquisition): boolean {
    const taken = super.take(entrant);
    if (taken) this.#last = entrant;
    return taken;
  }

  /** @internal */
  protected override admit(entrant: Acquisition): void {
    this.#last = entrant;
    super.admit(entrant);
  }
}

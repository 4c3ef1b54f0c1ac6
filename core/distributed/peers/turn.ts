import { context } from "../../fiber/context.ts";
import { type Loop, Schedulable } from "../../fiber/schedulable.ts";
import { DEFAULT_PRIORITY } from "../../coroutine/spawn_options.ts";

/** Calls back from the run loop: once in the next turn when asked, and at a deadline. */
export class Turn extends Schedulable {
  private readonly callback: () => number;

  /** `callback` returns the next deadline, by the scheduler's clock; `Infinity`: none. It must not throw. */
  constructor(loop: Loop, callback: () => number) {
    super(loop, DEFAULT_PRIORITY);
    this.callback = callback;
    loop.allocateSlot(this);
  }

  /** Has it run in the next turn: everything that is ready now runs before. */
  request(): void {
    if (this.slot >= 0) this.loop.makeReady(this);
  }

  /** @internal */
  override run(): void {
    context.fiber = null;
    const deadline = this.callback();
    if (deadline < Infinity && this.slot >= 0) this.loop.arm(this, deadline);
  }

  /** Ends it. */
  stop(): void {
    if (this.slot >= 0) this.loop.freeSlot(this);
  }
}

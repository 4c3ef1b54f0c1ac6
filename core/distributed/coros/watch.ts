import type { Coro } from "../../coroutine/coro.ts";
import type { CompletionWaiter } from "../../fiber/completion_waiter.ts";

/** Waits for the end of a coroutine of this process on behalf of a peer. */
export class Watch implements CompletionWaiter {
  nextCompletionWaiter: CompletionWaiter | null = null;
  prevCompletionWaiter: CompletionWaiter | null = null;
  private readonly coro: Coro;
  private readonly ended: () => void;

  /** `ended` is called once, when the coroutine has ended; its outcome can be read then. */
  constructor(coro: Coro, ended: () => void) {
    this.coro = coro;
    this.ended = ended;
  }

  /** Begins to wait. */
  begin(): void {
    if (!this.coro.giveOutcome(this)) this.coro.addCompletionWaiter(this);
  }

  /** Waits no longer. It has not been told of the end. */
  stop(): void {
    this.coro.removeCompletionWaiter(this);
  }

  /** @internal The coroutine had ended before. */
  give(): void {
    this.ended();
  }

  /** @internal The same, of one that failed. */
  fail(): void {
    this.ended();
  }

  resolve(): void {
    this.ended();
  }

  reject(): void {
    this.ended();
  }
}

import type { CompletionWaiter } from "../../fiber/completion_waiter.ts";
import { type Callback, Handle } from "./handle.ts";
import type { LoopServices } from "./loop_services.ts";

/** A function that is called through the loop when a future is done: first a completion waiter, then a callback. */
export class DoneCallback extends Handle implements CompletionWaiter {
  declare nextCompletionWaiter: CompletionWaiter | null;
  declare prevCompletionWaiter: CompletionWaiter | null;

  constructor(loop: LoopServices, callback: Callback, future: PromiseLike<unknown>) {
    super(loop, callback, future);
    this.nextCompletionWaiter = null;
    this.prevCompletionWaiter = null;
  }

  resolve(): void {
    this.loop.enqueue(this);
  }

  reject(): void {
    this.loop.enqueue(this);
  }
}

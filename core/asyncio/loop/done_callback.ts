import type { CompletionWaiter } from "../../fiber/joiner.ts";
import type { Future } from "./future.ts";
import { type Callback, Handle } from "./handle.ts";

/** A function that is called through the loop when a future is done: somebody who waits, and then a callback. */
export class DoneCallback extends Handle implements CompletionWaiter {
  declare nextJoiner: CompletionWaiter | null;
  declare prevJoiner: CompletionWaiter | null;

  constructor(future: Future, callback: Callback) {
    super(future.loop, callback, future);
    this.nextJoiner = null;
    this.prevJoiner = null;
  }

  resolve(): void {
    this.loop.enqueue(this);
  }

  reject(): void {
    this.loop.enqueue(this);
  }
}

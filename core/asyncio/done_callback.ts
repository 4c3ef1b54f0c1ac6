import type { Joiner } from "../joiner.ts";
import type { Future } from "./future.ts";
import { type Callback, Handle } from "./handle.ts";

/** A function that is called through the loop when a future is done: somebody who waits, and then a callback. */
export class DoneCallback extends Handle implements Joiner {
  nextJoiner: Joiner | null = null;
  prevJoiner: Joiner | null = null;

  constructor(future: Future, callback: Callback) {
    super(future.loop, callback, future);
  }

  resolve(): void {
    this.loop.enqueue(this);
  }

  reject(): void {
    this.loop.enqueue(this);
  }
}

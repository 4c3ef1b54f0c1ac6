/** A node or server that may have to wait until the program enables it. */
import { Queue } from "../../messages/queue.ts";

/** See the head of this file. */
export class Enabling {
  readonly #args: Queue<readonly unknown[]> = new Queue(1);
  #isAwaited = false;

  /** Waits until it is enabled. Returns the arguments of its setup. */
  *wait(): Generator<unknown, readonly unknown[], unknown> {
    this.#isAwaited = true;
    return yield* this.#args.get();
  }

  /** Enables it, with arguments for its setup. Returns whether it has waited for this. */
  enable(args: readonly unknown[]): boolean {
    if (!this.#isAwaited) return false;
    this.#isAwaited = false;
    return this.#args.tryPut(args);
  }
}

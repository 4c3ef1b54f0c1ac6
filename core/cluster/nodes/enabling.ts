/** A node or server that may have to wait until the program enables it. */
import { Queue } from "../../messages/queue.ts";

/** See the head of this file. */
export class Enabling {
  readonly #args: Queue<readonly unknown[]> = new Queue(1);
  #isAwaited = false;

  /** From now on it may be enabled: to be called before the program is told of it. `wait()` follows, maybe later. */
  expect(): void {
    this.#isAwaited = true;
  }

  /** Waits until it is enabled, or was since `expect()`. Returns the arguments of its setup. */
  *wait(): Generator<unknown, readonly unknown[], unknown> {
    return yield* this.#args.get();
  }

  /** Enables it, with arguments for its setup. Returns whether that was expected. */
  enable(args: readonly unknown[]): boolean {
    if (!this.#isAwaited) return false;
    this.#isAwaited = false;
    return this.#args.tryPut(args);
  }
}

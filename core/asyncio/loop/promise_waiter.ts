import type { CompletionWaiter } from "../../fiber/completion_waiter.ts";

/** The wait of an async function for a future: it settles a promise. */
export class PromiseWaiter<T> implements CompletionWaiter {
  nextCompletionWaiter: CompletionWaiter | null = null;
  prevCompletionWaiter: CompletionWaiter | null = null;
  readonly #future: { markRetrieved(): void };
  readonly give: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    future: { markRetrieved(): void },
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.#future = future;
    this.give = resolve;
    this.#reject = reject;
  }

  resolve(value: T): void {
    this.give(value);
  }

  reject(error: unknown): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    this.#future.markRetrieved();
    this.#reject(error);
  }
}

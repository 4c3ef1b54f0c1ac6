import { isThenable } from "../base/generator.ts";
import { Items } from "../coroutine/items.ts";
import { until } from "../operations/until.ts";

/** Items that a coroutine takes one by one from something iterable. */
export class Source<T> {
  readonly #items: Iterable<T> | AsyncIterable<T>;
  #iterator: Iterator<T> | AsyncIterator<T> | null = null;
  // It has no more items, or has thrown: then there is nothing to close.
  #over = false;
  // An item was asked for and has not come.
  #producing = false;

  constructor(items: Iterable<T> | AsyncIterable<T>) {
    this.#items = items;
  }

  /** Takes the next item. */
  *next(): Generator<unknown, IteratorResult<T>, unknown> {
    this.#producing = true;
    try {
      // A wait for an item of a queue is the coroutine's own: when it is cut short, the item stays in the queue.
      const result = this.#items instanceof Items ? yield* this.#items.step() : yield* this.#step();
      this.#over = result.done === true;
      this.#producing = false;
      return result;
    } catch (error) {
      this.#over = true;
      throw error;
    }
  }

  *#step(): Generator<unknown, IteratorResult<T>, unknown> {
    this.#iterator ??= iteratorOf(this.#items);
    const next = this.#iterator.next();
    return isThenable(next) ? yield* until(next as PromiseLike<IteratorResult<T>>) : next;
  }

  /** Closes the source, unless it is over. If it still produces an item, that is not waited for. */
  *close(): Generator<unknown, void, unknown> {
    if (this.#over) return;
    if (this.#items instanceof Items) this.#items[Symbol.dispose]();
    if (this.#iterator === null) return;
    this.#over = true;
    const closed = this.#iterator.return?.();
    if (!isThenable(closed)) return;
    if (this.#producing) Promise.resolve(closed).catch(() => {});
    else yield* until(closed);
  }
}

function iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  return isAsync(items) ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}

function isAsync<T>(items: Iterable<T> | AsyncIterable<T>): items is AsyncIterable<T> {
  return typeof (items as AsyncIterable<T>)[Symbol.asyncIterator] === "function";
}

/** Whether a value has items to take. */
export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  if (value === undefined || value === null) return false;
  return isAsync(value as AsyncIterable<unknown>) ||
    typeof (value as Iterable<unknown>)[Symbol.iterator] === "function";
}

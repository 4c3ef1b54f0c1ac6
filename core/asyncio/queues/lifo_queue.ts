import { Queue, type Store } from "./queue.ts";

/** Keeps the items of a queue, last in, first out. */
class Stack<T> implements Store<T> {
  readonly #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    return this.#items.pop();
  }
}

/**
 * A queue whose `get` takes the item that was put last.
 *
 * @example
 * ```ts
 * import { LifoQueue } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new LifoQueue<number>();
 * for (const n of [1, 2, 3]) queue.putNowait(n);
 * assertEquals([queue.getNowait(), queue.getNowait()], [3, 2]);
 * ```
 */
export class LifoQueue<T = unknown> extends Queue<T> {
  /** @internal */
  protected override makeStore(): Store<T> {
    return new Stack<T>();
  }
}

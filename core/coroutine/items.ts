import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { operationForResult } from "../operations/as_body.ts";
import { call } from "../operations/call.ts";
import { takeOver } from "../operations/parts.ts";
import { Scheduler } from "./scheduler.ts";
import { runningCoro } from "./coro_of.ts";

/**
 * The action for each item: a generator function, which may wait, or a plain function. If that returns an operation or
 * a promise, it is waited for.
 */
export type ItemAction<T> = (item: T) => unknown;

/**
 * Items that come one after the other: the lines or the messages of a socket, the lines of a file.
 *
 * In a coroutine, `forEach` runs an action for each item; or a loop takes the operations one by one, and the value of
 * the last one is `null`. In async code, `for await` gives the items themselves. In all three ways, an item is taken
 * only when it is asked for.
 *
 * @example
 * ```ts
 * import { AsyncFile, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "one\ntwo\n");
 * await run(function* () {
 *   using file = yield* AsyncFile.open(path);
 *   const seen: string[] = [];
 *   for (const next of file.lines()) {
 *     const line = yield* next;
 *     if (line === null) break;
 *     seen.push(line);
 *   }
 *   assertEquals(seen, ["one", "two"]);
 * });
 * await Deno.remove(path);
 * ```
 */
export class Items<T> {
  readonly #next: () => Operation<T | null>;

  /** @internal `next` makes the operation that waits for the next item; its value is `null` at the end. */
  constructor(next: () => Operation<T | null>) {
    this.#next = next;
  }

  /** An operation that waits for the next item; its value is `null` at the end. */
  next(): Operation<T | null> {
    return this.#next();
  }

  /** The operations. They have no end: leave the loop when the value of one is `null`. */
  *[Symbol.iterator](): Generator<Operation<T | null>, void, unknown> {
    for (;;) yield this.#next();
  }

  /** The items, for async code. Each is waited for by a coroutine of its own. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, unknown> {
    const scheduler = runningCoro()?.scheduler ?? Scheduler.instance();
    for (;;) {
      const operation = this.#next();
      takeOver(operation);
      const item = await scheduler.spawnWith(
        { name: "next item" },
        function* (): Generator<unknown, T | null, unknown> {
          return yield* operation;
        },
      ).value();
      if (item === null) return;
      yield item;
    }
  }

  /**
   * Waits for each item and runs an action for it, one after the other.
   *
   * @param action See {@linkcode ItemAction}.
   * @returns How many items there were.
   * @throws {TypeError} If `action` is not a function.
   */
  forEach(action: ItemAction<T>): Operation<number> {
    if (typeof action !== "function") {
      throw new TypeError(
        `Cannot go through items as 'action' must be a function: current value is ${describe(action)}`,
      );
    }
    return call(this.#each(action));
  }

  *#each(action: ItemAction<T>): Generator<unknown, number, unknown> {
    for (let count = 0;; count++) {
      const item = yield* this.#next();
      if (item === null) return count;
      const rest = operationForResult(action(item));
      if (rest !== null) yield* rest;
    }
  }
}

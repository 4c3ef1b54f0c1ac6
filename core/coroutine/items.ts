import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { operationForResult } from "../operations/as_body.ts";
import { Call } from "../operations/call.ts";
import { takeOver } from "../operations/taken_over.ts";
import { currentLoop } from "./spawn_options.ts";

/**
 * The action for each item: a generator function, which may wait, or a plain function. If that returns an operation or
 * a promise, it is waited for.
 */
export type ItemAction<T> = (item: T) => unknown;

/** @internal Where items come from that may be `null` themselves, or whose source has to be closed. */
export interface ItemSource<T> {
  /** Whether there are no more items: `next` makes operations that are at the end at once. */
  readonly ended: boolean;
  /** Makes the operation that waits for the next item; its value at the end is `end`. */
  next<E>(end: E): Operation<T | E>;
  /** No more items are wanted. Calling it again has no effect. */
  close(): void;
}

// The end, where `null` is an item like any other.
const END: unique symbol = Symbol("end");

/** Items that are never `null`, so that `null` is their end. Their source, such as a file, is closed elsewhere. */
class NullTerminated<T> implements ItemSource<T> {
  readonly ended = false;
  readonly #next: () => Operation<T | null>;

  constructor(next: () => Operation<T | null>) {
    this.#next = next;
  }

  next<E>(): Operation<T | E> {
    return this.#next() as Operation<T | E>;
  }

  close(): void {}
}

/** Runs an action for each item. However it ends, even before its first step, the items are closed. */
class ForEach extends Call<number> {
  declare private readonly close: () => void;

  constructor(body: Generator<unknown, number, unknown>, close: () => void) {
    super(body);
    this.close = close;
  }

  override get label(): string {
    return "forEach";
  }

  override frameEnded(): void {
    super.frameEnded();
    this.close();
  }

  override discarded(): void {
    super.discarded();
    this.close();
  }
}

/**
 * Items that come one after the other: the lines or the messages of a socket, the lines of a file, what a stream or an
 * async generator gives, events, signals.
 *
 * In a coroutine, `forEach` runs an action for each item; or a loop takes the operations one by one, and the value of
 * the last one is `null`. In async code, `for await` gives the items themselves. In all three ways, an item is taken
 * only when it is asked for.
 *
 * When one of them is left early, and at the end of the block that declares the items with `using`, the source is
 * closed, if it is one that only these items read: that of `each`, `events` and `signals`. Sockets, files and pipes
 * stay open.
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
  readonly #source: ItemSource<T>;
  // The value of an operation of the source that is at the end.
  readonly #end: null | typeof END;

  /**
   * @internal
   * A function makes the operation that waits for the next item; its value is `null` at the end. Where items may be
   * `null`, or have to be closed, it is a source.
   */
  constructor(source: ItemSource<T> | (() => Operation<T | null>)) {
    const nullTerminated = typeof source === "function";
    this.#source = nullTerminated ? new NullTerminated(source) : source;
    this.#end = nullTerminated ? null : END;
  }

  /** An operation that waits for the next item; its value is `null` at the end. */
  next(): Operation<T | null> {
    return this.#source.next(null);
  }

  /** @internal The next item or the end, which is never taken for an item. */
  *step(): Generator<unknown, IteratorResult<T>, unknown> {
    const item = yield* this.#source.next(this.#end);
    return item === this.#end ? { done: true, value: undefined } : { done: false, value: item as T };
  }

  /**
   * Operations that each wait for the next item; the value of the last one is `null`. Leave the loop then, unless items
   * may be `null` themselves: a loop over what `each`, `events` and `signals` give ends by itself after the end.
   */
  *[Symbol.iterator](): Generator<Operation<T | null>, void, unknown> {
    try {
      while (!this.#source.ended) yield this.next();
    } finally {
      this.#source.close();
    }
  }

  /** The items, for async code. Each is waited for by a coroutine of its own. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, unknown> {
    const { scheduler } = currentLoop();
    try {
      for (;;) {
        const operation = this.#source.next(this.#end);
        takeOver(operation);
        const step = await scheduler.spawnWith({ name: "next item" }, function* () {
          return { item: yield* operation };
        }).value();
        // Without a step it was terminated, as its scheduler was.
        if (step === undefined || step.item === this.#end) return;
        yield step.item as T;
      }
    } finally {
      this.#source.close();
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
    return new ForEach(this.#each(action), () => this.#source.close());
  }

  *#each(action: ItemAction<T>): Generator<unknown, number, unknown> {
    for (let count = 0;; count++) {
      const item = yield* this.#source.next(this.#end);
      if (item === this.#end) return count;
      const rest = operationForResult(action(item as T));
      if (rest !== null) yield* rest;
    }
  }

  /**
   * Closes the source, if it is one that only these items read. Coroutines that wait for an item are given the end.
   * Disposing again has no effect.
   */
  [Symbol.dispose](): void {
    this.#source.close();
  }
}

/**
 * Streams of results: the base of the results of a generator in a worker and of those of a parallel map.
 *
 * Either results are kept or readers wait, never both. The work begins with the first read.
 */
import { describe } from "../../base/describe.ts";
import { Fifo } from "../../base/fifo.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { Operation } from "../../fiber/operation.ts";
import { operationForResult } from "../../operations/as_body.ts";
import { call } from "../../operations/call.ts";
import { NextResult, type ResultReader } from "./next_result.ts";

/**
 * Called with each result: a generator function that may wait, or a plain function. If it returns an operation or a
 * promise, that is waited for.
 */
export type ResultAction<T> = (value: T) => unknown;

type End = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/**
 * Results in the order in which they arrive. Take them with `next()`, a loop, `forEach` or `for await`. A coroutine
 * that does not take all of them must call `close()`, or declare the stream with `using`.
 *
 * @example
 * ```ts
 * import { run, WorkerPool } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * using pool = new WorkerPool(1);
 * const squares: number[] = [];
 * await run(function* () {
 *   using results = pool.stream(function* (n: number) {
 *     for (let i = 1; i <= n; i++) yield i * i;
 *   }, 3);
 *   for (const next of results) {
 *     const { done, value } = yield* next;
 *     if (done) break;
 *     squares.push(value);
 *   }
 * });
 * assertEquals(squares, [1, 4, 9]);
 * ```
 */
export abstract class ResultStream<T, R = void> {
  #kept: Fifo<T> = new Fifo();
  #readers: ResultReader[] = [];
  #end: End | null = null;
  #begun = false;

  /** @internal Begins the work, at the first read. */
  protected abstract start(fiber: Fiber | null): void;
  /** @internal A result was taken. */
  protected abstract taken(): void;
  /** @internal Cancels the work that is left. */
  protected abstract stop(): void;

  /** @internal A result has arrived. */
  protected push(value: T): void {
    if (this.#end !== null) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#kept.push(value);
    else {
      this.taken();
      reader.settle({ done: false, value });
    }
  }

  /** @internal There are no more results. */
  protected finish(end: End): void {
    if (this.#end !== null) return;
    this.#end = end;
    for (const reader of this.#readers.splice(0)) this.#settleEnd(reader, end);
  }

  #settleEnd(reader: ResultReader, end: End): void {
    if (end.ok) reader.settle({ done: true, value: end.value });
    else reader.settleError(end.error);
  }

  /** @internal Puts a result that was not handed over back to the front. */
  putBack(value: T): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#kept.unshift(value);
    else reader.settle({ done: false, value });
  }

  /** @internal Settles the reader at once, or keeps it until there is a result. Returns whether it was settled. */
  read(reader: ResultReader, fiber: Fiber | null): boolean {
    if (!this.#begun && this.#end === null) {
      this.#begun = true;
      this.start(fiber);
    }
    if (this.#kept.length > 0) {
      const value = this.#kept.shift();
      this.taken();
      reader.settle({ done: false, value });
    } else if (this.#end !== null) {
      this.#settleEnd(reader, this.#end);
    } else {
      this.#readers.push(reader);
      return false;
    }
    return true;
  }

  /** @internal Removes a reader that was kept. */
  removeReader(reader: ResultReader): void {
    this.#readers.splice(this.#readers.indexOf(reader), 1);
  }

  /**
   * Waits for the next result.
   *
   * @returns `{ done: false, value }`, and at the end `{ done: true, value }` with the return value of the generator.
   * @throws {WorkerError} At the yield, if a task failed.
   */
  next(): Operation<IteratorResult<T, R>> {
    return new NextResult<T, R>(this);
  }

  /** Operations that each wait for the next result. They do not end: leave the loop when a result is `done`. */
  *[Symbol.iterator](): Generator<Operation<IteratorResult<T, R>>, void, unknown> {
    for (;;) yield this.next();
  }

  /**
   * Waits for each result and calls `action` with it. If that fails or is cut short, the rest is cancelled.
   *
   * @param action See {@linkcode ResultAction}.
   * @returns The return value of the generator.
   * @throws {TypeError} If `action` is not a function.
   */
  forEach(action: ResultAction<T>): Operation<R> {
    if (typeof action !== "function") {
      throw new TypeError(
        `Cannot go through results as 'action' must be a function: current value is ${describe(action)}`,
      );
    }
    return call(this.#each(action));
  }

  *#each(action: ResultAction<T>): Generator<unknown, R, unknown> {
    try {
      for (;;) {
        const step = yield* this.next();
        if (step.done) return step.value;
        const rest = operationForResult(action(step.value));
        if (rest !== null) yield* rest;
      }
    } finally {
      this.close();
    }
  }

  /** The results, for async code. Leaving the loop closes the stream. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, R, unknown> {
    try {
      for (;;) {
        const step = await new Promise<IteratorResult<T, R>>((resolve, reject) => {
          this.read({ settle: resolve as (step: unknown) => void, settleError: reject }, null);
        });
        if (step.done) return step.value;
        yield step.value;
      }
    } finally {
      this.close();
    }
  }

  /** Cancels the rest. Results that were not taken are dropped. */
  close(): void {
    if (this.#end === null) {
      if (this.#begun) this.stop();
      this.finish({ ok: true, value: undefined });
    }
    this.#kept = new Fifo();
  }

  /** The same as {@linkcode ResultStream.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

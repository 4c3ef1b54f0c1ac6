/**
 * Results that come one after the other: what both a generator in a worker and a parallel map give.
 *
 * Either results are kept or readers wait, never both. Nothing begins before the first result is asked for.
 */
import { describe } from "../../base/describe.ts";
import { Fifo } from "../../base/fifo.ts";
import { Operation, WAITING } from "../../fiber/operation.ts";
import { operationForResult } from "../../operations/as_body.ts";
import { call } from "../../operations/call.ts";
import type { Loop } from "../../fiber/schedulable.ts";
import type { Fiber } from "../../fiber/fiber.ts";

/**
 * What is done with each result: a generator function that may wait, or a plain function. If that gives an operation
 * or a promise, it is waited for.
 */
export type ResultAction<T> = (value: T) => unknown;

interface Reader {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type End = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/**
 * Results as they come. Take them with `next()`, a loop, `forEach` or `for await`; leaving off early needs `close()`
 * or `using`.
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
  #readers: Reader[] = [];
  #end: End | null = null;
  #begun = false;

  /** @internal The first result is asked for. */
  protected abstract start(fiber: Fiber | null): void;
  /** @internal A result was taken. */
  protected abstract taken(): void;
  /** @internal No more is wanted. */
  protected abstract stop(): void;

  /** @internal */
  protected push(value: T): void {
    if (this.#end !== null) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#kept.push(value);
    else {
      this.taken();
      reader.resolve({ done: false, value });
    }
  }

  /** @internal */
  protected finish(end: End): void {
    if (this.#end !== null) return;
    this.#end = end;
    for (const reader of this.#readers.splice(0)) this.#answerEnd(reader, end);
  }

  #answerEnd(reader: Reader, end: End): void {
    if (end.ok) reader.resolve({ done: true, value: end.value });
    else reader.reject(end.error);
  }

  /** @internal A result that was handed over in vain comes back, as the first. */
  putBack(value: T): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#kept.unshift(value);
    else reader.resolve({ done: false, value });
  }

  /** @internal Answers at once, or keeps the reader. Returns whether it answered. */
  read(reader: Reader, fiber: Fiber | null): boolean {
    if (!this.#begun && this.#end === null) {
      this.#begun = true;
      this.start(fiber);
    }
    if (this.#kept.length > 0) {
      const value = this.#kept.shift();
      this.taken();
      reader.resolve({ done: false, value });
    } else if (this.#end !== null) {
      this.#answerEnd(reader, this.#end);
    } else {
      this.#readers.push(reader);
      return false;
    }
    return true;
  }

  /** @internal The reader waits no more. */
  leave(reader: Reader): void {
    this.#readers.splice(this.#readers.indexOf(reader), 1);
  }

  /**
   * Waits for the next result.
   *
   * @returns `{ done: false, value }`, and at the end `{ done: true, value }` with what a generator returned.
   * @throws {WorkerError} At the yield, if a task failed.
   */
  next(): Operation<IteratorResult<T, R>> {
    return new NextResult(this as ResultStream<unknown, unknown>) as Operation<unknown> as Operation<
      IteratorResult<T, R>
    >;
  }

  /** The operations that wait for the next result, without an end of its own: leave the loop when one is `done`. */
  *[Symbol.iterator](): Generator<Operation<IteratorResult<T, R>>, void, unknown> {
    for (;;) yield this.next();
  }

  /**
   * Waits for each result and does something with it. What is left is cancelled if that fails or is cut short.
   *
   * @param action See {@linkcode ResultAction}.
   * @returns What a generator returned.
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
          this.read({ resolve, reject } as Reader, null);
        });
        if (step.done) return step.value;
        yield step.value;
      }
    } finally {
      this.close();
    }
  }

  /** Cancels what is left. Results that were not taken are dropped. */
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

class NextResult extends Operation<unknown> {
  readonly label = "next result";
  readonly #stream: ResultStream<unknown, unknown>;
  #loop: Loop | null = null;
  #reader: Reader;

  constructor(stream: ResultStream<unknown, unknown>) {
    super();
    this.#stream = stream;
    this.#reader = {
      resolve: (value) => this.#leave() ? this.resolve(value) : this.give(value),
      reject: (error) => this.#leave() ? this.reject(error) : this.fail(error),
    };
  }

  override begin(fiber: Fiber): boolean {
    if (this.#stream.read(this.#reader, fiber)) return true;
    this.#loop = fiber.loop;
    fiber.loop.hostOperations++;
    return false;
  }

  /** Returns whether it waited. */
  #leave(): boolean {
    if (this.#loop === null || this.state !== WAITING) return false;
    this.#loop.hostOperations--;
    this.#loop = null;
    return true;
  }

  override detach(): void {
    this.#leave();
    this.#stream.leave(this.#reader);
  }

  override reclaim(): void {
    const step = this.outcome as IteratorResult<unknown, unknown>;
    if (!step.done) this.#stream.putBack(step.value);
  }

  override swappable(): boolean {
    return false;
  }
}

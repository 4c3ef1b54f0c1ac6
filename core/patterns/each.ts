import { describe } from "../base/describe.ts";
import type { Limit } from "../base/limit.ts";
import type { Coro } from "../coroutine/coro.ts";
import { Items } from "../coroutine/items.ts";
import type { Owner } from "../fiber/owner.ts";
import type { Loop } from "../fiber/schedulable.ts";
import { type FilledStream, filledStreams } from "./filled_streams.ts";
import { HostItems } from "./host_items.ts";

/** One step of an async iterator or of the reader of a stream. */
type Step<T> = { readonly done?: boolean; readonly value?: T };

/** The part of an async iterator, or of the reader of a stream, by which items are taken. */
interface Producer {
  readonly name: string;
  /** Asks for one item. */
  next(): unknown;
  /** No more items are wanted. */
  cancel(): unknown;
  /** There are no more items. */
  release(): void;
}

/**
 * Takes the items of a source one at a time: the next one is asked for only when a coroutine waits for it.
 *
 * The item that was asked for belongs to no wait: when it comes, the first that waits is given it, or it is kept.
 */
class Each<T> extends HostItems<T> {
  readonly #producer: Producer;
  // The source, if a coroutine fills it.
  readonly #filled: FilledStream | undefined;
  // The producer was asked for an item which has not come.
  #asked = false;

  constructor(source: unknown, limit: Limit) {
    super(limit);
    this.#producer = producerOf(source);
    this.#filled = filledStreams.get(source as ReadableStream);
  }

  get awaits(): string {
    return `the next item of ${this.#producer.name}`;
  }

  override isHostBound(loop: Loop): boolean {
    return this.#filled?.loop !== loop;
  }

  override awaitedBy(coro: Owner): void {
    if (this.#filled !== undefined) this.#filled.readBy = (coro as Coro).loop;
  }

  protected override demand(): void {
    if (this.#asked) return;
    this.#asked = true;
    settled(() => this.#producer.next()).then(this.#came, this.#failed);
  }

  readonly #came = (step: unknown): void => {
    this.#asked = false;
    if (this.finished) return;
    if (typeof step !== "object" || step === null) {
      const reason = `it must give objects with 'done' and 'value': current value is ${describe(step)}`;
      return this.#failed(new TypeError(`Cannot take the next item of ${this.#producer.name} as ${reason}`));
    }
    const { done, value } = step as Step<T>;
    if (done) {
      this.#producer.release();
      return this.finish();
    }
    this.offer(value as T);
    if (this.awaited) this.demand();
  };

  readonly #failed = (error: unknown): void => {
    this.#asked = false;
    if (this.finished) return;
    this.#producer.release();
    this.finish({ error });
  };

  protected override stop(): void {
    // Closing may take long, and no wait is left that could receive its failure.
    settled(() => this.#producer.cancel()).catch(ignore);
  }
}

/**
 * The items of an async iterable or of a web stream, one at a time, for coroutines.
 *
 * An item is asked for only when a coroutine waits for it. A `next` that is cut short leaves the source open, and the
 * item that comes for it goes to the next `next`. If the source fails, every `next` from then on throws its error.
 *
 * The source is closed (`return()` of an iterator, `cancel()` of a stream, called and not waited for) when `forEach` or
 * a loop is left early, however that happens, and when the items are disposed of. An item that it was producing then is
 * dropped. A stream is locked from the call on.
 *
 * The body of a response to `fetch` is such a stream: `each(response.body)`. Leaving the loop early cancels it, which
 * ends the transfer. To read text, pipe it through a decoder: `response.body.pipeThrough(new TextDecoderStream())`.
 *
 * @param source An async iterable, such as an async generator, or a `ReadableStream`.
 * @param limit How long to wait for each item at most: seconds, a duration, a signal, or both in an object. If it is
 * over, `TimeoutError` or the reason of the signal is thrown at the yield.
 * @throws {TypeError} If `source` is neither an async iterable nor a stream, if the stream is locked, or if `limit` is
 * not a valid limit.
 *
 * @example
 * ```ts
 * import { each, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const response = new Response("one and two"); // await fetch(...)
 * const text = await run(function* () {
 *   const decoder = new TextDecoder();
 *   let text = "";
 *   yield* each(response.body!, 5).forEach((chunk) => {
 *     text += decoder.decode(chunk, { stream: true });
 *   });
 *   return text;
 * });
 * assertEquals(text, "one and two");
 * ```
 *
 * @example One by one
 * ```ts
 * import { each, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * async function* count() {
 *   for (let n = 1;; n++) yield n;
 * }
 * await run(function* () {
 *   using items = each(count());
 *   assertEquals(yield* items.next(), 1);
 *   assertEquals(yield* items.next(), 2);
 * });
 * ```
 */
export function each<T>(source: AsyncIterable<T> | ReadableStream<T>, limit?: Limit): Items<T> {
  return new Items(new Each<T>(source, limit));
}

function producerOf(source: unknown): Producer {
  const candidate = source as Partial<ReadableStream & AsyncIterable<unknown>> | null | undefined;
  // A stream may be an async iterable too, but not in every runtime.
  if (typeof candidate?.getReader === "function") return readerOf(candidate as ReadableStream);
  if (typeof candidate?.[Symbol.asyncIterator] === "function") return iteratorOf(candidate as AsyncIterable<unknown>);
  throw new TypeError(
    `Cannot go through items as 'source' must be an async iterable or a ReadableStream: current value is ${
      describe(source)
    }${hintFor(source)}`,
  );
}

/** What the caller of `each` probably meant. */
function hintFor(source: unknown): string {
  if (source === null || source === undefined) return ": a response without a body has none";
  if (typeof source === "function") return ", call it";
  const isIterable = typeof (source as Partial<Iterable<unknown>>)[Symbol.iterator] === "function";
  return isIterable ? ", use a 'for' loop for what is there already" : "";
}

function readerOf(stream: ReadableStream): Producer {
  const reader = stream.getReader();
  return {
    name: "a stream",
    next: () => reader.read(),
    cancel: () => {
      const cancelled = reader.cancel();
      reader.releaseLock();
      return cancelled;
    },
    release: () => reader.releaseLock(),
  };
}

function iteratorOf(source: AsyncIterable<unknown>): Producer {
  const iterator = source[Symbol.asyncIterator]();
  return {
    name: "an async iterable",
    next: () => iterator.next(),
    cancel: () => iterator.return?.(),
    release: ignore,
  };
}

/** The promise of what a function of the program returns or throws. */
async function settled(act: () => unknown): Promise<unknown> {
  return await act();
}

function ignore(): void {}

import { describe } from "../base/describe.ts";
import { ClosedError, TimeoutError } from "../base/errors.ts";
import { Fifo } from "../base/fifo.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import type { Coro } from "../coroutine/coro.ts";
import type { CoroLoop } from "../coroutine/coro_loop.ts";
import { Origin } from "../coroutine/origin.ts";
import { checkTarget, currentLoop } from "../coroutine/spawn_options.ts";
import type { CompletionWaiter } from "../fiber/completion_waiter.ts";
import type { Operation } from "../fiber/operation.ts";
import type { Loop } from "../fiber/schedulable.ts";
import { WaitQueue } from "../fiber/wait_queue.ts";
import { limited } from "../operations/limited.ts";
import { type FilledStream, filledStreams } from "./filled_streams.ts";
import { QueuedWait } from "./queued_wait.ts";

/**
 * Puts an item into a stream, when there is room for it.
 *
 * The second argument is a limit for the wait. When it is over, `TimeoutError` or the reason of the signal is thrown at
 * the yield, and the item is not in the stream. When the stream is closed, `ClosedError` is thrown.
 */
export type Emit<T> = (item: T, limit?: Limit) => Operation<void>;

/** A generator function that makes the items of a stream. */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export type StreamFunction<T> = (coro: Coro<any>, emit: Emit<T>) => Generator<unknown, unknown, any>;

/** Options of {@linkcode stream}. */
export interface StreamOptions {
  /** How many items may be in the stream unread; 1 by default. With 0, `emit` waits for a reader. */
  readonly highWaterMark?: number;
}

/** How the coroutine of a stream has ended. */
type End = { readonly failed: false } | { readonly failed: true; readonly error: unknown };

/**
 * A coroutine and the stream that it fills. While there is room, or a reader that waits, no coroutine waits to emit.
 *
 * Unread items are kept here and not in the stream, which would drop them when it fails. The stream asks for an item
 * (`pull`) when a reader waits for one.
 */
class Producer<T> implements UnderlyingDefaultSource<T>, CompletionWaiter, FilledStream {
  nextCompletionWaiter: CompletionWaiter | null = null;
  prevCompletionWaiter: CompletionWaiter | null = null;
  readonly readable: ReadableStream<T>;
  readBy: Loop | null = null;
  readonly #target: StreamFunction<T>;
  readonly #highWaterMark: number;
  // The run loop and the origin of the code that called `stream`: the coroutine may be created later.
  readonly loop: CoroLoop = currentLoop();
  readonly #origin = new Origin();
  readonly #unread: Fifo<T> = new Fifo();
  readonly #waiting: WaitQueue<EmitWait<T>> = new WaitQueue();
  #controller!: ReadableStreamDefaultController<T>;
  #coro: Coro | null = null;
  // Ends the `pull` of a reader that waits.
  #pulled: (() => void) | null = null;
  #end: End | null = null;
  #closed = false;

  constructor(target: StreamFunction<T>, highWaterMark: number) {
    this.#target = target;
    this.#highWaterMark = highWaterMark;
    this.readable = new ReadableStream<T>(this, { highWaterMark: 0 });
    filledStreams.set(this.readable, this);
    if (highWaterMark > 0) this.#begin();
  }

  start(controller: ReadableStreamDefaultController<T>): void {
    this.#controller = controller;
  }

  /** A reader waits for an item. */
  pull(): Promise<void> | void {
    if (this.#coro === null) this.#begin();
    if (this.#unread.length > 0) this.#controller.enqueue(this.#unread.shift() as T);
    else if (this.#waiting.length > 0) this.#controller.enqueue(this.#granted());
    else if (this.#end === null) return new Promise((resolve) => this.#pulled = resolve);
    while (this.#hasRoom && this.#waiting.length > 0) this.#unread.push(this.#granted());
    this.#closeWhenRead();
  }

  /** The reader cancels the stream: terminates the coroutine, and waits for its cleanup. */
  async cancel(): Promise<void> {
    this.#close();
    if (this.#coro === null) return;
    this.#coro.terminate();
    await this.#coro.value().catch(ignore);
  }

  readonly emit: Emit<T> = (item, limit) => {
    const seconds = limitSeconds(limit, "emit an item");
    return limited(new EmitWait<T>(this, item, seconds), limit);
  };

  #begin(): void {
    this.#coro = this.#origin.create(() => this.loop.scheduler.spawn(this.#target, this.emit));
    this.#coro.addCompletionWaiter(this);
  }

  /** The coroutine has returned or was terminated. */
  resolve(): void {
    this.#end = { failed: false };
    this.#closeWhenRead();
  }

  /** The coroutine has failed, or can never go on. */
  reject(error: unknown): void {
    // The reader has cancelled the stream and cannot receive the error.
    if (this.#closed) return this.loop.reportError(error, this.#coro!);
    this.#end = { failed: true, error };
    this.#closeWhenRead();
  }

  /** Passes the end of the coroutine on to the reader once that has all items. */
  #closeWhenRead(): void {
    if (this.#end === null || this.#closed || this.#unread.length > 0) return;
    // The stream holds an item for a reader that has left meanwhile; the next reader takes it first.
    if (this.#controller.desiredSize! < 0) return;
    this.#close();
    if (this.#end.failed) this.#controller.error(this.#end.error);
    else this.#controller.close();
  }

  /** Nothing can be emitted any more. */
  #close(): void {
    this.#closed = true;
    while (this.#unread.length > 0) this.#unread.shift();
    this.#pulled?.();
    // In a deadlock coroutines stay as they are; they may still be terminated.
    if (this.#end !== null && this.#coro!.isAlive()) return;
    for (let wait = this.#waiting.shift(); wait !== null; wait = this.#waiting.shift()) wait.settleError(closedError());
  }

  get #hasRoom(): boolean {
    return this.#unread.length < this.#highWaterMark;
  }

  /** Takes the item of the wait that is first. It counts as emitted. */
  #granted(): T {
    const wait = this.#waiting.shift()!;
    wait.settle(undefined);
    return wait.item;
  }

  /** A wait begins: settles it if there is a reader or room, or else takes it into the queue. */
  begin(wait: EmitWait<T>): void {
    if (this.#closed) return wait.settleError(closedError());
    const pulled = this.#pulled;
    if (pulled !== null) {
      this.#pulled = null;
      this.#controller.enqueue(wait.item);
      pulled();
    } else if (this.#hasRoom) {
      this.#unread.push(wait.item);
    } else {
      return this.#waiting.push(wait);
    }
    wait.settle(undefined);
  }

  /** A wait is over without its item having been taken. */
  leave(wait: EmitWait<T>): void {
    this.#waiting.remove(wait);
  }
}

/** Waits for room in a stream. */
class EmitWait<T> extends QueuedWait<void> {
  declare readonly item: T;
  declare private readonly producer: Producer<T>;

  constructor(producer: Producer<T>, item: T, seconds: number) {
    super(seconds);
    this.item = item;
    this.producer = producer;
  }

  get label(): string {
    return "emit";
  }

  override get waitsFor(): string {
    return "a reader of its stream";
  }

  protected override enter(): void {
    this.producer.begin(this);
  }

  // Where no coroutine is known to read the stream, it is the host that does.
  protected override isHostBound(loop: Loop): boolean {
    return this.producer.readBy !== loop;
  }

  override detach(): void {
    this.uncount();
    this.producer.leave(this);
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`emit() timed out waiting for ${this.waitsFor}`));
  }
}

function closedError(): ClosedError {
  return new ClosedError(
    "Cannot emit as the stream is closed: its reader has cancelled it, or its coroutine has ended",
  );
}

function ignore(): void {}

/**
 * A web stream that a coroutine fills, for the body of a `Response`, for `pipeThrough` and whatever else takes one.
 *
 * The coroutine runs on the scheduler of the code that calls `stream`. It is created at once, or with a `highWaterMark`
 * of 0 when the stream is first read. Its `emit` waits while `highWaterMark` items are unread.
 *
 * The stream is closed when the coroutine ends. An error that ends the coroutine is the stream's; the reader gets it
 * after the items that were emitted before. If another coroutine terminates it, the stream is closed normally. When the
 * reader cancels the stream, the coroutine is terminated; the promise of `cancel()` is settled when its cleanup has
 * ended. Errors of the cleanup are reported.
 *
 * @param target A generator function; its parameters are the coroutine and `emit`, see {@linkcode Emit}.
 * @param options See {@linkcode StreamOptions}.
 * @throws {TypeError} If `target` is not a generator function, or `options` are not an object.
 * @throws {RangeError} If `highWaterMark` is neither a whole number from 0 nor `Infinity`.
 *
 * @example
 * ```ts
 * import { sleep, stream } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const ticks = stream<string>(function* (_coro, emit) {
 *   for (let n = 1; n <= 3; n++) {
 *     yield* emit(`tick ${n}\n`);
 *     yield* sleep(0.01);
 *   }
 * });
 * const response = new Response(ticks.pipeThrough(new TextEncoderStream()));
 * assertEquals(await response.text(), "tick 1\ntick 2\ntick 3\n");
 * ```
 */
export function stream<T>(target: StreamFunction<T>, options: StreamOptions = {}): ReadableStream<T> {
  checkTarget(target);
  if (typeof options !== "object" || options === null) throw cannot("'options' must be an object", options);
  const unknown = Object.keys(options).find((key) => key !== "highWaterMark");
  if (unknown !== undefined) throw cannot("'highWaterMark' is the only option", unknown);
  const { highWaterMark = 1 } = options;
  if (highWaterMark !== Infinity && !(Number.isSafeInteger(highWaterMark) && highWaterMark >= 0)) {
    throw new RangeError(
      `Cannot make a stream as 'highWaterMark' must be a whole number from 0 or Infinity: current value is ${
        describe(highWaterMark)
      }`,
    );
  }
  return new Producer<T>(target, highWaterMark).readable;
}

function cannot(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot make a stream as ${reason}: current value is ${describe(value)}`);
}

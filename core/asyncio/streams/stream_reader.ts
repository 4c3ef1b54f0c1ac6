import { describe, isInstance } from "../../base/describe.ts";
import { type Data, toBytes } from "../../io/stream/bytes.ts";
import type { Bytes } from "../../io/stream/byte_queue.ts";
import { Items } from "../../coroutine/items.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { IncompleteReadError, LimitOverrunError } from "../errors.ts";
import { DataWait, type ReadSource } from "./data_wait.ts";
import { checkLimit, DEFAULT_LIMIT, type StreamOptions } from "./endpoint_options.ts";
import { checkSeparators, LINE_FEEDS } from "./separators.ts";
import { StreamBuffer } from "./stream_buffer.ts";

/**
 * Reads from a connection, as in asyncio: bytes, lines with their ends, or up to a separator. `openConnection` and
 * `startServer` make readers; one that the program makes itself is fed by hand, for example to test a protocol.
 *
 * It reads ahead: input is kept until a task reads it. When it has more than twice the limit, it stops receiving until
 * it is down to the limit, or until a task waits for more. So {@linkcode StreamReader.atEof} is up to date even if no
 * task reads, and a connection that is closed with unread input still delivers its output to the peer.
 *
 * A read that is cancelled loses nothing: the next read gets the input. One task may read at a time. Once the
 * connection is lost with an error, every read throws that error.
 *
 * @example
 * ```ts
 * import { run, StreamReader } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const reader = new StreamReader();
 *   reader.feedData("key: value\r\nrest");
 *   reader.feedEof();
 *   const decoder = new TextDecoder();
 *   assertEquals(decoder.decode(yield* reader.readuntil([":", "\r\n"])), "key:");
 *   assertEquals(decoder.decode(yield* reader.readline()), " value\r\n");
 *   assertEquals(decoder.decode(yield* reader.read()), "rest");
 *   assertEquals(reader.atEof(), true);
 * });
 * ```
 */
export class StreamReader {
  /** @internal Where its data comes from; `null` if it is fed by hand. */
  source: ReadSource | null = null;
  /** @internal Whether it has enough for now. */
  paused = false;
  readonly #limit: number;
  readonly #buffer = new StreamBuffer();
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #waiter: DataWait | null = null;
  #waiting = false;

  /**
   * Makes a reader that is fed by hand.
   *
   * @param options See {@linkcode StreamOptions}.
   * @throws {RangeError} If the limit is not a positive integer.
   */
  constructor({ limit = DEFAULT_LIMIT }: StreamOptions = {}) {
    this.#limit = checkLimit(limit);
  }

  // --- reading ------------------------------------------------------------------------------------------------

  /** Whether the stream has ended, by the peer or as the connection was closed, and all of it was read. */
  atEof(): boolean {
    return this.#ended && this.#buffer.available === 0;
  }

  /**
   * Reads the bytes that are available, up to a number, and waits if there are none.
   *
   * @param n How many at most; without it, or with -1, all until the end of the stream.
   * @returns The bytes; an empty array at the end of the stream.
   * @throws {RangeError} If `n` is not an integer of -1 or more.
   */
  read(n = -1): Operation<Uint8Array> {
    return call(n === -1 ? this.#readAll() : this.#readSome(checkSize(n)));
  }

  *#readSome(n: number): Generator<unknown, Bytes, unknown> {
    this.#check("read");
    if (n === 0) return new Uint8Array(0);
    if (this.#buffer.available === 0 && !this.#ended) yield* this.#more("read", 1);
    return this.#take(Math.min(n, this.#buffer.available));
  }

  *#readAll(): Generator<unknown, Bytes, unknown> {
    this.#check("read");
    while (!this.#ended) yield* this.#more("read", Infinity);
    return this.#take(this.#buffer.available);
  }

  /**
   * Reads an exact number of bytes.
   *
   * @param n How many.
   * @throws {RangeError} If `n` is not an integer of 0 or more.
   * @throws {IncompleteReadError} At the yield, if the stream ends before; its `partial` has the bytes that were read.
   */
  readexactly(n: number): Operation<Uint8Array> {
    return call(this.#readExactly(checkSize(n)));
  }

  *#readExactly(n: number): Generator<unknown, Bytes, unknown> {
    this.#check("readexactly");
    while (this.#buffer.available < n && !this.#ended) yield* this.#more("readexactly", n);
    const length = this.#buffer.available;
    if (length < n) throw new IncompleteReadError(this.#take(length), n);
    return this.#take(n);
  }

  /**
   * Reads a line, with its end.
   *
   * @returns The bytes; at the end of the stream, the last line without its end if there is one, then an empty array.
   * @throws {RangeError} At the yield, if the line is longer than the limit. The line is skipped then; if its end was
   * not received yet, the part that was received is skipped.
   */
  readline(): Operation<Uint8Array> {
    return call(this.#readLine());
  }

  *#readLine(): Generator<unknown, Uint8Array, unknown> {
    try {
      return yield* this.#readUntil(LINE_FEEDS, "readline");
    } catch (error) {
      if (isInstance(error, IncompleteReadError)) return error.partial;
      if (isInstance(error, LimitOverrunError)) throw this.#skipLine(error.consumed);
      throw error;
    }
  }

  #skipLine(length: number): RangeError {
    const end = this.#buffer.lineFeed();
    this.#skip(end < 0 ? this.#buffer.available : end + 1);
    return new RangeError(
      `Cannot read a line as it is longer than ${this.#limit} bytes: current length is at least ${length}; ` +
        "give the connection a higher 'limit'",
    );
  }

  /**
   * The lines of the rest of the stream, with their ends.
   *
   * @example
   * ```ts
   * import { run, StreamReader } from "@asyncoro/asyncoro/asyncio";
   * import { assertEquals } from "@std/assert";
   *
   * const reader = new StreamReader();
   * reader.feedData("one\ntwo\n");
   * reader.feedEof();
   * const lengths: number[] = [];
   * await run(reader.lines().forEach((line) => void lengths.push(line.length)));
   * assertEquals(lengths, [4, 4]);
   * ```
   */
  lines(): Items<Uint8Array> {
    return new Items(() => call(this.#nextLine()));
  }

  *#nextLine(): Generator<unknown, Uint8Array | null, unknown> {
    const line = yield* this.#readLine();
    return line.length === 0 ? null : line;
  }

  /** Operations that read the next line each; at the end of the stream one evaluates to `null`: leave the loop then. */
  [Symbol.iterator](): Generator<Operation<Uint8Array | null>, void, unknown> {
    return this.lines()[Symbol.iterator]();
  }

  /** The lines of the rest of the stream, for `for await` in async code. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, unknown> {
    return this.lines()[Symbol.asyncIterator]();
  }

  /**
   * Reads up to a separator, and includes it. Of several separators, the one that ends first counts, and of those that
   * end at the same place the shortest.
   *
   * @param separator The bytes or text to look for, or a list of them.
   * @throws {TypeError} If a separator is neither bytes nor text.
   * @throws {RangeError} If there is no separator, or one is empty.
   * @throws {IncompleteReadError} At the yield, if the stream ends before; its `partial` has the bytes that were read.
   * @throws {LimitOverrunError} At the yield, if there are more bytes than the limit before it; nothing was read then.
   */
  readuntil(separator: Data | readonly Data[] = "\n"): Operation<Uint8Array> {
    return call(this.#readUntil(checkSeparators(separator), "readuntil"));
  }

  *#readUntil(separators: readonly Uint8Array[], label: string): Generator<unknown, Bytes, unknown> {
    this.#check(label);
    const buffer = this.#buffer;
    const shortest = separators[0].length;
    const longest = separators[separators.length - 1].length;
    // No separator begins before this position.
    let searched = 0;
    for (;;) {
      const length = buffer.available;
      if (length - searched >= shortest) {
        const match = buffer.find(separators, searched);
        if (match !== null) {
          if (match.start > this.#limit) throw this.#overrun(match.start);
          return this.#take(match.end);
        }
        searched = Math.max(0, length + 1 - longest);
        if (searched > this.#limit) throw this.#overrun(searched);
      }
      if (this.#ended) throw new IncompleteReadError(this.#take(length), null);
      yield* this.#more(label, length + 1);
    }
  }

  #overrun(consumed: number): LimitOverrunError {
    return new LimitOverrunError(
      `Cannot read up to a separator as there are more than ${this.#limit} bytes before it: read ${consumed} bytes ` +
        "to go on, or give the connection a higher 'limit'",
      consumed,
    );
  }

  // Two tasks that read at once would each get parts of what the other expects.
  #check(label: string): void {
    if (this.#waiting) throw new Error(`Cannot ${label} from ${this} as another task waits for data already`);
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Waits until there are at least `least` bytes, or the stream has ended. */
  *#more(label: string, least: number): Generator<unknown, void, unknown> {
    this.#waiting = true;
    try {
      yield* new DataWait(this, label, least);
    } finally {
      this.#waiting = false;
    }
  }

  #take(count: number): Bytes {
    const bytes = this.#buffer.take(count);
    this.#resume();
    return bytes;
  }

  #skip(count: number): void {
    this.#buffer.skip(count);
    this.#resume();
  }

  #resume(): void {
    if (this.paused && this.#buffer.available <= this.#limit) this.#readOn();
  }

  #readOn(): void {
    this.paused = false;
    this.source?.readOn();
  }

  /** @internal A wait has begun. */
  addWaiter(wait: DataWait): void {
    this.#waiter = wait;
    this.#readOn();
  }

  /** @internal A wait is withdrawn. */
  removeWaiter(wait: DataWait): void {
    if (this.#waiter === wait) this.#takeWaiter();
  }

  #takeWaiter(): DataWait | null {
    const waiter = this.#waiter;
    if (waiter === null) return null;
    this.#waiter = null;
    this.source?.notAwaited();
    return waiter;
  }

  // --- feeding ------------------------------------------------------------------------------------------------

  /**
   * Adds bytes at the end. For a reader that is fed by hand.
   *
   * @param data Bytes, which are copied, or text, which is encoded as UTF-8.
   * @throws {TypeError} If `data` is neither bytes nor text.
   * @throws {Error} If the stream has ended.
   */
  feedData(data: Data): void {
    const bytes = toBytes(data, "feed data");
    if (this.#ended) throw new Error(`Cannot feed data to ${this} as it has ended`);
    if (bytes.length > 0) this.received(bytes);
  }

  /** @internal Adds a copy of the bytes at the end. */
  received(bytes: Uint8Array): void {
    this.#buffer.append(bytes);
    const length = this.#buffer.available;
    if (this.#waiter !== null) {
      if (length < this.#waiter.least) return;
      this.#takeWaiter()!.resolve(undefined);
    }
    if (length > 2 * this.#limit) this.paused = true;
  }

  /** Ends the stream: the bytes that were received can still be read, and no more are added. */
  feedEof(): void {
    this.#ended = true;
    this.#takeWaiter()?.resolve(undefined);
  }

  /** The error with which the connection was lost; `null` if there is none. */
  exception(): unknown {
    return this.#failure === null ? null : this.#failure.error;
  }

  /**
   * Makes every read throw an error from now on, including one that waits. For a reader that is fed by hand.
   *
   * @param error The error.
   */
  setException(error: unknown): void {
    this.#failure = { error };
    this.#takeWaiter()?.reject(error);
  }

  /** @internal How many bytes were received and not read. */
  get unread(): number {
    return this.#buffer.available;
  }

  /** Text for messages. */
  toString(): string {
    return this.source === null ? "a reader" : `a reader of ${this.source}`;
  }
}

function checkSize(n: unknown): number {
  if (Number.isSafeInteger(n) && n as number >= 0) return n as number;
  throw new RangeError(`Cannot read as 'n' must be an integer of 0 or more: current value is ${describe(n)}`);
}

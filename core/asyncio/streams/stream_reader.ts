import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { describe, isInstance } from "../../base/describe.ts";
import { type Data, toBytes } from "../../io/stream/bytes.ts";
import { Items } from "../../io/items.ts";
import { Operation, WAITING } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { IncompleteReadError, LimitOverrunError } from "../errors.ts";
import { checkLimit, DEFAULT_LIMIT, type StreamOptions } from "./endpoint_options.ts";
import { type Bytes, NOTHING, StreamBuffer } from "./stream_buffer.ts";

const LINE_FEED = 10;
const LINE_END: readonly Uint8Array[] = [new Uint8Array([LINE_FEED])];

/** What brings a reader its bytes. */
export interface ReadSource {
  /** Brings more, unless it does already or has brought everything. */
  readOn(): void;
  /** A fiber waits for what comes. */
  hold(fiber: Fiber): void;
  /** The fiber that waits has become a daemon's, or ceased to be one. */
  refer(coro: Coro): void;
  /** It waits no longer. */
  release(): void;
}

/**
 * What comes in over a connection, as asyncio reads it: bytes, lines with their ends, or up to a separator.
 * `openConnection` and `startServer` give one; one made by itself is fed by hand, to try a protocol out.
 *
 * It reads ahead: what comes is kept until somebody reads it. With more than twice the limit the peer is held back
 * until it is down to the limit, or until somebody waits for more. So {@linkcode StreamReader.atEof} knows of the end
 * although nobody reads, and closing the connection with unread input does not cut off what the peer has to receive.
 *
 * A read that is cancelled loses nothing; what has come is there for the next one. One task may read at a time. Once
 * the connection is lost with an error, every read throws it.
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
  /** @internal Where its bytes come from; none if it is fed by hand. */
  source: ReadSource | null = null;
  /** @internal It has enough for now. */
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
   * @throws {RangeError} If the limit is no positive integer.
   */
  constructor({ limit = DEFAULT_LIMIT }: StreamOptions = {}) {
    this.#limit = checkLimit(limit);
  }

  // --- reading ------------------------------------------------------------------------------------------------

  /** Whether the stream has ended and all of it was read. It ends when the peer ends it or the connection is closed. */
  atEof(): boolean {
    return this.#ended && this.#buffer.length === 0;
  }

  /**
   * Reads some bytes: what is there, up to a number, waiting for some if there is nothing.
   *
   * @param n How many at the most; without it, or with -1, all until the end of the stream.
   * @returns The bytes; none at the end of the stream.
   * @throws {RangeError} If `n` is no integer of -1 or more.
   */
  read(n = -1): Operation<Uint8Array> {
    return call(n === -1 ? this.#readAll() : this.#readSome(checkSize(n)));
  }

  *#readSome(n: number): Generator<unknown, Bytes, unknown> {
    this.#check("read");
    if (n === 0) return NOTHING;
    if (this.#buffer.length === 0 && !this.#ended) yield* this.#more("read", 1);
    return this.#take(Math.min(n, this.#buffer.length));
  }

  *#readAll(): Generator<unknown, Bytes, unknown> {
    this.#check("read");
    while (!this.#ended) yield* this.#more("read", Infinity);
    return this.#take(this.#buffer.length);
  }

  /**
   * Reads an exact number of bytes.
   *
   * @param n How many.
   * @throws {RangeError} If `n` is no integer of 0 or more.
   * @throws {IncompleteReadError} At the yield, if the stream ends before; its `partial` has what came.
   */
  readexactly(n: number): Operation<Uint8Array> {
    return call(this.#readExactly(checkSize(n)));
  }

  *#readExactly(n: number): Generator<unknown, Bytes, unknown> {
    this.#check("readexactly");
    while (this.#buffer.length < n && !this.#ended) yield* this.#more("readexactly", n);
    const { length } = this.#buffer;
    if (length < n) throw new IncompleteReadError(this.#take(length), n);
    return this.#take(n);
  }

  /**
   * Reads a line, with its end.
   *
   * @returns The bytes; an unfinished line at the end of the stream, and none after that.
   * @throws {RangeError} At the yield, if the line is longer than the limit. The line is skipped then, or what has come
   * of it, if its end has not come yet.
   */
  readline(): Operation<Uint8Array> {
    return call(this.#readLine());
  }

  *#readLine(): Generator<unknown, Bytes, unknown> {
    try {
      return yield* this.#readUntil(LINE_END, "readline");
    } catch (error) {
      if (isInstance(error, IncompleteReadError)) return error.partial as Bytes;
      if (isInstance(error, LimitOverrunError)) throw this.#skipLine(error.consumed);
      throw error;
    }
  }

  #skipLine(length: number): RangeError {
    this.#drop(this.#buffer.at(length) === LINE_FEED ? length + 1 : this.#buffer.length);
    return new RangeError(
      `Cannot read a line as it is longer than ${this.#limit} bytes: current length is at least ${length}; ` +
        "give the connection a higher 'limit'",
    );
  }

  /**
   * The lines to come, one after the other, with their ends.
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

  *#nextLine(): Generator<unknown, Bytes | null, unknown> {
    const line = yield* this.#readLine();
    return line.length === 0 ? null : line;
  }

  /** Operations that wait for the lines to come, of which the last gives `null`: leave the loop then. */
  [Symbol.iterator](): Generator<Operation<Uint8Array | null>, void, unknown> {
    return this.lines()[Symbol.iterator]();
  }

  /** The lines to come, for `for await` in async code. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, unknown> {
    return this.lines()[Symbol.asyncIterator]();
  }

  /**
   * Reads up to a separator, which is the end of what is read. Of several, the one that ends first counts, and of those
   * that end at the same place the shortest.
   *
   * @param separator The bytes or text to look for, or a list of them.
   * @throws {TypeError} If a separator is neither.
   * @throws {RangeError} If there is none, or one is empty.
   * @throws {IncompleteReadError} At the yield, if the stream ends before; its `partial` has what came.
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
    // No separator begins before it.
    let searched = 0;
    for (;;) {
      const { length } = buffer;
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

  /** Two that read at once would tear the stream apart. */
  #check(label: string): void {
    if (this.#waiting) throw new Error(`Cannot ${label} from ${this} as another task waits for data already`);
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Waits until there are so many bytes, or the stream has ended. */
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

  #drop(count: number): void {
    this.#buffer.skip(count);
    this.#resume();
  }

  #resume(): void {
    if (this.paused && this.#buffer.length <= this.#limit) this.#readOn();
  }

  #readOn(): void {
    this.paused = false;
    this.source?.readOn();
  }

  /** @internal A coroutine begins to wait. */
  enter(wait: DataWait, fiber: Fiber): void {
    this.#waiter = wait;
    this.source?.hold(fiber);
    this.#readOn();
  }

  /** @internal A wait is given up. */
  leave(wait: DataWait): void {
    if (this.#waiter === wait) this.#takeWaiter();
  }

  #takeWaiter(): DataWait | null {
    const waiter = this.#waiter;
    if (waiter === null) return null;
    this.#waiter = null;
    this.source?.release();
    return waiter;
  }

  // --- being fed ----------------------------------------------------------------------------------------------

  /**
   * Adds bytes at the end. For a reader that is fed by hand.
   *
   * @param data Bytes, which are copied, or text as UTF-8.
   * @throws {TypeError} If `data` is neither.
   * @throws {Error} If the stream has ended.
   */
  feedData(data: Data): void {
    const bytes = toBytes(data, "feed data");
    if (this.#ended) throw new Error(`Cannot feed data to ${this} as it has ended`);
    if (bytes.length > 0) this.received(bytes.slice());
  }

  /** @internal Adds bytes at the end, which are the reader's from then on. */
  received(bytes: Bytes): void {
    this.#buffer.append(bytes);
    const { length } = this.#buffer;
    if (this.#waiter !== null) {
      if (length < this.#waiter.least) return;
      this.#takeWaiter()!.resolve(undefined);
    }
    if (length > 2 * this.#limit) this.paused = true;
  }

  /** Ends the stream: what has come can be read, and nothing more comes. */
  feedEof(): void {
    this.#ended = true;
    this.#takeWaiter()?.resolve(undefined);
  }

  /** The error at which the connection was lost; `null` if there is none. */
  exception(): unknown {
    return this.#failure === null ? null : this.#failure.error;
  }

  /**
   * Lets every read fail from now on, also one that waits. For a reader that is fed by hand.
   *
   * @param error What they throw.
   */
  setException(error: unknown): void {
    this.#failure = { error };
    this.#takeWaiter()?.reject(error);
  }

  /** @internal How many bytes have come that were not read. */
  get unread(): number {
    return this.#buffer.length;
  }

  /** How it reads in messages. */
  toString(): string {
    return this.source === null ? "a reader" : `a reader of ${this.source}`;
  }
}

/** Waits until a reader has so many bytes. */
class DataWait extends Operation<void> {
  readonly label: string;
  readonly least: number;
  private readonly reader: StreamReader;

  constructor(reader: StreamReader, label: string, least: number) {
    super();
    this.label = label;
    this.least = least;
    this.reader = reader;
  }

  override get waitsFor(): string {
    return `data for ${this.reader}`;
  }

  override begin(fiber: Fiber): boolean {
    this.reader.enter(this, fiber);
    return false;
  }

  override waiterChanged(): void {
    if (this.state === WAITING) this.reader.source?.refer(coroOf(this.fiber!));
  }

  override detach(): void {
    this.reader.leave(this);
  }

  override swappable(): boolean {
    return false;
  }
}

function checkSize(n: unknown): number {
  if (Number.isSafeInteger(n) && n as number >= 0) return n as number;
  throw new RangeError(`Cannot read as 'n' must be an integer of 0 or more: current value is ${describe(n)}`);
}

/** The separators as bytes, shortest first. */
function checkSeparators(separator: Data | readonly Data[]): readonly Uint8Array[] {
  const list = (Array.isArray(separator) ? separator : [separator]).map((each) =>
    toBytes(each, "read up to a separator")
  );
  list.sort((a, b) => a.length - b.length);
  if (list.length > 0 && list[0].length > 0) return list;
  const what = list.length === 0 ? "there is none" : "one is empty";
  throw new RangeError(`Cannot read up to a separator as ${what}: give at least one, of at least one byte`);
}

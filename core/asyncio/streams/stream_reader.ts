import { describe, isInstance } from "../../describe.ts";
import { ClosedError } from "../../errors.ts";
import type { AsyncSocket } from "../../io/socket.ts";
import { type Data, toBytes } from "../../io/data.ts";
import type { Operation } from "../../operation.ts";
import { call } from "../../operations/call.ts";
import { IncompleteReadError, LimitOverrunError } from "../errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const NOTHING: Bytes = new Uint8Array(0);
const NEWLINE: Bytes = new Uint8Array([10]);
const PIECE = 65_536;

/** How many bytes a reader looks for a separator in, unless it is told otherwise; as in CPython. */
export const DEFAULT_LIMIT = 65_536;

/**
 * What comes in over a connection, as asyncio reads it: bytes, lines with their ends, or up to a separator. Made by
 * `openConnection` and `startServer`.
 *
 * A read that is cancelled loses nothing; what has come is there for the next one. One task may read at a time.
 */
export class StreamReader {
  readonly #socket: AsyncSocket;
  readonly #limit: number;
  // What has come and was not read yet.
  #buffer: Bytes = NOTHING;
  #ended = false;
  #reading = false;

  /** @internal */
  constructor(socket: AsyncSocket, limit: number) {
    this.#socket = socket;
    this.#limit = limit;
  }

  /** Whether the other side has ended its stream and all of it was read. */
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
    return call(this.#alone(n === -1 ? this.#readAll() : this.#readSome(checkSize(n, "read"))));
  }

  /**
   * Reads an exact number of bytes.
   *
   * @param n How many.
   * @throws {RangeError} If `n` is no integer of 0 or more.
   * @throws {IncompleteReadError} At the yield, if the stream ends before; its `partial` has what came.
   */
  readexactly(n: number): Operation<Uint8Array> {
    return call(this.#alone(this.#readExactly(checkSize(n, "read"))));
  }

  /**
   * Reads a line, with its end.
   *
   * @returns The bytes; an unfinished line at the end of the stream, and none after that.
   * @throws {LimitOverrunError} At the yield, if the line is longer than the limit.
   */
  readline(): Operation<Uint8Array> {
    return call(this.#alone(this.#readLine()));
  }

  /**
   * Reads up to a separator, which is the end of what is read.
   *
   * @param separator The bytes or text to look for.
   * @throws {TypeError} If `separator` is neither.
   * @throws {RangeError} If it is empty.
   * @throws {IncompleteReadError} At the yield, if the stream ends before; its `partial` has what came.
   * @throws {LimitOverrunError} At the yield, if it is not found within the limit; nothing was read then.
   */
  readuntil(separator: Data = NEWLINE): Operation<Uint8Array> {
    const bytes = toBytes(separator, "read up to a separator");
    if (bytes.length === 0) {
      throw new RangeError("Cannot read up to a separator as it is empty: give at least one byte");
    }
    return call(this.#alone(this.#readUntil(bytes)));
  }

  /** How it reads in messages. */
  toString(): string {
    return `a reader of ${this.#socket}`;
  }

  /** Two that read at once would tear the stream apart. */
  *#alone<T>(work: Generator<unknown, T, unknown>): Generator<unknown, T, unknown> {
    if (this.#reading) throw new Error(`Cannot read from ${this} as another task waits for data already`);
    this.#reading = true;
    try {
      return yield* work;
    } finally {
      this.#reading = false;
    }
  }

  *#readSome(n: number): Generator<unknown, Bytes, unknown> {
    if (n > 0 && this.#buffer.length === 0) yield* this.#fill();
    return this.#take(Math.min(n, this.#buffer.length));
  }

  *#readAll(): Generator<unknown, Bytes, unknown> {
    return yield* this.#collect(Infinity);
  }

  *#readExactly(n: number): Generator<unknown, Bytes, unknown> {
    const bytes = yield* this.#collect(n);
    if (bytes.length < n) throw new IncompleteReadError(bytes, n);
    return bytes;
  }

  /** Up to `n` bytes, fewer at the end of the stream only. Pieces are joined once; a cancelled read puts them back. */
  *#collect(n: number): Generator<unknown, Bytes, unknown> {
    const pieces: Bytes[] = [];
    let length = 0;
    let done = false;
    try {
      while (length < n) {
        if (this.#buffer.length === 0 && !(yield* this.#fill())) break;
        const piece = this.#take(Math.min(n - length, this.#buffer.length));
        pieces.push(piece);
        length += piece.length;
      }
      done = true;
      return joined(pieces, length);
    } finally {
      if (!done) this.#buffer = joined([...pieces, this.#buffer], length + this.#buffer.length);
    }
  }

  *#readLine(): Generator<unknown, Bytes, unknown> {
    try {
      return yield* this.#readUntil(NEWLINE);
    } catch (error) {
      if (isInstance(error, IncompleteReadError)) return error.partial as Bytes;
      throw error;
    }
  }

  *#readUntil(separator: Uint8Array): Generator<unknown, Bytes, unknown> {
    // Up to here the buffer has no separator in it, not even a part of one.
    let searched = 0;
    for (;;) {
      const at = find(this.#buffer, separator, searched);
      if (at > this.#limit) throw this.#overrun(at);
      if (at >= 0) return this.#take(at + separator.length);
      searched = Math.max(0, this.#buffer.length - separator.length + 1);
      if (searched > this.#limit) throw this.#overrun(searched);
      if (!(yield* this.#fill())) throw new IncompleteReadError(this.#take(this.#buffer.length), null);
    }
  }

  #overrun(consumed: number): LimitOverrunError {
    return new LimitOverrunError(
      `Cannot find the separator within the limit of ${this.#limit} bytes: read ${consumed} bytes to go on, ` +
        "or give the connection a higher 'limit'",
      consumed,
    );
  }

  #take(n: number): Bytes {
    const bytes = this.#buffer.subarray(0, n);
    this.#buffer = this.#buffer.subarray(n);
    return bytes;
  }

  /** Waits for more; answers whether there was any. */
  *#fill(): Generator<unknown, boolean, unknown> {
    if (this.#ended) return false;
    const piece = yield* this.#receive();
    if (piece.length === 0) this.#ended = true;
    else {this.#buffer = this.#buffer.length === 0
        ? piece
        : joined([this.#buffer, piece], this.#buffer.length + piece.length);}
    return !this.#ended;
  }

  /** A connection that this side closes ends the stream, as in asyncio. */
  *#receive(): Generator<unknown, Bytes, unknown> {
    try {
      return yield* this.#socket.recv(PIECE);
    } catch (error) {
      if (isInstance(error, ClosedError)) return NOTHING;
      throw error;
    }
  }
}

function joined(pieces: readonly Bytes[], length: number): Bytes {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Where `separator` begins in `bytes`, from `start` on; -1 if it is not there. */
function find(bytes: Uint8Array, separator: Uint8Array, start: number): number {
  const last = bytes.length - separator.length;
  for (let at = bytes.indexOf(separator[0], start); at >= 0 && at <= last; at = bytes.indexOf(separator[0], at + 1)) {
    if (separator.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function checkSize(n: unknown, action: string): number {
  if (Number.isSafeInteger(n) && n as number >= 0) return n as number;
  throw new RangeError(`Cannot ${action} as 'n' must be an integer of 0 or more: current value is ${describe(n)}`);
}

/**
 * The reading side of anything: a buffer, one resident host read, and a line of waits that are served in order.
 *
 * - The host is asked only when somebody waits, and by one read at a time. That read belongs to the intake: when the
 *   wait that caused it is cancelled it stays, and what it brings is kept for the next wait. No byte is ever lost.
 * - Bytes leave the buffer when the outcome is handed to the coroutine, not before. So a wait that is granted its
 *   bytes and then pre-empted has nothing to give back; it holds the first place until it has taken them.
 * - An idle connection holds a small buffer. It grows while reads fill it, and shrinks when they no longer do.
 *
 * While `busy`, the host writes into the buffer from its `end` on: it is not moved then, and what the host brings is
 * appended if it had to be replaced.
 */
import { ClosedError } from "../errors.ts";
import { WAITING } from "../operation.ts";
import type { Coro } from "../coro.ts";
import type { IoWait } from "./io_wait.ts";
import { Reference } from "./reference.ts";
import { WaitLine } from "./wait_line.ts";

/** Where an intake gets its bytes. */
export interface ByteSource {
  /** Reads into the buffer; answers how many bytes, or `null` at the end of the stream. */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Lets a pending read keep the process alive. */
  ref?(): void;
  /** Lets the process end in spite of a pending read. */
  unref?(): void;
}

const NOTHING = new Uint8Array(0);
const MIN_READ = 1024;
const MAX_READ = 65_536;
const MAX_GROWTH = 1 << 24;
/** So many small reads in a row, and a large buffer is given up. */
const SMALL_READS = 8;

/** See the head of this file. */
export class Intake {
  /** The waits, first to last. The first may have been granted its bytes and not have taken them yet. */
  readonly line: WaitLine = new WaitLine();
  /** The stream has ended. */
  ended = false;
  /** Why nothing can be read any more. What is in the buffer can, unless this side closed. */
  failure: unknown = undefined;
  /** This side closed. */
  closed = false;
  /** How often bytes were put back: what was known of the buffer holds no more. */
  returns = 0;
  /** A host operation is under way. */
  busy = false;
  /** Where the bytes come from. */
  source: ByteSource;
  #buffer: Uint8Array<ArrayBuffer> = NOTHING;
  #start = 0;
  #end = 0;
  #readSize = MIN_READ;
  #smallReads = 0;
  // Made when it matters: not as long as all that wait are no daemons and wait to the end.
  #reference: Reference | null = null;
  // Whether the end is only the end so far: a file may have grown when the next one asks.
  readonly #endless: boolean;
  // Where the host reads to, and whether that is no longer the end of the buffer.
  #room: Uint8Array<ArrayBuffer> = NOTHING;
  #elsewhere = false;
  // Made at the first read: an idle listener's connections are many.
  #onRead: ((count: number | null) => void) | null = null;
  #onFailure: ((error: unknown) => void) | null = null;

  constructor(source: ByteSource, { endless = false }: { endless?: boolean } = {}) {
    this.source = source;
    this.#endless = endless;
  }

  /** Bytes in the buffer. */
  get available(): number {
    return this.#end - this.#start;
  }

  /** The bytes in the buffer, to look at; valid until something is taken or read. */
  peek(from: number, to: number): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start + from, this.#start + to);
  }

  /** The byte at a position of the buffer. */
  at(index: number): number {
    return this.#buffer[this.#start + index];
  }

  /** Takes bytes out. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const buffer = this.#buffer;
    const start = this.#start;
    if (count === this.#end - start && count * 2 >= buffer.length && !this.busy) {
      // Most of the buffer: it is given away as it is. The intake makes another when it needs one.
      this.drop();
      return buffer.subarray(start, start + count);
    }
    this.#start = start + count;
    return buffer.slice(start, start + count);
  }

  /** Skips bytes. */
  skip(count: number): void {
    this.#start += count;
  }

  /** Empties the buffer. Not while `busy`. */
  drop(): void {
    this.#buffer = NOTHING;
    this.#start = this.#end = 0;
  }

  /** Puts bytes that were taken out back in front. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.returns++;
    this.#replace(concat(bytes, this.peek(0, this.available)));
    this.serve();
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    // What the host is reading at the moment goes on in the old buffer.
    this.#elsewhere = this.busy;
    this.#buffer = bytes;
    this.#start = 0;
    this.#end = bytes.length;
  }

  /** Takes the wait of a coroutine into the line and serves it if it is first. */
  enter(wait: IoWait, coro: Coro): void {
    this.line.push(wait);
    if (coro.daemon || this.#reference !== null) this.#referenced().enter(coro);
    if (this.line.first !== wait) return;
    if (this.#endless) this.ended = false;
    wait.proceed();
  }

  /** What keeps the process alive may have changed: whether a coroutine that waits is a daemon, or its scheduler. */
  refer(coro: Coro): void {
    this.#referenced().enter(coro);
  }

  /** A wait leaves the line: it has taken what it got, or gives up. */
  leave(wait: IoWait): void {
    if (!wait.inLine) return;
    const wasFirst = this.line.first === wait;
    this.line.remove(wait);
    if (this.line.first === null) {
      // A read that nobody waits for must not hold the process open.
      if (this.busy) this.#referenced().leave();
      else this.#reference?.idle();
    } else if (wasFirst) {
      this.serve();
    }
  }

  /** Lets the first in line go on, unless it has been granted something already. */
  serve(): void {
    const first = this.line.first;
    if (first !== null && first.state === WAITING) first.proceed();
  }

  /** Asks the host for more. `wanted`: how many bytes the first in line needs in the buffer altogether. */
  fill(wanted: number): void {
    if (this.busy) return;
    this.#room = this.#makeRoom(wanted);
    this.#elsewhere = false;
    this.#onRead ??= (count) => this.#arrived(count);
    this.#onFailure ??= (error) => this.#failed(error);
    this.busy = true;
    this.source.read(this.#room).then(this.#onRead, this.#onFailure);
  }

  /**
   * Lets the host read into a buffer that is not ours, when ours is empty. `take` is told how many bytes came (`null`:
   * the end) and answers whether they are taken where they are; otherwise they are copied.
   */
  fillInto(buffer: Uint8Array<ArrayBuffer>, take: (count: number | null) => boolean): void {
    if (this.busy) return;
    this.#onFailure ??= (error) => this.#failed(error);
    this.busy = true;
    this.source.read(buffer).then((count) => {
      this.busy = false;
      const taken = take(count);
      if (count === null) this.ended = true;
      else if (!taken) this.#append(buffer.subarray(0, count));
      this.serve();
    }, this.#onFailure);
  }

  /** This side closes: every wait that has not been granted anything fails. */
  close(error: ClosedError): void {
    this.#reference?.leave();
    this.closed = true;
    this.failure = error;
    for (const wait of this.line) {
      if (wait.state !== WAITING) continue;
      this.line.remove(wait);
      wait.settleError(new ClosedError(error.message));
    }
    if (!this.busy && this.line.first === null) this.drop();
  }

  #arrived(count: number | null): void {
    this.busy = false;
    if (count === null) {
      this.ended = true;
    } else if (this.#elsewhere) {
      this.#append(this.#room.subarray(0, count));
    } else {
      this.#end += count;
      this.#adapt(count);
    }
    this.#room = NOTHING;
    this.#elsewhere = false;
    this.serve();
  }

  #failed(error: unknown): void {
    this.busy = false;
    this.#room = NOTHING;
    this.#elsewhere = false;
    if (!this.closed) this.failure = error;
    this.serve();
  }

  #append(bytes: Uint8Array): void {
    this.#replace(concat(this.peek(0, this.available), bytes));
  }

  #adapt(count: number): void {
    if (count > MIN_READ) this.#smallReads = 0;
    else this.#smallReads++;
    if (count >= this.#readSize && this.#end === this.#buffer.length) {
      this.#readSize = Math.min(MAX_READ, this.#readSize * 8);
    } else if (this.#smallReads > SMALL_READS) {
      this.#readSize = MIN_READ;
    }
  }

  /** The free part of the buffer, made large enough. */
  #makeRoom(wanted: number): Uint8Array<ArrayBuffer> {
    const available = this.#end - this.#start;
    if (available === 0) {
      if (this.#buffer.length < this.#readSize || this.#buffer.length > 4 * this.#readSize) {
        this.#buffer = new Uint8Array(this.#readSize);
      }
      this.#start = this.#end = 0;
      return this.#buffer;
    }
    // A long message is believed only as far as it has come: at most as much again is allocated in advance.
    const missing = Math.min(wanted - available, Math.max(MAX_READ, available));
    const least = Math.max(missing, this.#readSize >> 1);
    if (this.#buffer.length - this.#end < least) this.#makeSpace(available, least, missing);
    return this.#buffer.subarray(this.#end);
  }

  #makeSpace(available: number, least: number, missing: number): void {
    const old = this.#buffer;
    if (old.length - available >= least) {
      old.copyWithin(0, this.#start, this.#end);
    } else {
      // Doubling, so that a long line is not copied over and over.
      const doubled = Math.min(2 * available, available + MAX_GROWTH);
      this.#buffer = new Uint8Array(Math.max(available + Math.max(missing, this.#readSize), doubled));
      this.#buffer.set(old.subarray(this.#start, this.#end));
    }
    this.#start = 0;
    this.#end = available;
  }

  #referenced(): Reference {
    return this.#reference ??= new Reference((alive) => this.#hold(alive), true);
  }

  #hold(alive: boolean): void {
    if (this.closed) return;
    if (alive) this.source.ref?.();
    else this.source.unref?.();
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

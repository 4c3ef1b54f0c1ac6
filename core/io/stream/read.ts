/**
 * The waits of a read buffer: here for some bytes, for so many, for everything; others have files of their own.
 *
 * Each looks at the queue (`look`), is settled without taking anything, and takes its bytes when its outcome is handed
 * over (`collect`).
 */
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { isInstance } from "../../base/describe.ts";
import { ClosedError } from "../../base/errors.ts";
import { EOFError } from "../errors.ts";
import { REJECTED, RESOLVED } from "../../fiber/operation.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { IoWait } from "../wait/io_wait.ts";
import type { IoLimit } from "../wait/io_options.ts";

/** What `look` found: more is needed. */
export const MORE = 0;
/** What `look` found: a value. */
export const VALUE = 1;
/** What `look` found: it can only fail. */
export const FAILURE = 2;

/** What a read is done on: something with a read buffer and a name for messages. */
export interface Readable {
  /** @internal */
  readonly readBuffer: ReadBuffer;
  /** @internal Seconds that a read may wait if nothing else is said. */
  readonly readSeconds: number;
  /** What it reads from, in words. */
  toString(): string;
}

/** See the head of this file. */
export abstract class Read extends IoWait {
  declare protected readonly from: Readable;
  // Bytes that were handed over to a branch of `race` or `all` and may come back from there.
  declare private lent: Uint8Array | null;

  constructor(from: Readable, limit: IoLimit, action: string) {
    super(limit, from.readSeconds, action);
    this.from = from;
    this.lent = null;
  }

  /** Whether there is a value in the queue, a failure, or more is needed. */
  protected abstract look(readBuffer: ReadBuffer): number;

  /** Takes the bytes and returns the value, or the error. */
  protected abstract collect(readBuffer: ReadBuffer, failed: boolean): unknown;

  /** How many bytes there have to be for the next look to be worth while; Infinity if that is not known. */
  protected wanted(_intake: ReadBuffer): number {
    return Infinity;
  }

  override get waitsFor(): string {
    return `data from ${this.from}`;
  }

  protected override enter(fiber: Fiber): void {
    this.from.readBuffer.enter(this, coroOf(fiber));
  }

  protected override leave(): void {
    this.from.readBuffer.leave(this);
  }

  protected override refer(coro: Coro): void {
    this.from.readBuffer.refer(coro);
  }

  override proceed(): void {
    const { readBuffer } = this.from;
    const found = this.lookIfOpen(readBuffer);
    if (found === VALUE) this.settle(undefined);
    else if (found === FAILURE) this.settleError(undefined);
    else this.fill(readBuffer);
  }

  /** Asks the host for more. */
  protected fill(readBuffer: ReadBuffer): void {
    readBuffer.fill(this.wanted(readBuffer));
  }

  private lookIfOpen(readBuffer: ReadBuffer): number {
    if (readBuffer.closed) return FAILURE;
    const found = this.look(readBuffer);
    return found === MORE && readBuffer.failure !== undefined ? FAILURE : found;
  }

  override take(): unknown {
    if (this.inLine && (this.state === RESOLVED || this.state === REJECTED)) this.collectNow(this.from.readBuffer);
    return super.take();
  }

  private collectNow(readBuffer: ReadBuffer): void {
    // Only what a branch took can come back after it was handed over; nobody else pays for a copy.
    if (this.fiber === coroOf(this.fiber!)) this.outcome = this.collect(readBuffer, this.state === REJECTED);
    else this.lend(readBuffer);
    readBuffer.leave(this);
  }

  private lend(readBuffer: ReadBuffer): void {
    const before = readBuffer.available;
    // What is taken stays where it was until something else is read: only that is copied, however much there is.
    const all = readBuffer.peek(0, before);
    this.outcome = this.collect(readBuffer, this.state === REJECTED);
    this.lent = all.slice(0, before - readBuffer.available);
  }

  override reclaim(): void {
    if (this.inLine) {
      this.leave();
    } else if (this.lent !== null) {
      this.from.readBuffer.putBack(this.lent);
      this.lent = null;
    }
  }

  /** Why it failed, if it was not the end of the stream. */
  protected stopped(readBuffer: ReadBuffer): unknown {
    const { failure } = readBuffer;
    // Everyone gets an error of their own, with their own stack.
    return isInstance(failure, ClosedError) ? new ClosedError(failure.message) : failure;
  }
}

/** At least one byte and at most `max`; none at the end. */
export class ReadSome extends Read {
  declare readonly label: string;
  declare private readonly max: number;

  constructor(from: Readable, max: number, limit: IoLimit, label: string) {
    super(from, limit, label);
    this.label = label;
    this.max = max;
  }

  protected override look(readBuffer: ReadBuffer): number {
    return readBuffer.available > 0 || readBuffer.ended ? VALUE : MORE;
  }

  protected override collect(readBuffer: ReadBuffer, failed: boolean): unknown {
    if (failed) return this.stopped(readBuffer);
    const { available } = readBuffer;
    return readBuffer.take(this.max < available ? this.max : available);
  }
}

/** Exactly `size` bytes. */
export class ReadExactly extends Read {
  declare readonly label: string;
  declare private readonly size: number;

  constructor(from: Readable, size: number, limit: IoLimit, label: string) {
    super(from, limit, label);
    this.label = label;
    this.size = size;
  }

  protected override look(readBuffer: ReadBuffer): number {
    if (readBuffer.available >= this.size) return VALUE;
    return readBuffer.ended ? FAILURE : MORE;
  }

  protected override wanted(): number {
    return this.size;
  }

  protected override collect(readBuffer: ReadBuffer, failed: boolean): unknown {
    if (!failed) return readBuffer.take(this.size);
    if (readBuffer.failure !== undefined) return this.stopped(readBuffer);
    return endedEarly(`${this.size} bytes`, this.from, readBuffer);
  }
}

/** Everything to the end. */
export class ReadAll extends Read {
  declare readonly label: string;

  constructor(from: Readable, limit: IoLimit, label: string) {
    super(from, limit, label);
    this.label = label;
  }

  protected override look(readBuffer: ReadBuffer): number {
    return readBuffer.ended ? VALUE : MORE;
  }

  protected override collect(readBuffer: ReadBuffer, failed: boolean): unknown {
    return failed ? this.stopped(readBuffer) : readBuffer.take(readBuffer.available);
  }
}

/** Waits until everything to the end is there, and leaves it there. */
export class Drain extends ReadAll {
  constructor(from: Readable, limit: IoLimit) {
    super(from, limit, "communicate");
  }

  protected override collect(readBuffer: ReadBuffer, failed: boolean): unknown {
    return failed ? this.stopped(readBuffer) : undefined;
  }
}

/** The error of a read that the end of the stream has come too early for. It takes what came. */
export function endedEarly(what: string, from: Readable, readBuffer: ReadBuffer): EOFError {
  const partial = readBuffer.take(readBuffer.available);
  return new EOFError(`Cannot read ${what} as ${from} has ended: current length is ${partial.length}`, partial);
}

/**
 * The waits of a read buffer: for some bytes, for a number of bytes, for everything. Lines, messages and reads into the
 * caller's buffer have files of their own.
 *
 * A read checks the buffer (`ready`) and is settled without taking anything. It takes its bytes (`consume`) when its
 * outcome is handed over.
 */
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { isInstance } from "../../base/describe.ts";
import { ClosedError } from "../../base/errors.ts";
import { EOFError } from "../errors.ts";
import { REJECTED, RESOLVED } from "../../fiber/operation.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { isQueued } from "../../fiber/wait_queue.ts";
import type { Bytes } from "./byte_queue.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import { IoWait } from "../wait/io_wait.ts";
import { checkSize, type IoLimit } from "../wait/io_options.ts";

/** `ready` returns this if more bytes are needed. */
export const NOT_READY = 0;
/** `ready` returns this if there is a value. */
export const READY = 1;
/** `ready` returns this if the read can only fail. */
export const FAILED = 2;

/** An object with a read buffer: a socket, a file, an output of a child process. */
export interface Readable {
  /** @internal */
  readonly readBuffer: ReadBuffer;
  /** @internal The default timeout of a read, in seconds. */
  readonly readSeconds: number;
  /** What it reads from, in words. */
  toString(): string;
}

/** See the head of this file. */
export abstract class Read<T> extends IoWait<T> {
  declare protected readonly from: Readable;
  // Bytes that were handed over to a branch of `race` or `all`, which may give them back.
  declare private returnable: Uint8Array | null;

  constructor(from: Readable, limit: IoLimit, action: string) {
    super(limit, from.readSeconds, action);
    this.from = from;
    this.returnable = null;
  }

  /** Checks the buffer: NOT_READY, READY or FAILED. */
  protected abstract ready(readBuffer: ReadBuffer): number;

  /** Takes the bytes and returns the value. Called after `ready` has returned READY. */
  protected abstract consume(readBuffer: ReadBuffer): T;

  /**
   * Returns the error. Called after `ready` has returned FAILED, or after the host or this side has failed the read.
   */
  protected failure(readBuffer: ReadBuffer): unknown {
    const { failure } = readBuffer;
    // Each wait gets an error of its own, with its own stack.
    return isInstance(failure, ClosedError) ? new ClosedError(failure.message) : failure;
  }

  /** How many bytes there have to be before it is worth checking again; Infinity if that is not known. */
  protected wanted(_readBuffer: ReadBuffer): number {
    return Infinity;
  }

  override get waitsFor(): string {
    return `data from ${this.from}`;
  }

  protected override register(fiber: Fiber): void {
    this.from.readBuffer.enqueue(this, coroOf(fiber));
  }

  protected override unregister(): void {
    this.from.readBuffer.dequeue(this);
  }

  protected override updateKeepAlive(coro: Coro): void {
    this.from.readBuffer.updateKeepAlive(coro);
  }

  override proceed(): void {
    const { readBuffer } = this.from;
    const state = this.readyUnlessFailed(readBuffer);
    if (state === READY) this.settle(undefined);
    else if (state === FAILED) this.settleError(undefined);
    else this.fill(readBuffer);
  }

  /** Makes the host bring more. */
  protected fill(readBuffer: ReadBuffer): void {
    readBuffer.fill(this.wanted(readBuffer));
  }

  private readyUnlessFailed(readBuffer: ReadBuffer): number {
    if (readBuffer.closed) return FAILED;
    const state = this.ready(readBuffer);
    return state === NOT_READY && readBuffer.failure !== undefined ? FAILED : state;
  }

  override take(): unknown {
    const { readBuffer } = this.from;
    if ((this.state === RESOLVED || this.state === REJECTED) && isQueued(this)) {
      // Only what a branch took can be given back after it was handed over; other reads need no copy.
      if (this.fiber === coroOf(this.fiber!)) this.consumeOutcome(readBuffer);
      else this.consumeReturnably(readBuffer);
      readBuffer.dequeue(this);
    }
    return super.take();
  }

  private consumeOutcome(readBuffer: ReadBuffer): void {
    this.outcome = this.state === REJECTED ? this.failure(readBuffer) : this.consume(readBuffer);
  }

  private consumeReturnably(readBuffer: ReadBuffer): void {
    const before = readBuffer.available;
    // Bytes that are taken stay in place until the next read: so only they are copied, whatever else is in the buffer.
    const all = readBuffer.peek(0, before);
    this.consumeOutcome(readBuffer);
    this.returnable = all.slice(0, before - readBuffer.available);
  }

  override reclaim(): void {
    if (isQueued(this)) {
      this.unregister();
    } else if (this.returnable !== null) {
      this.from.readBuffer.putBack(this.returnable);
      this.returnable = null;
    }
  }
}

/** Reads from one byte to `max` bytes; none at the end. */
export class ReadSome extends Read<Bytes> {
  declare readonly label: string;
  declare private readonly max: number;

  constructor(from: Readable, max: number, limit: IoLimit, label: string) {
    super(from, limit, "read");
    this.label = label;
    this.max = max;
  }

  protected override ready(readBuffer: ReadBuffer): number {
    return readBuffer.available > 0 || readBuffer.ended ? READY : NOT_READY;
  }

  protected override consume(readBuffer: ReadBuffer): Bytes {
    const { available } = readBuffer;
    return readBuffer.take(this.max < available ? this.max : available);
  }
}

/** Reads exactly `size` bytes. */
export class ReadExactly extends Read<Bytes> {
  declare readonly label: string;
  declare private readonly size: number;

  constructor(from: Readable, size: number, limit: IoLimit, label: string) {
    super(from, limit, "read");
    this.label = label;
    this.size = size;
  }

  protected override ready(readBuffer: ReadBuffer): number {
    if (readBuffer.available >= this.size) return READY;
    return readBuffer.ended ? FAILED : NOT_READY;
  }

  protected override wanted(): number {
    return this.size;
  }

  protected override consume(readBuffer: ReadBuffer): Bytes {
    return readBuffer.take(this.size);
  }

  protected override failure(readBuffer: ReadBuffer): unknown {
    if (readBuffer.failure !== undefined) return super.failure(readBuffer);
    return endedEarly(`${this.size} bytes`, this.from, readBuffer);
  }
}

/** Reads everything to the end. */
export class ReadAll extends Read<Bytes> {
  declare readonly label: string;

  constructor(from: Readable, limit: IoLimit, label: string) {
    super(from, limit, "read");
    this.label = label;
  }

  protected override ready(readBuffer: ReadBuffer): number {
    return readBuffer.ended ? READY : NOT_READY;
  }

  protected override consume(readBuffer: ReadBuffer): Bytes {
    return readBuffer.take(readBuffer.available);
  }
}

/** Waits until everything to the end is in the buffer, and leaves it there. */
export class Drain extends Read<void> {
  constructor(from: Readable, limit: IoLimit) {
    super(from, limit, "read");
  }

  override get label(): string {
    return "communicate";
  }

  protected override ready(readBuffer: ReadBuffer): number {
    return readBuffer.ended ? READY : NOT_READY;
  }

  protected override consume(): void {}
}

/** Returns the error of a read that the end of the stream came too early for. It takes the bytes that came. */
export function endedEarly(what: string, from: Readable, readBuffer: ReadBuffer): EOFError {
  const partial = readBuffer.take(readBuffer.available);
  return new EOFError(`Cannot read ${what} as ${from} has ended: current length is ${partial.length}`, partial);
}

/** Makes a read of `size` bytes at most, or of everything if `size` is undefined. */
export function readSomeOrAll(from: Readable, size: number | undefined, limit: IoLimit, label: string): Read<Bytes> {
  if (size === undefined) return new ReadAll(from, limit, label);
  return new ReadSome(from, checkSize(size, "size", 1, "read"), limit, label);
}

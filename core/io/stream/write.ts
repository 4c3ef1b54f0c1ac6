/**
 * The waits of a write queue: to send some bytes, to send all, to end the stream. Messages have a file of their own.
 */
import { isInstance } from "../../base/describe.ts";
import { ClosedError } from "../../base/errors.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { IoWait } from "../wait/io_wait.ts";
import type { WriteQueue, Writer } from "./write_queue.ts";

/** An object with a write queue: a socket, the standard input of a child process. */
export interface Writable {
  /** @internal */
  readonly writeQueue: WriteQueue;
  /** @internal The default timeout of a write, in seconds. */
  readonly writeSeconds: number;
  /** What it writes to, in words. */
  toString(): string;
}

/** See the head of this file. */
export abstract class Write<T> extends IoWait<T> implements Writer {
  declare protected readonly to: Writable;

  constructor(to: Writable, limit: IoLimit, action: string) {
    super(limit, to.writeSeconds, action);
    this.to = to;
  }

  /** The host has taken `count` bytes. */
  abstract wrote(count: number): void;

  /** It is the first in the queue: gives bytes to the host, or is done. */
  protected abstract advance(writeQueue: WriteQueue): void;

  override get waitsFor(): string {
    return `${this.to} to take the data`;
  }

  protected override register(): void {
    const { writeQueue } = this.to;
    // The host takes bytes later even if it has room: so a write with a timeout of zero sends nothing and fails.
    if (!(this.limit <= 0) || writeQueue.failure !== undefined || writeQueue.ended) writeQueue.enqueue(this);
  }

  protected override unregister(): void {
    this.to.writeQueue.dequeue(this);
  }

  override proceed(): void {
    const { writeQueue } = this.to;
    if (writeQueue.failure !== undefined) return this.stop(writeQueue.failure);
    if (writeQueue.ended) {
      return this.stop(new ClosedError(`Cannot ${this.label} as the writing side of ${this.to} was shut down before`));
    }
    this.advance(writeQueue);
  }

  private stop(error: unknown): void {
    const { writeQueue } = this.to;
    writeQueue.waitQueue.remove(this);
    this.settleError(isInstance(error, ClosedError) ? new ClosedError(error.message) : error);
    writeQueue.serve();
  }

  /** It is done: the next in the queue starts now, and not only when this coroutine runs. */
  protected done(value: T): void {
    const { writeQueue } = this.to;
    writeQueue.waitQueue.remove(this);
    this.settle(value);
    writeQueue.serve();
  }
}

/** Gives the bytes to the host once. Its value is how many the host took. */
export class SendSome extends Write<number> {
  declare private readonly data: Uint8Array;

  constructor(to: Writable, data: Uint8Array, limit: IoLimit) {
    super(to, limit, "send");
    this.data = data;
  }

  override get label(): string {
    return "send";
  }

  protected override advance(writeQueue: WriteQueue): void {
    if (this.data.length === 0) this.done(0);
    else writeQueue.write(this.data);
  }

  override wrote(count: number): void {
    this.done(count);
  }
}

/** Gives all the bytes to the host. Its value is `result`. */
export class SendAll<T> extends Write<T> {
  declare readonly label: string;
  // Those that the host has not taken yet.
  declare private data: Uint8Array;
  declare private readonly result: T;

  constructor(to: Writable, data: Uint8Array, limit: IoLimit, label: string, result: T) {
    super(to, limit, "send");
    this.label = label;
    this.data = data;
    this.result = result;
  }

  protected override advance(writeQueue: WriteQueue): void {
    if (this.data.length === 0) this.done(this.result);
    else writeQueue.write(this.data);
  }

  override wrote(count: number): void {
    if (count === this.data.length) return this.done(this.result);
    this.data = this.data.subarray(count);
    this.proceed();
  }
}

/** Ends the stream, after all that was written before. */
export class ShutdownWrite extends Write<void> {
  constructor(to: Writable) {
    super(to, null, "shut down the writing side");
  }

  override get label(): string {
    return "shutdownWrite";
  }

  override proceed(): void {
    const { writeQueue } = this.to;
    // Shutting it down again has no effect.
    if (writeQueue.ended && writeQueue.failure === undefined) this.done(undefined);
    else super.proceed();
  }

  protected override advance(writeQueue: WriteQueue): void {
    writeQueue.end();
  }

  override wrote(): void {
    this.done(undefined);
  }
}

/**
 * The waits of an write queue: to send some, to send all, to send a message, to end the stream.
 */
import { isInstance } from "../../base/describe.ts";
import { ClosedError } from "../../base/errors.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { IoWait } from "../wait/io_wait.ts";
import type { WriteQueue, Writer } from "./write_queue.ts";

/** What a write is done on: something with an write queue and a name for messages. */
export interface Writable {
  /** @internal */
  readonly writeQueue: WriteQueue;
  /** @internal Seconds that a write may wait if nothing else is said. */
  readonly writeSeconds: number;
  /** What it writes to, in words. */
  toString(): string;
}

abstract class Write extends IoWait implements Writer {
  protected readonly to: Writable;

  constructor(to: Writable, limit: IoLimit, action: string) {
    super(limit, to.writeSeconds, action);
    this.to = to;
  }

  /** The host has taken so many bytes. */
  abstract wrote(count: number): void;

  /** It is first: gives the host its bytes, or is done. */
  protected abstract advance(writeQueue: WriteQueue): void;

  override get waitsFor(): string {
    return `room at ${this.to}`;
  }

  protected override enter(): void {
    const writeQueue = this.to.writeQueue;
    // The host answers later even if there is room: who does not wait sends nothing, and is told so.
    if (this.limit > 0 || writeQueue.failure !== undefined || writeQueue.ended) writeQueue.enter(this);
  }

  protected override leave(): void {
    this.to.writeQueue.leave(this);
  }

  override proceed(): void {
    const writeQueue = this.to.writeQueue;
    if (writeQueue.failure !== undefined) return this.#stop(writeQueue.failure);
    if (writeQueue.ended) {
      return this.#stop(new ClosedError(`Cannot ${this.label} as the writing side of ${this.to} was shut down before`));
    }
    this.advance(writeQueue);
  }

  #stop(error: unknown): void {
    this.to.writeQueue.line.remove(this);
    this.settleError(isInstance(error, ClosedError) ? new ClosedError(error.message) : error);
    this.to.writeQueue.serve();
  }

  /** Done: the next in line goes on at once, not only when this one runs. */
  protected done(value: unknown): void {
    this.to.writeQueue.line.remove(this);
    this.settle(value);
    this.to.writeQueue.serve();
  }
}

/** Gives the host the bytes once; answers how many it took. */
export class SendSome extends Write {
  readonly label = "send";
  readonly #data: Uint8Array;

  constructor(to: Writable, data: Uint8Array, limit: IoLimit) {
    super(to, limit, "send");
    this.#data = data;
  }

  protected override advance(writeQueue: WriteQueue): void {
    if (this.#data.length === 0) this.done(0);
    else writeQueue.write(this, this.#data);
  }

  override wrote(count: number): void {
    this.done(count);
  }
}

/** Gives the host all the bytes. Its value is `result`. */
export class SendAll extends Write {
  readonly label: string;
  readonly #data: Uint8Array;
  readonly #result: unknown;
  #sent = 0;

  constructor(to: Writable, data: Uint8Array, limit: IoLimit, label: string, result: unknown) {
    super(to, limit, label);
    this.label = label;
    this.#data = data;
    this.#result = result;
  }

  protected override advance(writeQueue: WriteQueue): void {
    const data = this.#data;
    const sent = this.#sent;
    if (sent >= data.length) this.done(this.#result);
    else writeQueue.write(this, sent === 0 ? data : data.subarray(sent));
  }

  override wrote(count: number): void {
    this.#sent += count;
    this.proceed();
  }
}

/** Sends a message whole: when it is pre-empted with a part of it gone, `tear` is called to close the connection. */
export class SendMessage extends Write {
  readonly label = "sendMsg";
  readonly #parts: Uint8Array[];
  readonly #tear: () => void;
  #started = false;

  constructor(to: Writable, parts: Uint8Array[], limit: IoLimit, tear: () => void) {
    super(to, limit, "send a message");
    this.#parts = parts;
    this.#tear = tear;
  }

  protected override advance(writeQueue: WriteQueue): void {
    const part = this.#parts[0];
    if (part === undefined) return this.done(undefined);
    this.#started = true;
    writeQueue.write(this, part);
  }

  override wrote(count: number): void {
    const part = this.#parts[0];
    if (count < part.length) this.#parts[0] = part.subarray(count);
    else this.#parts.shift();
    this.proceed();
  }

  override detach(): void {
    super.detach();
    if (this.#started) this.#tear();
  }
}

/** Ends the stream after what was written before. */
export class ShutdownWrite extends Write {
  readonly label = "shutdownWrite";

  constructor(to: Writable) {
    super(to, null, "shut down the writing side");
  }

  override proceed(): void {
    const writeQueue = this.to.writeQueue;
    // Doing it twice is doing it once.
    if (writeQueue.ended && writeQueue.failure === undefined) this.done(undefined);
    else super.proceed();
  }

  protected override advance(writeQueue: WriteQueue): void {
    writeQueue.end(this);
  }

  override wrote(): void {
    this.done(undefined);
  }
}

/**
 * The waits of an outlet: to send some, to send all, to send a message, to end the stream.
 */
import { isInstance } from "../../base/describe.ts";
import { ClosedError } from "../../base/errors.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { IoWait } from "../wait/io_wait.ts";
import type { Outlet, Writer } from "./write_queue.ts";

/** What a write is done on: something with an outlet and a name for messages. */
export interface Writable {
  /** @internal */
  readonly outlet: Outlet;
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
  protected abstract advance(outlet: Outlet): void;

  override get waitsFor(): string {
    return `room at ${this.to}`;
  }

  protected override enter(): void {
    const outlet = this.to.outlet;
    // The host answers later even if there is room: who does not wait sends nothing, and is told so.
    if (this.limit > 0 || outlet.failure !== undefined || outlet.ended) outlet.enter(this);
  }

  protected override leave(): void {
    this.to.outlet.leave(this);
  }

  override proceed(): void {
    const outlet = this.to.outlet;
    if (outlet.failure !== undefined) return this.#stop(outlet.failure);
    if (outlet.ended) {
      return this.#stop(new ClosedError(`Cannot ${this.label} as the writing side of ${this.to} was shut down before`));
    }
    this.advance(outlet);
  }

  #stop(error: unknown): void {
    this.to.outlet.line.remove(this);
    this.settleError(isInstance(error, ClosedError) ? new ClosedError(error.message) : error);
    this.to.outlet.serve();
  }

  /** Done: the next in line goes on at once, not only when this one runs. */
  protected done(value: unknown): void {
    this.to.outlet.line.remove(this);
    this.settle(value);
    this.to.outlet.serve();
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

  protected override advance(outlet: Outlet): void {
    if (this.#data.length === 0) this.done(0);
    else outlet.write(this, this.#data);
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

  protected override advance(outlet: Outlet): void {
    const data = this.#data;
    const sent = this.#sent;
    if (sent >= data.length) this.done(this.#result);
    else outlet.write(this, sent === 0 ? data : data.subarray(sent));
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

  protected override advance(outlet: Outlet): void {
    const part = this.#parts[0];
    if (part === undefined) return this.done(undefined);
    this.#started = true;
    outlet.write(this, part);
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
    const outlet = this.to.outlet;
    // Doing it twice is doing it once.
    if (outlet.ended && outlet.failure === undefined) this.done(undefined);
    else super.proceed();
  }

  protected override advance(outlet: Outlet): void {
    outlet.end(this);
  }

  override wrote(): void {
    this.done(undefined);
  }
}

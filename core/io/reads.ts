/**
 * The waits of an intake: for some bytes, for so many, for a line, for a message, for everything.
 *
 * Each looks at the buffer (`look`), is settled without taking anything, and takes its bytes when its outcome is
 * handed over (`collect`).
 */
import type { Coro } from "../coro.ts";
import { isInstance } from "../describe.ts";
import { ClosedError, EOFError, MessageTooLargeError } from "../errors.ts";
import { REJECTED, RESOLVED, WAITING } from "../operation.ts";
import type { Strand } from "../strand.ts";
import { toText } from "./data.ts";
import type { Intake } from "./intake.ts";
import { IoWait } from "./io_wait.ts";
import type { IoLimit } from "./limit.ts";

const MORE = 0;
const VALUE = 1;
const FAILURE = 2;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const HEADER = 4;

/** What a read is done on: something with an intake and a name for messages. */
export interface Readable {
  /** @internal */
  readonly intake: Intake;
  /** @internal Seconds that a read may wait if nothing else is said. */
  readonly readSeconds: number;
  /** What it reads from, in words. */
  toString(): string;
}

abstract class Read extends IoWait {
  protected readonly from: Readable;
  // Bytes that were handed over to a branch of `race` or `all` and may come back from there.
  #lent: Uint8Array | null = null;

  constructor(from: Readable, limit: IoLimit, action: string) {
    super(limit, from.readSeconds, action);
    this.from = from;
  }

  /** Whether there is a value in the buffer, a failure, or more is needed. */
  protected abstract look(intake: Intake): number;

  /** Takes the bytes and answers the value, or the error. */
  protected abstract collect(intake: Intake, failed: boolean): unknown;

  /** How many bytes have to be in the buffer for the next look to be worth while. */
  protected wanted(intake: Intake): number {
    return intake.available + 1;
  }

  override get waitsFor(): string {
    return `data from ${this.from}`;
  }

  protected override enter(strand: Strand): void {
    this.from.intake.enter(this, strand.owner);
  }

  protected override leave(): void {
    this.from.intake.leave(this);
  }

  protected override refer(coro: Coro): void {
    this.from.intake.refer(coro);
  }

  override proceed(): void {
    const intake = this.from.intake;
    const found = this.#lookIfOpen(intake);
    if (found === VALUE) this.settle(undefined);
    else if (found === FAILURE) this.settleError(undefined);
    else this.fill(intake);
  }

  /** Asks the host for more. */
  protected fill(intake: Intake): void {
    intake.fill(this.wanted(intake));
  }

  #lookIfOpen(intake: Intake): number {
    if (intake.closed) return FAILURE;
    const found = this.look(intake);
    return found === MORE && intake.failure !== undefined ? FAILURE : found;
  }

  override take(): unknown {
    if (this.inLine && (this.state === RESOLVED || this.state === REJECTED)) this.#collectNow(this.from.intake);
    return super.take();
  }

  #collectNow(intake: Intake): void {
    const before = intake.available;
    // Only what a branch took can come back after it was handed over; nobody else pays for a copy.
    const lending = this.strand !== this.strand!.owner ? intake.peek(0, before).slice() : null;
    this.outcome = this.collect(intake, this.state === REJECTED);
    if (lending !== null) this.#lent = lending.subarray(0, before - intake.available);
    intake.leave(this);
  }

  override reclaim(): void {
    if (this.inLine) {
      this.leave();
    } else if (this.#lent !== null) {
      this.from.intake.putBack(this.#lent);
      this.#lent = null;
    }
  }

  /** Why it failed, if it was not the end of the stream. */
  protected stopped(intake: Intake): unknown {
    const failure = intake.failure;
    // Everyone gets an error of their own, with their own stack.
    return isInstance(failure, ClosedError) ? new ClosedError(failure.message) : failure;
  }
}

/** At least one byte and at most `max`; none at the end. */
export class ReadSome extends Read {
  readonly label: string;
  readonly #max: number;

  constructor(from: Readable, max: number, limit: IoLimit, label: string) {
    super(from, limit, label);
    this.label = label;
    this.#max = max;
  }

  protected override look(intake: Intake): number {
    return intake.available > 0 || intake.ended ? VALUE : MORE;
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    if (failed) return this.stopped(intake);
    const available = intake.available;
    return intake.take(this.#max < available ? this.#max : available);
  }
}

/**
 * At least one byte into a buffer of the caller's; its value is their number, zero at the end.
 *
 * If nothing is buffered the host reads into that very buffer. When the wait is pre-empted then, the host still holds
 * it; what it brings is copied into the intake when it is there.
 */
export class ReadInto extends Read {
  readonly label = "recvInto";
  readonly #buffer: Uint8Array<ArrayBuffer>;
  // What the host has put into the buffer; -1 as long as it has not.
  #count = -1;
  // The host is reading into the buffer.
  #lent = false;

  constructor(from: Readable, buffer: Uint8Array<ArrayBuffer>, limit: IoLimit) {
    super(from, limit, "recvInto");
    this.#buffer = buffer;
  }

  protected override look(intake: Intake): number {
    if (this.#lent) return MORE;
    return intake.available > 0 || intake.ended || this.#count >= 0 ? VALUE : MORE;
  }

  protected override fill(intake: Intake): void {
    if (intake.busy) return;
    this.#lent = true;
    intake.fillInto(this.#buffer, (count) => {
      this.#lent = false;
      // What was put back meanwhile comes first.
      if (count === null || !this.inLine || this.state !== WAITING || intake.available > 0) return false;
      this.#count = count;
      return true;
    });
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    if (failed) return this.stopped(intake);
    if (this.#count >= 0) return this.#count;
    const count = Math.min(this.#buffer.length, intake.available);
    this.#buffer.set(intake.peek(0, count));
    intake.skip(count);
    return count;
  }

  override reclaim(): void {
    const returned = this.#count > 0 ? this.#buffer.slice(0, this.#count) : null;
    this.#count = -1;
    super.reclaim();
    if (returned !== null) this.from.intake.putBack(returned);
  }
}

/** Exactly `size` bytes. */
export class ReadExactly extends Read {
  readonly label: string;
  readonly #size: number;

  constructor(from: Readable, size: number, limit: IoLimit, label: string) {
    super(from, limit, label);
    this.label = label;
    this.#size = size;
  }

  protected override look(intake: Intake): number {
    if (intake.available >= this.#size) return VALUE;
    return intake.ended ? FAILURE : MORE;
  }

  protected override wanted(): number {
    return this.#size;
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    if (!failed) return intake.take(this.#size);
    if (intake.failure !== undefined) return this.stopped(intake);
    return endedEarly(`${this.#size} bytes`, this.from, intake);
  }
}

/** Everything to the end. */
export class ReadAll extends Read {
  readonly label: string;

  constructor(from: Readable, limit: IoLimit, label: string) {
    super(from, limit, label);
    this.label = label;
  }

  protected override look(intake: Intake): number {
    return intake.ended ? VALUE : MORE;
  }

  protected override wanted(): number {
    return Infinity;
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    return failed ? this.stopped(intake) : intake.take(intake.available);
  }
}

/** Waits until everything to the end is in the buffer, and leaves it there. */
export class Drain extends ReadAll {
  constructor(from: Readable, limit: IoLimit) {
    super(from, limit, "communicate");
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    return failed ? this.stopped(intake) : undefined;
  }
}

/** A line, without its end; `null` at the end of the stream. */
export class ReadLine extends Read {
  readonly label = "readline";
  readonly #max: number;
  readonly #whole: boolean;
  // Bytes known to hold no line end, and where the line ends, once known; both as of so many returns of bytes.
  #searched = 0;
  #length = -1;
  #returns = 0;

  /** `whole`: an unterminated line at the end is left where it is, as one that is still being written. */
  constructor(from: Readable, max: number, limit: IoLimit, whole = false) {
    super(from, limit, "read a line");
    this.#max = max;
    this.#whole = whole;
  }

  protected override look(intake: Intake): number {
    const available = intake.available;
    if (this.#returns !== intake.returns) {
      this.#returns = intake.returns;
      this.#searched = 0;
    }
    const at = intake.peek(this.#searched, available).indexOf(LINE_FEED);
    this.#length = at < 0 ? -1 : this.#searched + at;
    this.#searched = available;
    if (this.#length >= 0) return this.#length > this.#max ? FAILURE : VALUE;
    if (intake.ended) return VALUE;
    return available > this.#max ? FAILURE : MORE;
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    if (failed) return this.#failure(intake);
    if (this.#returns !== intake.returns) this.look(intake);
    const length = this.#length;
    if (length < 0) return this.#last(intake);
    const end = length > 0 && intake.at(length - 1) === CARRIAGE_RETURN ? length - 1 : length;
    const text = toText(intake.peek(0, end));
    intake.skip(length + 1);
    return text;
  }

  #last(intake: Intake): string | null {
    const available = intake.available;
    if (available === 0 || this.#whole) return null;
    const text = toText(intake.peek(0, available));
    intake.skip(available);
    return text;
  }

  #failure(intake: Intake): unknown {
    if (intake.failure !== undefined && (intake.closed || intake.available <= this.#max)) return this.stopped(intake);
    return new MessageTooLargeError(
      `Cannot read a line from ${this.from} as it is longer than ${this.#max} bytes: current length is at least ` +
        `${this.#length < 0 ? intake.available : this.#length}`,
    );
  }
}

/** One message with its length in front; `null` at a clean end. */
export class ReadMessage extends Read {
  readonly label = "recvMsg";
  readonly #max: number;

  constructor(from: Readable, max: number, limit: IoLimit) {
    super(from, limit, "receive a message");
    this.#max = max;
  }

  protected override look(intake: Intake): number {
    const available = intake.available;
    if (available >= HEADER) {
      const length = lengthOf(intake);
      if (length > this.#max) return FAILURE;
      if (available >= HEADER + length) return VALUE;
    }
    if (!intake.ended) return MORE;
    return available === 0 ? VALUE : FAILURE;
  }

  protected override wanted(intake: Intake): number {
    return intake.available < HEADER ? HEADER : HEADER + lengthOf(intake);
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    if (failed) return this.#failure(intake);
    if (intake.available === 0) return null;
    const length = lengthOf(intake);
    intake.skip(HEADER);
    return intake.take(length);
  }

  #failure(intake: Intake): unknown {
    if (!intake.closed && intake.available >= HEADER && lengthOf(intake) > this.#max) {
      return new MessageTooLargeError(
        `Cannot receive a message from ${this.from} as it may have ${this.#max} bytes: current length is ` +
          `${lengthOf(intake)}`,
      );
    }
    if (intake.failure !== undefined) return this.stopped(intake);
    return endedEarly("a whole message", this.from, intake);
  }
}

function lengthOf(intake: Intake): number {
  return intake.at(0) * 0x1000000 + (intake.at(1) << 16 | intake.at(2) << 8 | intake.at(3));
}

function endedEarly(what: string, from: Readable, intake: Intake): EOFError {
  const partial = intake.take(intake.available);
  return new EOFError(`Cannot read ${what} as ${from} has ended: current length is ${partial.length}`, partial);
}

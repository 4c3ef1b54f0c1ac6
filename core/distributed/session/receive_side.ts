/**
 * The operations of one session on their way from the peer.
 *
 * Invariants: an operation is passed on when its sequence number is `received + 1`, never otherwise, and `received`
 * grows before it is passed on. So each is passed on once, and in order. What has a lower number is a duplicate of a
 * resend and is dropped. What has a higher number shows a gap, is dropped too, and has the peer asked to send again.
 * An operation in parts is put together in one buffer, in order. If a part is missing, the peer resends from there; on
 * another link it begins again.
 */
import { MalformedFrameError } from "./frame.ts";
import type { Data, Part } from "./session_frames.ts";

/** Seconds after which the peer is asked again to resend, if a gap remains. */
const ASK_AGAIN = 0.5;

/** Called with an operation, valid during the call. Returns whether to go on. */
export type Deliver = (operation: Uint8Array) => boolean;

/** See the head of this file. */
export class ReceiveSide {
  /** The sequence number up to which all has been received. */
  declare received: number;
  /** How many operations were dropped as they had been received before. */
  declare duplicates: number;
  /** The bytes that have come since the last ack was written, and whether there is anything to acknowledge. */
  declare unacknowledgedBytes: number;
  /** Whether an ack is due: something has come, be it new or a duplicate. */
  declare owesAck: boolean;
  /** Whether the peer is to be asked to send again. */
  declare asksResend: boolean;
  declare private askedAt: number;
  declare private readonly maxOperation: number;
  /** The operation `received + 1`, as far as its parts have come. */
  declare private assembly: Uint8Array | null;
  declare private assembledBytes: number;

  constructor(maxOperation: number) {
    this.received = 0;
    this.duplicates = 0;
    this.unacknowledgedBytes = 0;
    this.owesAck = false;
    this.asksResend = false;
    this.askedAt = -Infinity;
    this.maxOperation = maxOperation;
    this.assembly = null;
    this.assembledBytes = 0;
  }

  /** How many bytes have come of an operation that comes in parts. */
  get assembled(): number {
    return this.assembly === null ? 0 : this.assembledBytes;
  }

  /** Takes the operations of a frame. */
  takeData(data: Data, now: number, deliver: Deliver): void {
    for (const operation of data.operations) this.checkSize(operation.length);
    const { first, operations } = data;
    for (let i = 0; i < operations.length; i++) {
      const place = this.placeOf(first + i);
      if (place > 0) return this.foundGap(now);
      if (place < 0) this.dropDuplicate();
      else if (!this.accept(operations[i], deliver)) return;
    }
  }

  /** Takes a part of an operation. */
  takePart(part: Part, now: number, deliver: Deliver): void {
    this.checkSize(part.total);
    const place = this.placeOf(part.sequence);
    if (place > 0) return this.foundGap(now);
    if (place < 0) return part.offset === 0 ? this.dropDuplicate() : undefined;
    if (part.offset === 0) {
      this.assembly = new Uint8Array(part.total);
      this.assembledBytes = 0;
    }
    if (this.assembly === null || part.offset > this.assembledBytes) return this.foundGap(now);
    if (part.total !== this.assembly.length) throw new MalformedFrameError("Parts differ about their operation");
    if (part.offset < this.assembledBytes) return;
    this.assembly.set(part.bytes, part.offset);
    this.assembledBytes += part.bytes.length;
    this.askedAt = -Infinity;
    if (this.assembledBytes === part.total) this.accept(this.assembly, deliver);
  }

  /** Takes the last sequence number that the peer has written. Finds what was lost with nothing after it. */
  checkTail(lastWritten: number, now: number): void {
    if (this.placeOf(lastWritten) >= 0) this.foundGap(now);
  }

  /** An ack has been written. */
  acknowledged(): void {
    this.unacknowledgedBytes = 0;
    this.owesAck = false;
  }

  /** Forgets what belongs to one link. */
  resume(): void {
    this.assembly = null;
    this.asksResend = false;
    this.askedAt = -Infinity;
  }

  /** Below 0: a duplicate; 0: the next; above 0: behind a gap. */
  private placeOf(sequence: number): number {
    return sequence - this.received - 1;
  }

  private accept(operation: Uint8Array, deliver: Deliver): boolean {
    this.received++;
    this.assembly = null;
    this.askedAt = -Infinity;
    this.owesAck = true;
    this.unacknowledgedBytes += operation.length;
    return deliver(operation);
  }

  private dropDuplicate(): void {
    this.duplicates++;
    this.owesAck = true;
  }

  private foundGap(now: number): void {
    if (now < this.askedAt + ASK_AGAIN) return;
    this.askedAt = now;
    this.asksResend = true;
  }

  private checkSize(bytes: number): void {
    if (bytes <= this.maxOperation) return;
    throw new MalformedFrameError(`Operation is too large: ${bytes} bytes, ${this.maxOperation} are allowed`);
  }
}

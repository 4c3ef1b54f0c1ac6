/**
 * The operations of one session on their way to the peer.
 *
 *     acknowledged         next                  assigned
 *          |                |                       |
 *     -----+----------------+-----------------------+----------------------------
 *      gone  written on this  written on a link       no sequence number yet:
 *            link             before: to be resent    may be withdrawn
 *
 * Invariants: `acknowledged < next <= assigned + 1`. An operation has a sequence number once it has been written, at
 * least in part, and keeps it and its bytes until it is acknowledged. Sequence numbers have no gaps, as what is
 * withdrawn has none. A resumption moves `next` back to what follows the acknowledged; nothing else moves it back.
 *
 * There is a second queue of the unsent, for operations in the background, such as the chunks of files. One of these gets
 * its sequence number when nothing else is to be written, so all others that are there go before it.
 */
import { Fifo } from "../../base/fifo.ts";
import { MalformedFrameError } from "./frame.ts";
import { DATA_OVERHEAD, encodeData, encodePart, OPERATION_HEADER, PART_OVERHEAD } from "./session_frames.ts";

/** The queues do not become smaller than for so many operations, so that bursts do not make them grow each time. */
const USUAL_QUEUE = 1024;

/** See the head of this file. */
export class SendSide {
  /** The sequence number up to which the peer has received. */
  declare acknowledged: number;
  /** The last sequence number that has been given out. */
  declare assigned: number;
  /** The sequence number of what is to be written next. */
  declare next: number;
  /** The bytes of the operations that are not acknowledged, whether sent or not. */
  declare queuedBytes: number;
  /** Those of them that are in the background. */
  declare backgroundBytes: number;
  /** How often an operation was written again. */
  declare resent: number;
  /** Where the next part begins of an operation that does not fit into one frame. */
  declare private offset: number;
  declare private readonly unacknowledged: Fifo<Uint8Array>;
  /** `null` in place of what was withdrawn. */
  declare private readonly unsent: Fifo<Uint8Array | null>;
  /** Unsent, too: what is written when `unsent` is empty. */
  declare private readonly background: Fifo<Uint8Array>;
  /** Those of `unacknowledged` that were in `background`. */
  declare private readonly fromBackground: Set<Uint8Array>;
  /** The ticket of the first of `unsent`. */
  declare private firstTicket: number;

  /** Starts with nothing. */
  constructor() {
    this.acknowledged = 0;
    this.assigned = 0;
    this.next = 1;
    this.queuedBytes = 0;
    this.backgroundBytes = 0;
    this.resent = 0;
    this.offset = 0;
    this.unacknowledged = new Fifo(USUAL_QUEUE);
    this.unsent = new Fifo(USUAL_QUEUE);
    this.background = new Fifo();
    this.fromBackground = new Set();
    this.firstTicket = 0;
  }

  /** Whether something can be written. */
  get hasMore(): boolean {
    return this.next <= this.assigned || this.background.length > 0 || this.firstUnsent() !== undefined;
  }

  /** Whether there is nothing to write but what is in the background. */
  get hasOnlyBackground(): boolean {
    return this.background.length > 0 && this.next > this.assigned && this.firstUnsent() === undefined;
  }

  /** The last sequence number that has been written on this link. */
  get lastWritten(): number {
    return this.next - 1;
  }

  /** Adds an operation. Returns its ticket, for `withdraw()`. */
  enqueue(operation: Uint8Array): number {
    this.unsent.push(operation);
    this.queuedBytes += operation.length;
    return this.firstTicket + this.unsent.length - 1;
  }

  /** Adds an operation that is written when nothing else is to be. */
  enqueueBackground(operation: Uint8Array): void {
    this.background.push(operation);
    this.queuedBytes += operation.length;
    this.backgroundBytes += operation.length;
  }

  /** Removes an operation that has no sequence number yet. Returns whether it had none. */
  withdraw(ticket: number): boolean {
    const index = ticket - this.firstTicket;
    const operation = index >= 0 && index < this.unsent.length ? this.unsent.at(index) : null;
    if (operation === null) return false;
    this.queuedBytes -= operation.length;
    this.unsent.replace(index, null);
    this.firstUnsent();
    return true;
  }

  /**
   * Releases what the peer has received. Returns how many operations.
   *
   * @throws {MalformedFrameError} If the peer cannot have received so much.
   */
  acknowledge(received: number): number {
    if (received > this.assigned) {
      throw new MalformedFrameError(`Ack of ${received} when ${this.assigned} was the last`);
    }
    const count = Math.max(0, received - this.acknowledged);
    for (let i = 0; i < count; i++) this.release(this.unacknowledged.shift()!);
    this.acknowledged += count;
    if (this.next <= this.acknowledged) this.goTo(this.acknowledged + 1);
    return count;
  }

  /**
   * Has all sent again that is not acknowledged.
   *
   * @param assembled How many bytes of the first operation the peer has.
   * @throws {MalformedFrameError} If it has no such operation or not so many bytes.
   */
  resume(assembled = 0): void {
    this.goTo(this.acknowledged + 1);
    if (assembled === 0) return;
    if (this.next > this.assigned || assembled >= this.upcoming(this.next)!.length) {
      throw new MalformedFrameError(`Resend after ${assembled} bytes of an operation that has not so many`);
    }
    this.offset = assembled;
  }

  /** Makes the next frame: as many operations as fit, or a part of one. There must be something to write. */
  nextFrame(maxFrame: number, sealBytes: number, ack: number): Uint8Array {
    const fits = OPERATION_HEADER + this.upcoming(this.next)!.length <= maxFrame - DATA_OVERHEAD - sealBytes;
    return fits && this.offset === 0
      ? this.nextData(maxFrame - DATA_OVERHEAD - sealBytes, sealBytes, ack)
      : this.nextPart(maxFrame - PART_OVERHEAD - sealBytes, sealBytes, ack);
  }

  /** Drops everything. */
  clear(): void {
    while (this.unacknowledged.shift() !== undefined);
    while (this.unsent.shift() !== undefined) this.firstTicket++;
    while (this.background.shift() !== undefined);
    this.fromBackground.clear();
    this.queuedBytes = 0;
    this.backgroundBytes = 0;
    this.next = this.assigned + 1;
  }

  private nextData(room: number, sealBytes: number, ack: number): Uint8Array {
    const first = this.next;
    const operations: Uint8Array[] = [];
    for (let operation; (operation = this.upcoming(this.next)) !== undefined; this.next++) {
      // One in the background has a frame of its own, so as not to be longer in the way than it must.
      if (operations.length > 0 && this.hasOnlyBackground) break;
      room -= OPERATION_HEADER + operation.length;
      if (room < 0) break;
      this.assign();
      operations.push(operation);
    }
    return encodeData({ first, ack, operations }, sealBytes);
  }

  private nextPart(room: number, sealBytes: number, ack: number): Uint8Array {
    const operation = this.upcoming(this.next)!;
    const offset = this.offset;
    // A resend may begin within an operation: it has its number then.
    if (offset === 0) this.assign();
    const bytes = operation.subarray(offset, offset + room);
    const sequence = this.next;
    this.offset += bytes.length;
    if (this.offset === operation.length) this.goTo(sequence + 1);
    return encodePart({ sequence, ack, total: operation.length, offset, bytes }, sealBytes);
  }

  /** Gives `next` to the first of the unsent, unless an operation has it. */
  private assign(): void {
    if (this.next <= this.assigned) {
      this.resent++;
      return;
    }
    this.unacknowledged.push(this.takeUnsent());
    this.assigned++;
  }

  private takeUnsent(): Uint8Array {
    const operation = this.firstUnsent();
    if (operation === undefined) {
      const last = this.background.shift()!;
      this.fromBackground.add(last);
      return last;
    }
    this.unsent.shift();
    this.firstTicket++;
    return operation;
  }

  private release(operation: Uint8Array): void {
    this.queuedBytes -= operation.length;
    if (this.fromBackground.size > 0 && this.fromBackground.delete(operation)) this.backgroundBytes -= operation.length;
  }

  /** The operation that has a sequence number, or is to have it next. */
  private upcoming(sequence: number): Uint8Array | undefined {
    if (sequence <= this.assigned) return this.unacknowledged.at(sequence - this.acknowledged - 1);
    const operation = this.firstUnsent();
    return operation === undefined && this.background.length > 0 ? this.background.at(0) : operation;
  }

  /** The first of `unsent`, after what was withdrawn. */
  private firstUnsent(): Uint8Array | undefined {
    while (this.unsent.length > 0) {
      const operation = this.unsent.at(0);
      if (operation !== null) return operation;
      this.unsent.shift();
      this.firstTicket++;
    }
    return undefined;
  }

  private goTo(sequence: number): void {
    this.next = sequence;
    this.offset = 0;
  }
}

import { WAITING } from "../../fiber/operation.ts";
import type { Borrower, ReadBuffer } from "./read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { MORE, Read, type Readable, VALUE } from "./read.ts";

/**
 * At least one byte into a buffer of the caller's; its value is their number, zero at the end.
 *
 * If nothing has come yet the host reads into that very buffer. When the wait is pre-empted then, the host still holds
 * it; what it brings is copied into the read buffer when it is there.
 */
export class ReadInto extends Read implements Borrower {
  declare readonly buffer: Uint8Array<ArrayBuffer>;
  // What the host has put into the buffer; -1 as long as it has not.
  declare private count: number;
  // The host is reading into the buffer.
  declare private reading: boolean;

  constructor(from: Readable, buffer: Uint8Array<ArrayBuffer>, limit: IoLimit) {
    super(from, limit, "recvInto");
    this.buffer = buffer;
    this.count = -1;
    this.reading = false;
  }

  override get label(): string {
    return "recvInto";
  }

  protected override look(readBuffer: ReadBuffer): number {
    if (this.reading) return MORE;
    return readBuffer.available > 0 || readBuffer.ended || this.count >= 0 ? VALUE : MORE;
  }

  protected override fill(readBuffer: ReadBuffer): void {
    if (readBuffer.busy) return;
    this.reading = true;
    readBuffer.fillInto(this);
  }

  /** See {@linkcode Borrower.received}. */
  received(count: number | null): boolean {
    this.reading = false;
    // What was put back meanwhile comes first.
    if (count === null || !this.inLine || this.state !== WAITING || this.from.readBuffer.available > 0) return false;
    this.count = count;
    return true;
  }

  protected override collect(readBuffer: ReadBuffer, failed: boolean): unknown {
    if (failed) return this.stopped(readBuffer);
    if (this.count >= 0) return this.count;
    const count = Math.min(this.buffer.length, readBuffer.available);
    this.buffer.set(readBuffer.peek(0, count));
    readBuffer.skip(count);
    return count;
  }

  override reclaim(): void {
    const returned = this.count > 0 ? this.buffer.slice(0, this.count) : null;
    this.count = -1;
    super.reclaim();
    if (returned !== null) this.from.readBuffer.putBack(returned);
  }
}

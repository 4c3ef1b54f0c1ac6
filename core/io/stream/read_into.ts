import { WAITING } from "../../fiber/operation.ts";
import { isQueued } from "../../fiber/wait_queue.ts";
import type { DirectRead, ReadBuffer } from "./read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { NOT_READY, Read, type Readable, READY } from "./read.ts";

/**
 * Reads at least one byte into the caller's buffer. Its value is the number of bytes, zero at the end.
 *
 * If the read buffer is empty, the host reads directly into the caller's buffer. If the wait is pre-empted meanwhile,
 * the host keeps the caller's buffer until it has read something, which is then copied into the read buffer.
 */
export class ReadInto extends Read<number> implements DirectRead {
  declare readonly buffer: Uint8Array<ArrayBuffer>;
  // How many bytes the host has put into the buffer; -1 before that.
  declare private hostCount: number;
  // The host is reading into the buffer.
  declare private reading: boolean;

  constructor(from: Readable, buffer: Uint8Array<ArrayBuffer>, limit: IoLimit) {
    super(from, limit, "read");
    this.buffer = buffer;
    this.hostCount = -1;
    this.reading = false;
  }

  override get label(): string {
    return "recvInto";
  }

  protected override ready(readBuffer: ReadBuffer): number {
    if (this.reading) return NOT_READY;
    return readBuffer.available > 0 || readBuffer.ended || this.hostCount >= 0 ? READY : NOT_READY;
  }

  protected override fill(readBuffer: ReadBuffer): void {
    if (readBuffer.busy) return;
    this.reading = true;
    readBuffer.fillDirectly(this);
  }

  /** See {@linkcode DirectRead.received}. */
  received(count: number | null): boolean {
    const { readBuffer } = this.from;
    this.reading = false;
    // Bytes that were put back meanwhile come first.
    if (count === null || this.state !== WAITING || !isQueued(this) || readBuffer.available > 0) {
      return false;
    }
    this.hostCount = count;
    return true;
  }

  protected override consume(readBuffer: ReadBuffer): number {
    if (this.hostCount >= 0) return this.hostCount;
    const count = Math.min(this.buffer.length, readBuffer.available);
    this.buffer.set(readBuffer.peek(0, count));
    readBuffer.skip(count);
    return count;
  }

  override reclaim(): void {
    const returned = this.hostCount > 0 ? this.buffer.slice(0, this.hostCount) : null;
    this.hostCount = -1;
    super.reclaim();
    if (returned !== null) this.from.readBuffer.putBack(returned);
  }
}

import { WAITING } from "../../fiber/operation.ts";
import { isQueued } from "../../fiber/wait_queue.ts";
import type { DirectRead, ReadBuffer } from "./read_buffer.ts";
import { checkSize, type IoLimit } from "../wait/io_options.ts";
import { describe } from "../../base/describe.ts";
import { FAILED, NOT_READY, Read, type Readable, READY } from "./read.ts";

/**
 * Reads at least one byte into the caller's buffer. Its value is the number of bytes, zero at the end.
 *
 * If the read buffer is empty, the host reads directly into the caller's buffer. If the wait is pre-empted meanwhile,
 * the host keeps the caller's buffer until it has read something, which is then copied into the read buffer.
 *
 * The caller may detach the buffer at any moment. So the bytes are put there when the wait is settled, unlike those of
 * other reads: what comes after that cannot fail.
 */
export class ReadInto extends Read<number> implements DirectRead {
  declare readonly buffer: Uint8Array<ArrayBuffer>;
  // How many bytes were put into the buffer; -1 before that.
  declare private filled: number;
  // The host is reading into the buffer.
  declare private reading: boolean;

  constructor(from: Readable, buffer: Uint8Array<ArrayBuffer>, limit: IoLimit) {
    super(from, limit, "read");
    this.buffer = buffer;
    this.filled = -1;
    this.reading = false;
  }

  override get label(): string {
    return "recvInto";
  }

  protected override ready(readBuffer: ReadBuffer): number {
    if (this.reading) return NOT_READY;
    if (this.filled >= 0) return READY;
    const { buffer } = this;
    // The host would take a read of zero bytes for the end of the stream.
    if (buffer.length === 0) return FAILED;
    const { available } = readBuffer;
    if (available === 0 && !readBuffer.ended) return NOT_READY;
    const count = Math.min(buffer.length, available);
    buffer.set(readBuffer.peek(0, count));
    readBuffer.skip(count);
    this.filled = count;
    return READY;
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
    if (count === null || count === 0) return true;
    // Bytes that were put back meanwhile come first.
    if (this.state !== WAITING || !isQueued(this) || readBuffer.available > 0) return false;
    this.filled = count;
    return true;
  }

  protected override consume(): number {
    return this.filled;
  }

  protected override failure(readBuffer: ReadBuffer): unknown {
    if (readBuffer.closed || this.buffer.length > 0) return super.failure(readBuffer);
    return new TypeError(
      "Cannot read as 'buffer' was detached before it was filled: current length is 0, keep it until the read ends",
    );
  }

  override reclaim(): void {
    const count = this.filled;
    const { readBuffer } = this.from;
    this.filled = -1;
    // Before the next wait is served.
    if (count > 0) readBuffer.putBack(readBuffer.unused(this.buffer, count));
    super.reclaim();
  }
}

/**
 * Returns the buffer unchanged.
 *
 * @throws {TypeError} If it is not a Uint8Array, or may shrink.
 * @throws {RangeError} If it is empty.
 */
export function checkBuffer(buffer: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (!(buffer instanceof Uint8Array)) {
    throw new TypeError(`Cannot read as 'buffer' must be a Uint8Array: current value is ${describe(buffer)}`);
  }
  if ((buffer.buffer as { readonly resizable?: boolean }).resizable) {
    throw new TypeError(
      "Cannot read as 'buffer' must have a fixed length: current value is a view of a resizable ArrayBuffer",
    );
  }
  checkSize(buffer.length, "buffer.length", 1, "read");
  return buffer;
}

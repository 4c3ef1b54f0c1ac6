import { MessageTooLargeError } from "../../base/errors.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { endedEarly, FAILURE, MORE, Read, type Readable, VALUE } from "./read.ts";

const HEADER = 4;

/** One message with its length in front; `null` at a clean end. */
export class ReadMessage extends Read {
  declare private readonly max: number;

  constructor(from: Readable, max: number, limit: IoLimit) {
    super(from, limit, "receive a message");
    this.max = max;
  }

  override get label(): string {
    return "recvMsg";
  }

  protected override look(readBuffer: ReadBuffer): number {
    const { available } = readBuffer;
    if (available >= HEADER) {
      const length = lengthOf(readBuffer);
      if (length > this.max) return FAILURE;
      if (available >= HEADER + length) return VALUE;
    }
    if (!readBuffer.ended) return MORE;
    return available === 0 ? VALUE : FAILURE;
  }

  protected override wanted(readBuffer: ReadBuffer): number {
    return readBuffer.available < HEADER ? HEADER : HEADER + lengthOf(readBuffer);
  }

  protected override collect(readBuffer: ReadBuffer, failed: boolean): unknown {
    if (failed) return this.failure(readBuffer);
    if (readBuffer.available === 0) return null;
    const length = lengthOf(readBuffer);
    readBuffer.skip(HEADER);
    return readBuffer.take(length);
  }

  private failure(readBuffer: ReadBuffer): unknown {
    if (!readBuffer.closed && readBuffer.available >= HEADER && lengthOf(readBuffer) > this.max) {
      return new MessageTooLargeError(
        `Cannot receive a message from ${this.from} as it may have ${this.max} bytes: current length is ` +
          `${lengthOf(readBuffer)}`,
      );
    }
    if (readBuffer.failure !== undefined) return this.stopped(readBuffer);
    return endedEarly("a whole message", this.from, readBuffer);
  }
}

function lengthOf(readBuffer: ReadBuffer): number {
  return readBuffer.at(0) * 0x1000000 + (readBuffer.at(1) << 16 | readBuffer.at(2) << 8 | readBuffer.at(3));
}

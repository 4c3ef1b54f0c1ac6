import { MessageTooLargeError } from "../errors.ts";
import type { Bytes } from "./byte_queue.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { endedEarly, FAILED, NOT_READY, Read, type Readable, READY } from "./read.ts";

const HEADER = 4;

/** Reads a message that is preceded by its length; `null` if the stream has ended after a whole message. */
export class ReadMessage extends Read<Bytes | null> {
  declare private readonly max: number;

  constructor(from: Readable, max: number, limit: IoLimit) {
    super(from, limit, "receive a message");
    this.max = max;
  }

  override get label(): string {
    return "recvMsg";
  }

  protected override ready(readBuffer: ReadBuffer): number {
    const { available } = readBuffer;
    if (available >= HEADER) {
      const length = lengthOf(readBuffer);
      if (length > this.max) return FAILED;
      if (available >= HEADER + length) return READY;
    }
    if (!readBuffer.ended) return NOT_READY;
    return available === 0 ? READY : FAILED;
  }

  protected override wanted(readBuffer: ReadBuffer): number {
    return readBuffer.available < HEADER ? HEADER : HEADER + lengthOf(readBuffer);
  }

  protected override consume(readBuffer: ReadBuffer): Bytes | null {
    if (readBuffer.available === 0) return null;
    const length = lengthOf(readBuffer);
    readBuffer.skip(HEADER);
    return readBuffer.take(length);
  }

  protected override failure(readBuffer: ReadBuffer): unknown {
    if (!readBuffer.closed && readBuffer.available >= HEADER && lengthOf(readBuffer) > this.max) {
      return new MessageTooLargeError(
        `Cannot receive a message from ${this.from} as it is longer than the limit of ${this.max} bytes: ` +
          `current length is ${lengthOf(readBuffer)}`,
      );
    }
    if (readBuffer.failure !== undefined) return super.failure(readBuffer);
    return endedEarly("a whole message", this.from, readBuffer);
  }
}

function lengthOf(readBuffer: ReadBuffer): number {
  return readBuffer.at(0) * 0x1000000 + (readBuffer.at(1) << 16 | readBuffer.at(2) << 8 | readBuffer.at(3));
}

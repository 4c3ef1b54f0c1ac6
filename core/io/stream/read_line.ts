import { MessageTooLargeError } from "../errors.ts";
import { toText } from "./bytes.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { FAILED, NOT_READY, Read, type Readable, READY } from "./read.ts";

const CARRIAGE_RETURN = 13;

/** Reads a line without its line end; `null` at the end of the stream. */
export class ReadLine extends Read<string | null> {
  declare private readonly max: number;
  declare private readonly terminatedOnly: boolean;

  /** `terminatedOnly`: a last line without a line end stays in the buffer, as it is still being written. */
  constructor(from: Readable, max: number, limit: IoLimit, terminatedOnly = false) {
    super(from, limit, "read a line");
    this.max = max;
    this.terminatedOnly = terminatedOnly;
  }

  override get label(): string {
    return "readline";
  }

  protected override ready(readBuffer: ReadBuffer): number {
    const length = readBuffer.lineFeed();
    if ((length < 0 ? readBuffer.available : length) > this.max) return FAILED;
    return length >= 0 || readBuffer.ended ? READY : NOT_READY;
  }

  protected override consume(readBuffer: ReadBuffer): string | null {
    const length = readBuffer.lineFeed();
    if (length < 0) return this.consumeLast(readBuffer);
    const end = length > 0 && readBuffer.at(length - 1) === CARRIAGE_RETURN ? length - 1 : length;
    const text = toText(readBuffer.peek(0, end));
    readBuffer.skip(length + 1);
    return text;
  }

  private consumeLast(readBuffer: ReadBuffer): string | null {
    const { available } = readBuffer;
    if (available === 0 || this.terminatedOnly) return null;
    const text = toText(readBuffer.peek(0, available));
    readBuffer.skip(available);
    return text;
  }

  protected override failure(readBuffer: ReadBuffer): unknown {
    if (readBuffer.failure !== undefined && (readBuffer.closed || readBuffer.available <= this.max)) {
      return super.failure(readBuffer);
    }
    const length = readBuffer.lineFeed();
    return new MessageTooLargeError(
      `Cannot read a line from ${this.from} as it is longer than ${this.max} bytes: current length is at least ` +
        `${length < 0 ? readBuffer.available : length}`,
    );
  }
}

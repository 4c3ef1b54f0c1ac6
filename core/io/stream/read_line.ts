import { MessageTooLargeError } from "../../base/errors.ts";
import { toText } from "./bytes.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { FAILURE, MORE, Read, type Readable, VALUE } from "./read.ts";

const CARRIAGE_RETURN = 13;

/** A line, without its end; `null` at the end of the stream. */
export class ReadLine extends Read {
  declare private readonly max: number;
  declare private readonly whole: boolean;

  /** `whole`: an unterminated line at the end is left where it is, as one that is still being written. */
  constructor(from: Readable, max: number, limit: IoLimit, whole = false) {
    super(from, limit, "read a line");
    this.max = max;
    this.whole = whole;
  }

  override get label(): string {
    return "readline";
  }

  protected override look(readBuffer: ReadBuffer): number {
    const length = readBuffer.lineFeed();
    if ((length < 0 ? readBuffer.available : length) > this.max) return FAILURE;
    return length >= 0 || readBuffer.ended ? VALUE : MORE;
  }

  protected override collect(readBuffer: ReadBuffer, failed: boolean): unknown {
    if (failed) return this.failure(readBuffer);
    const length = readBuffer.lineFeed();
    if (length < 0) return this.last(readBuffer);
    const end = length > 0 && readBuffer.at(length - 1) === CARRIAGE_RETURN ? length - 1 : length;
    const text = toText(readBuffer.peek(0, end));
    readBuffer.skip(length + 1);
    return text;
  }

  private last(readBuffer: ReadBuffer): string | null {
    const { available } = readBuffer;
    if (available === 0 || this.whole) return null;
    const text = toText(readBuffer.peek(0, available));
    readBuffer.skip(available);
    return text;
  }

  private failure(readBuffer: ReadBuffer): unknown {
    if (readBuffer.failure !== undefined && (readBuffer.closed || readBuffer.available <= this.max)) {
      return this.stopped(readBuffer);
    }
    const length = readBuffer.lineFeed();
    return new MessageTooLargeError(
      `Cannot read a line from ${this.from} as it is longer than ${this.max} bytes: current length is at least ` +
        `${length < 0 ? readBuffer.available : length}`,
    );
  }
}

import { MessageTooLargeError } from "../../base/errors.ts";
import { toText } from "./bytes.ts";
import type { Intake } from "./read_buffer.ts";
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

  protected override look(intake: Intake): number {
    const length = intake.lineFeed();
    if ((length < 0 ? intake.available : length) > this.max) return FAILURE;
    return length >= 0 || intake.ended ? VALUE : MORE;
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    if (failed) return this.failure(intake);
    const length = intake.lineFeed();
    if (length < 0) return this.last(intake);
    const end = length > 0 && intake.at(length - 1) === CARRIAGE_RETURN ? length - 1 : length;
    const text = toText(intake.peek(0, end));
    intake.skip(length + 1);
    return text;
  }

  private last(intake: Intake): string | null {
    const { available } = intake;
    if (available === 0 || this.whole) return null;
    const text = toText(intake.peek(0, available));
    intake.skip(available);
    return text;
  }

  private failure(intake: Intake): unknown {
    if (intake.failure !== undefined && (intake.closed || intake.available <= this.max)) return this.stopped(intake);
    const length = intake.lineFeed();
    return new MessageTooLargeError(
      `Cannot read a line from ${this.from} as it is longer than ${this.max} bytes: current length is at least ` +
        `${length < 0 ? intake.available : length}`,
    );
  }
}

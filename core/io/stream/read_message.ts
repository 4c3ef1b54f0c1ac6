import { MessageTooLargeError } from "../../base/errors.ts";
import type { Intake } from "./read_buffer.ts";
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

  protected override look(intake: Intake): number {
    const { available } = intake;
    if (available >= HEADER) {
      const length = lengthOf(intake);
      if (length > this.max) return FAILURE;
      if (available >= HEADER + length) return VALUE;
    }
    if (!intake.ended) return MORE;
    return available === 0 ? VALUE : FAILURE;
  }

  protected override wanted(intake: Intake): number {
    return intake.available < HEADER ? HEADER : HEADER + lengthOf(intake);
  }

  protected override collect(intake: Intake, failed: boolean): unknown {
    if (failed) return this.failure(intake);
    if (intake.available === 0) return null;
    const length = lengthOf(intake);
    intake.skip(HEADER);
    return intake.take(length);
  }

  private failure(intake: Intake): unknown {
    if (!intake.closed && intake.available >= HEADER && lengthOf(intake) > this.max) {
      return new MessageTooLargeError(
        `Cannot receive a message from ${this.from} as it may have ${this.max} bytes: current length is ` +
          `${lengthOf(intake)}`,
      );
    }
    if (intake.failure !== undefined) return this.stopped(intake);
    return endedEarly("a whole message", this.from, intake);
  }
}

function lengthOf(intake: Intake): number {
  return intake.at(0) * 0x1000000 + (intake.at(1) << 16 | intake.at(2) << 8 | intake.at(3));
}

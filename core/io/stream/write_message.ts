import type { IoLimit } from "../wait/io_options.ts";
import { type Writable, Write } from "./write.ts";
import type { WriteQueue } from "./write_queue.ts";

const HEADER = 4;
// A longer message is not copied behind its length, but written after it.
const MAX_JOINED = 131_072;

/** Sends a whole message, after its length. If it is pre-empted when a part may have gone, it calls `cutShort`. */
export class SendMessage extends Write<void> {
  // What is left of the length and the data, or of the data.
  declare private part: Uint8Array;
  // Data that follows it; `null` if none does.
  declare private data: Uint8Array | null;
  declare private readonly cutShort: () => void;
  declare private started: boolean;

  constructor(to: Writable, data: Uint8Array, limit: IoLimit, cutShort: () => void) {
    super(to, limit, "send a message");
    const joined = data.length <= MAX_JOINED;
    this.part = frame(data, joined);
    this.data = joined ? null : data;
    this.cutShort = cutShort;
    this.started = false;
  }

  override get label(): string {
    return "sendMsg";
  }

  protected override advance(writeQueue: WriteQueue): void {
    this.started = true;
    writeQueue.write(this.part);
  }

  override wrote(count: number): void {
    const { part, data } = this;
    if (count < part.length) {
      this.part = part.subarray(count);
    } else {
      if (data === null) return this.done(undefined);
      this.part = data;
      this.data = null;
    }
    this.proceed();
  }

  override detach(): void {
    super.detach();
    if (this.started) this.cutShort();
  }
}

/** Returns the length of the data, and the data itself if it is to be joined. */
function frame(data: Uint8Array, joined: boolean): Uint8Array {
  const { length } = data;
  const head = new Uint8Array(HEADER + (joined ? length : 0));
  head[0] = length >>> 24;
  head[1] = length >>> 16;
  head[2] = length >>> 8;
  head[3] = length;
  if (joined) head.set(data, HEADER);
  return head;
}

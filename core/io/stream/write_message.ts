import type { IoLimit } from "../wait/io_options.ts";
import { type Writable, Write } from "./write.ts";
import type { WriteQueue } from "./write_queue.ts";

const HEADER = 4;
// A longer message is not copied behind its length, but written after it.
const MAX_JOINED = 131_072;

/** Sends a whole message, after its length. If it is pre-empted when a part may have gone, it calls `cutShort`. */
export class SendMessage extends Write<void> {
  readonly label = "sendMsg";
  readonly #parts: Uint8Array[];
  readonly #cutShort: () => void;
  #started = false;

  constructor(to: Writable, data: Uint8Array, limit: IoLimit, cutShort: () => void) {
    super(to, limit, "send a message");
    this.#parts = frame(data);
    this.#cutShort = cutShort;
  }

  protected override advance(writeQueue: WriteQueue): void {
    const part = this.#parts[0];
    if (part === undefined) return this.done(undefined);
    this.#started = true;
    writeQueue.write(this, part);
  }

  override wrote(count: number): void {
    const part = this.#parts[0];
    if (count < part.length) this.#parts[0] = part.subarray(count);
    else this.#parts.shift();
    this.proceed();
  }

  override detach(): void {
    super.detach();
    if (this.#started) this.#cutShort();
  }
}

/** Returns the length and the data, in one piece if the copy costs less than a second write. */
function frame(data: Uint8Array): Uint8Array[] {
  const joined = data.length <= MAX_JOINED;
  const head = new Uint8Array(HEADER + (joined ? data.length : 0));
  new DataView(head.buffer).setUint32(0, data.length);
  if (!joined) return [head, data];
  head.set(data, HEADER);
  return [head];
}

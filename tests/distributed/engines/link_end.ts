/** One end of a link under test: it records what the link does, and checks that the link calls nobody at a wrong time. */
import type { Link } from "../../../core/distributed/engine.ts";
import { FrameWriter } from "../../../core/distributed/session/frame.ts";
import { FrameSplitter } from "../../../core/distributed/session/frame_splitter.ts";

// A link is being called: no callback of any link may be called meanwhile.
let calling = false;

/** Makes a frame with so many bytes in all, whose content depends on `seed`. */
export function frameOf(bytes: number, seed: number): Uint8Array {
  const { frame } = new FrameWriter(5, bytes - 5);
  for (let i = 5; i < bytes; i++) frame[i] = seed + 31 * i + (i >> 8);
  return frame;
}

/** See the head of this file. */
export class LinkEnd {
  readonly link: Link;
  /** Copies of the whole frames that have come. */
  readonly frames: Uint8Array[] = [];
  /** How the link has ended, one entry for each call of `closed`. */
  readonly ends: (Error | null)[] = [];
  /** How often `drained` was called. */
  drains = 0;
  /** Called for each frame, after it was recorded. */
  onFrame: () => void = () => {};
  /** Called by `drained`. */
  onDrained: () => void = () => {};
  /** Called by `closed`. */
  onClosed: () => void = () => {};
  /** What the link has done wrong. */
  readonly faults: string[] = [];
  readonly #splitter = new FrameSplitter();
  #closed = false;

  constructor(link: Link) {
    this.link = link;
    this.#splitter.limit = Infinity;
  }

  /** Whether `start` was not called, or the link has neither ended nor been closed. */
  get open(): boolean {
    return !this.#closed && this.ends.length === 0;
  }

  start(): void {
    this.#call(() =>
      this.link.start(
        (bytes) => this.#called("frame", () => this.#splitter.push(bytes, (frame) => this.#take(frame))),
        () => this.#called("drained", () => (this.drains++, this.onDrained())),
        (reason) => this.#called("closed", () => (this.ends.push(reason), this.onClosed())),
      )
    );
  }

  write(frame: Uint8Array): void {
    this.#call(() => this.link.write(frame));
  }

  close(): void {
    this.#call(() => this.link.close());
    this.#closed = true;
    this.#splitter.stop();
  }

  #take(frame: Uint8Array): void {
    this.frames.push(frame.slice());
    this.onFrame();
  }

  #call(act: () => void): void {
    const outer = calling;
    calling = true;
    try {
      act();
    } finally {
      calling = outer;
    }
  }

  #called(name: string, act: () => void): void {
    if (calling) this.faults.push(`${name} was called from within a call of a link`);
    if (this.#closed) this.faults.push(`${name} was called after close()`);
    else if (this.ends.length > 0) this.faults.push(`${name} was called after closed`);
    act();
  }
}

/**
 * A link between two threads of the process: a message port.
 *
 *     dialer                           acceptor
 *        | ---- port, see threads.ts ----> |
 *        | <---------- ACCEPTED ---------- |
 *        | <-------- ArrayBuffers -------> |    frames, transferred
 *        | <----------- CLOSED ----------> |    from the side that closes
 *
 * A port that closes without `CLOSED` belonged to a thread that has ended. What was posted before arrives before that.
 */
import type { Port } from "../../host/worker_threads.ts";
import type { Link } from "../engine.ts";
import { PeerEndedError } from "../errors.ts";

/** The bytes of the longest frame. To post one costs 10 microseconds, so longer ones would gain nothing. */
const MAX_FRAME = 256 * 1024;
/** So many bytes are posted at once. */
const GATHERED = 64 * 1024;

const ACCEPTED = true;
const CLOSED = null;

/** The callbacks of a link that was started. */
interface Callbacks {
  readonly frame: (bytes: Uint8Array) => void;
  readonly closed: (reason: Error | null) => void;
}

/** See the head of this file. */
export class ThreadLink implements Link {
  readonly maxFrame = MAX_FRAME;
  readonly #port: Port;
  #callbacks: Callbacks | null = null;
  /** Frames that were not posted yet, and their bytes. */
  #written: Uint8Array[] = [];
  #writtenBytes = 0;
  /** What was not passed on yet. */
  #arrived: ArrayBuffer[] = [];
  /** Why the other side has ended the link; `undefined` while it has not. */
  #end: Error | null | undefined = undefined;
  /** Whether this side has closed it, or was told of its end. */
  #isOver = false;

  private constructor(port: Port) {
    this.#port = port;
    port.on("message", (message: ArrayBuffer | null) => this.#take(message));
    port.on("close", () => this.#ended(new PeerEndedError("The thread of the peer has ended")));
    port.unref();
  }

  /** Accepts the port that another thread has sent. */
  static accept(port: Port): ThreadLink {
    port.postMessage(ACCEPTED);
    return new ThreadLink(port);
  }

  /** Waits until another thread has accepted the other end of a port. Returns `null` if none does. */
  static open(port: Port): Promise<ThreadLink | null> {
    return new Promise((resolve) => {
      port.once("message", () => resolve(new ThreadLink(port)));
      port.once("close", () => {
        port.close();
        resolve(null);
      });
      port.unref();
    });
  }

  /** Little: a port does not tell what has left it. The session limits what is not acknowledged. */
  get queued(): number {
    return this.#writtenBytes;
  }

  start(frame: (bytes: Uint8Array) => void, _drained: () => void, closed: (reason: Error | null) => void): void {
    this.#callbacks = { frame, closed };
    // Not from within this call.
    queueMicrotask(() => this.#pass());
  }

  write(frame: Uint8Array): void {
    if (this.#isOver || this.#end !== undefined) return;
    if (this.#written.length === 0) queueMicrotask(() => this.#post());
    this.#written.push(frame);
    this.#writtenBytes += frame.length;
    if (this.#writtenBytes >= GATHERED) this.#post();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#arrived = [];
    if (this.#end !== undefined) return;
    this.#post();
    this.#port.postMessage(CLOSED);
    this.#port.close();
  }

  /** Posts what was written since the last time: once a slice of the run loop, however many turns it has. */
  #post(): void {
    const frames = this.#written;
    if (frames.length === 0) return;
    const buffer = frames.length === 1 ? wholeBuffer(frames[0]) : joined(frames, this.#writtenBytes);
    this.#drop();
    this.#port.postMessage(buffer, [buffer]);
  }

  #drop(): void {
    this.#written = [];
    this.#writtenBytes = 0;
  }

  #take(message: ArrayBuffer | null): void {
    if (message === CLOSED) return this.#ended(null);
    this.#arrived.push(message);
    this.#pass();
  }

  #ended(reason: Error | null): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#drop();
    this.#port.close();
    this.#pass();
  }

  /** Passes on what has come. A callback may close the link. */
  #pass(): void {
    if (this.#callbacks === null) return;
    for (let next; !this.#isOver && (next = this.#arrived.shift()) !== undefined;) {
      this.#callbacks.frame(new Uint8Array(next));
    }
    if (this.#isOver || this.#end === undefined) return;
    this.#isOver = true;
    this.#callbacks.closed(this.#end);
  }
}

/** The buffer of a frame that nothing else shares. */
function wholeBuffer(frame: Uint8Array): ArrayBufferLike {
  return frame.length === frame.buffer.byteLength ? frame.buffer : frame.slice().buffer;
}

function joined(frames: readonly Uint8Array[], bytes: number): ArrayBuffer {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all.buffer;
}

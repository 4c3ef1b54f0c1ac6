/**
 * A link over a stream connection, TCP or TLS.
 *
 *     open --close()--> closing --all is sent, and the peer has ended or time is up--> closed
 *     open --the peer ends, or an error--> closed
 *
 * Closing takes two steps because of TCP: a connection that is closed while bytes of the peer have not been read is
 * reset, and what this side has written is lost on the way. So the link ends its own stream after the last frame, and
 * reads, without using it, what the peer sends until that has ended its stream, too.
 *
 * An open link does not keep the process alive, but for bytes that the host has been given and the peer does not take:
 * Deno has no means to let a process end in spite of a write. A closing link does, until all is sent: for
 * `CLOSING_SECONDS` at most.
 */
import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import { ReadSize } from "../../io/stream/read_size.ts";
import type { Link } from "../engine.ts";
import { FrameQueue } from "./frame_queue.ts";

/** A connection of the host's, or a `TlsConn` over one. */
export interface StreamConn {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** Seconds after `close()` in which what was written before may still be sent. */
export const CLOSING_SECONDS = 5;

/** `drained` is called when no more bytes than this are queued, after there were more. */
export const LOW_WATER: number = 256 * 1024;

// The bytes of the first read, and those of reads that are filled: more do not make it faster.
const LEAST_READ = 2048;
const GREATEST_READ = 256 * 1024;

interface Callbacks {
  frame(bytes: Uint8Array): void;
  drained(): void;
  closed(reason: Error | null): void;
}

/** See the head of this file. */
export class TcpLink implements Link {
  /** A stream takes frames of any length. */
  readonly maxFrame: number = Infinity;
  private readonly conn: StreamConn;
  private state: "open" | "closing" | "closed" = "open";
  private callbacks: Callbacks | null = null;
  // Why the link has ended by itself, until `closed` is called.
  private end: { readonly reason: Error | null } | null = null;
  private readonly readSize = new ReadSize(LEAST_READ, GREATEST_READ);
  private buffer: Uint8Array<ArrayBuffer> = new Uint8Array(LEAST_READ);
  // The peer has ended its stream, and this side has.
  private received = false;
  private sent = false;
  private readonly waiting = new FrameQueue();
  // What the host is writing.
  private writing: Uint8Array | null = null;
  private queuedBytes = 0;
  private aboveLowWater = false;
  private hasWritten = false;
  private closingTimer: HostTimer | null = null;

  constructor(conn: StreamConn) {
    this.conn = conn;
    conn.unref();
  }

  get queued(): number {
    return this.queuedBytes;
  }

  start(frame: (bytes: Uint8Array) => void, drained: () => void, closed: (reason: Error | null) => void): void {
    this.callbacks = { frame, drained, closed };
    if (this.state === "open") this.read();
    // What has happened meanwhile.
    queueMicrotask(() => {
      this.tellDrained();
      this.tellEnd();
    });
  }

  write(frame: Uint8Array): void {
    if (this.state !== "open") return;
    this.hasWritten = true;
    this.queuedBytes += frame.length;
    if (this.queuedBytes > LOW_WATER) this.aboveLowWater = true;
    if (this.writing === null) this.hostWrite(frame);
    else this.waiting.push(frame);
  }

  close(): void {
    this.end = null;
    if (this.state !== "open") return;
    // A connection that was never used is not worth the wait for its peer.
    if (!this.hasWritten) return this.release();
    this.state = "closing";
    this.conn.ref();
    this.closingTimer = startTimer(() => this.release(), CLOSING_SECONDS, false);
    if (this.callbacks === null) this.read();
    if (this.writing === null) this.endStream();
  }

  // --- receiving ----------------------------------------------------------------------------------------------

  private read(): void {
    this.conn.read(this.buffer).then(this.arrived, this.failed);
  }

  private readonly arrived = (count: number | null): void => {
    if (this.state === "closed") return;
    if (count === null) return this.peerEnded();
    if (this.state === "open") this.callbacks!.frame(this.buffer.subarray(0, count));
    this.readSize.adapt(count, count === this.buffer.length);
    this.buffer = this.readSize.fit(this.buffer);
    // The callback may have closed the link.
    if (this.state as string !== "closed") this.read();
  };

  private peerEnded(): void {
    if (this.state === "open") return this.ended(null);
    this.received = true;
    this.releaseIfDone();
  }

  // --- sending ------------------------------------------------------------------------------------------------

  private hostWrite(bytes: Uint8Array): void {
    this.writing = bytes;
    this.conn.write(bytes).then(this.wrote, this.failed);
  }

  private readonly wrote = (count: number): void => {
    if (this.state === "closed") return;
    this.queuedBytes -= count;
    const bytes = this.writing!;
    this.writing = null;
    if (count < bytes.length) this.hostWrite(bytes.subarray(count));
    else if (!this.waiting.empty) this.hostWrite(this.waiting.take());
    else this.allWritten();
    this.tellDrained();
  };

  private allWritten(): void {
    this.waiting.idle();
    if (this.state === "closing") this.endStream();
  }

  private tellDrained(): void {
    if (!this.aboveLowWater || this.queuedBytes > LOW_WATER) return;
    if (this.state !== "open" || this.callbacks === null) return;
    this.aboveLowWater = false;
    this.callbacks.drained();
  }

  private endStream(): void {
    this.conn.closeWrite().then(() => {
      this.sent = true;
      this.releaseIfDone();
    }, this.failed);
  }

  // --- the end ------------------------------------------------------------------------------------------------

  private readonly failed = (error: Error): void => {
    if (this.state === "open") this.ended(error);
    else this.release();
  };

  /** The link has ended by itself. */
  private ended(reason: Error | null): void {
    this.release();
    this.end = { reason };
    this.tellEnd();
  }

  private tellEnd(): void {
    if (this.end === null || this.callbacks === null) return;
    const { reason } = this.end;
    this.end = null;
    this.callbacks.closed(reason);
  }

  private releaseIfDone(): void {
    if (this.sent && this.received) this.release();
  }

  /** Frees the descriptor. */
  private release(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    if (this.closingTimer !== null) stopTimer(this.closingTimer);
    this.waiting.clear();
    this.queuedBytes = 0;
    try {
      this.conn.close();
    } catch {
      // The host has closed it already.
    }
  }
}

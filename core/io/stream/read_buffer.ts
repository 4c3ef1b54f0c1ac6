/**
 * The reading side of anything: a queue of bytes, one resident host read, and a line of waits that are served in order.
 *
 * - The host is asked only when somebody waits, and by one read at a time. That read belongs to the read buffer: when the
 *   wait that caused it is cancelled it stays, and what it brings is kept for the next wait. No byte is ever lost.
 * - Bytes leave the queue when the outcome is handed to the coroutine, not before. So a wait that is granted its
 *   bytes and then pre-empted has nothing to give back; it holds the first place until it has taken them.
 * - An idle connection holds a small array. Reads get more room while they fill it, and less when they no longer do.
 */
import { ClosedError } from "../../base/errors.ts";
import { WAITING } from "../../fiber/operation.ts";
import type { Coro } from "../../coroutine/coro.ts";
import { ByteQueue } from "./byte_queue.ts";
import type { IoWait } from "../wait/io_wait.ts";
import { KeepAlive } from "../wait/keep_alive.ts";
import { WaitLine } from "../wait/wait_line.ts";

/** Where an read buffer gets its bytes. */
export interface ByteSource {
  /** Reads into the buffer, which is not empty; returns how many bytes, or `null` at the end of the stream. */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Lets a pending read keep the process alive. */
  ref?(): void;
  /** Lets the process end in spite of a pending read. */
  unref?(): void;
}

/** A wait into whose own buffer the host reads. */
export interface Borrower extends IoWait {
  /** The buffer. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** The host has put so many bytes there (`null`: the end). Returns whether they stay; otherwise they are copied. */
  received(count: number | null): boolean;
}

const MIN_READ = 1024;
const MAX_READ = 65_536;
/** So many small reads in a row, and reads get little room again. */
const SMALL_READS = 8;

/** See the head of this file. */
export class ReadBuffer extends ByteQueue {
  /** The waits, first to last. The first may have been granted its bytes and not have taken them yet. */
  readonly line: WaitLine = new WaitLine();
  /** The stream has ended. */
  ended = false;
  /** Why nothing can be read any more. What is in the queue can, unless this side closed. */
  failure: unknown = undefined;
  /** This side closed. */
  closed = false;
  /** A host operation is under way. */
  busy = false;
  /** Where the bytes come from. */
  source: ByteSource;
  private readSize = MIN_READ;
  private smallReads = 0;
  // Made when it matters: not as long as all that wait are no daemons and wait to the end.
  private keepAlive: KeepAlive | null = null;
  // Whether the end is only the end so far: a file may have grown when the next one asks.
  private readonly endless: boolean;
  // Into whose buffer the host reads, if not into ours.
  private borrower: Borrower | null = null;
  // Made at the first read: an idle listener's connections are many.
  private onRead: ((count: number | null) => void) | null = null;
  private onFailure: ((error: unknown) => void) | null = null;

  constructor(source: ByteSource, { endless = false }: { endless?: boolean } = {}) {
    super();
    this.source = source;
    this.endless = endless;
  }

  /** Puts bytes that were taken out back in front. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.prepend(bytes);
    this.serve();
  }

  /** Takes the wait of a coroutine into the line and serves it if it is first. */
  enter(wait: IoWait, coro: Coro): void {
    this.line.push(wait);
    if (coro.daemon || this.keepAlive !== null) this.keepsAliveBy().enter(coro);
    if (this.line.first !== wait) return;
    if (this.endless) this.ended = false;
    wait.proceed();
  }

  /** What keeps the process alive may have changed: whether a coroutine that waits is a daemon, or its scheduler. */
  refer(coro: Coro): void {
    this.keepsAliveBy().enter(coro);
  }

  /** A wait leaves the line: it has taken what it got, or gives up. */
  leave(wait: IoWait): void {
    if (!wait.inLine) return;
    const wasFirst = this.line.first === wait;
    this.line.remove(wait);
    if (this.line.first === null) {
      // A read that nobody waits for must not hold the process open.
      if (this.busy) this.keepsAliveBy().leave();
      else this.keepAlive?.idle();
    } else if (wasFirst) {
      this.serve();
    }
  }

  /** Lets the first in line go on, unless it has been granted something already. */
  serve(): void {
    const first = this.line.first;
    if (first !== null && first.state === WAITING) first.proceed();
  }

  /** Asks the host for more. `wanted`: how many bytes the first in line needs altogether; Infinity if it cannot tell. */
  fill(wanted: number): void {
    if (this.busy) return;
    this.busy = true;
    try {
      this.ask(this.lend(this.readSize, wanted));
    } catch (error) {
      // There is no memory for more. The wait may have only just begun: it is told later, as when the host fails.
      Promise.resolve(error).then((error) => this.failed(error));
    }
  }

  /** Asks the host to read into the buffer of a wait, as our queue is empty. */
  fillInto(borrower: Borrower): void {
    if (this.busy) return;
    this.busy = true;
    this.borrower = borrower;
    this.ask(borrower.buffer);
  }

  private ask(buffer: Uint8Array<ArrayBuffer>): void {
    this.onRead ??= (count) => this.arrived(count);
    this.onFailure ??= (error) => this.failed(error);
    this.source.read(buffer).then(this.onRead, this.onFailure);
  }

  /** This side closes: every wait that has not been granted anything fails. */
  close(error: ClosedError): void {
    this.keepAlive?.leave();
    this.closed = true;
    this.failure = error;
    for (const wait of this.line) {
      if (wait.state !== WAITING) continue;
      this.line.remove(wait);
      wait.settleError(new ClosedError(error.message));
    }
    if (!this.busy && this.line.first === null) this.drop();
  }

  private arrived(count: number | null): void {
    this.busy = false;
    const { borrower } = this;
    if (borrower === null) {
      this.filled(count ?? 0);
      if (count !== null) this.adapt(count);
    } else {
      this.borrower = null;
      if (!borrower.received(count) && count !== null) this.append(borrower.buffer.subarray(0, count));
    }
    if (count === null) this.ended = true;
    this.serve();
  }

  private failed(error: unknown): void {
    this.busy = false;
    if (this.borrower === null) this.filled(0);
    this.borrower = null;
    if (!this.closed) this.failure = error;
    this.serve();
  }

  private adapt(count: number): void {
    if (count > MIN_READ) this.smallReads = 0;
    else this.smallReads++;
    if (count >= this.readSize && this.full) {
      this.readSize = Math.min(MAX_READ, this.readSize * 8);
    } else if (this.smallReads > SMALL_READS) {
      this.readSize = MIN_READ;
    }
  }

  private keepsAliveBy(): KeepAlive {
    return this.keepAlive ??= new KeepAlive((alive) => this.hold(alive), true);
  }

  private hold(alive: boolean): void {
    if (this.closed) return;
    if (alive) this.source.ref?.();
    else this.source.unref?.();
  }
}

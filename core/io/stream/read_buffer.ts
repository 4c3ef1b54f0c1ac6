/**
 * The reading side of a socket, a pipe or a file: a queue of bytes, at most one host read, and a queue of waits that
 * are served in order.
 *
 * - The host is asked for bytes only when a coroutine waits, with one read at a time. That read belongs to the read
 *   buffer: when the wait that caused it is cancelled, the read goes on and its bytes are kept for the next wait. No
 *   byte is ever lost.
 * - Bytes leave the buffer when the outcome is handed over to the coroutine, not before. So a wait that is granted its
 *   bytes and then pre-empted has nothing to give back; it stays the first in the queue until it has taken them.
 * - An idle connection holds a small array. Reads get more room while they fill it, and less when they no longer do.
 */
import { ClosedError } from "../../base/errors.ts";
import { WAITING } from "../../fiber/operation.ts";
import { isQueued, WaitQueue } from "../../fiber/wait_queue.ts";
import type { Coro } from "../../coroutine/coro.ts";
import { ByteQueue } from "./byte_queue.ts";
import { ReadSize } from "./read_size.ts";
import type { IoWait } from "../wait/io_wait.ts";
import { KeepAlive } from "../wait/keep_alive.ts";

/** A host resource from which a read buffer gets its bytes. */
export interface ByteSource {
  /** Reads into the buffer, which is not empty; returns how many bytes, or `null` at the end of the stream. */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Makes a pending read keep the process alive. */
  ref?(): void;
  /** Lets the process end in spite of a pending read. */
  unref?(): void;
}

/** A wait with a buffer of its own, into which the host reads directly. */
export interface DirectRead extends IoWait<unknown> {
  /** The buffer. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /**
   * The host has put `count` bytes there (`null`: the end; zero: none, as it has failed or the buffer was detached).
   * Returns whether they stay; otherwise they are copied.
   */
  received(count: number | null): boolean;
}

/** See the head of this file. */
export class ReadBuffer extends ByteQueue {
  /** The waits. The first may have been granted its bytes and not have taken them yet. */
  readonly waitQueue: WaitQueue<IoWait<unknown>> = new WaitQueue<IoWait<unknown>>();
  /** The stream has ended. */
  ended = false;
  /** Why the host can read no more. The bytes in the buffer can still be taken, unless this side has closed. */
  failure: unknown = undefined;
  /** This side has closed. */
  closed = false;
  /** A host operation is under way. */
  busy = false;
  /** Where the bytes come from. */
  source: ByteSource;
  /** A shorter way to read from the source, which returns zero at the end; `null` if there is none. */
  shortcut: ByteSource | null = null;
  private readonly readSize = new ReadSize();
  // Made when a daemon waits, or when the last wait is given up while the host reads; most buffers never need it.
  private keepAlive: KeepAlive | null = null;
  // The end may move: a file may have grown by the next read.
  private readonly endless: boolean;
  // The host does not read into our buffer but into that of a wait: the first one, unless that has left since then. To keep
  // every such wait here would cost V8 more than all the rest does, as it stores a new object in an old one.
  private direct = false;
  private leftRead: DirectRead | null = null;
  // Made at the first read, to save memory in connections that are never read from.
  private onRead: ((count: number | null) => void) | null = null;
  private onFailure: ((error: unknown) => void) | null = null;

  constructor(source: ByteSource, { endless = false }: { endless?: boolean } = {}) {
    super();
    this.source = source;
    this.endless = endless;
  }

  /** Puts bytes that were taken back to the front. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.prepend(bytes);
    this.serve();
  }

  /**
   * The bytes that were put into the buffer of a wait which does not take them. If that buffer was detached they are
   * lost, and nothing can be read any more, as there would be a gap in the stream.
   */
  unused(buffer: Uint8Array<ArrayBuffer>, count: number): Uint8Array {
    if (buffer.length > 0) return buffer.subarray(0, count);
    this.failure ??= new TypeError(
      `Cannot read on as the 'buffer' of a read that was given up was detached: current count of lost bytes is ` +
        `${count}, keep the buffer until bytes have come`,
    );
    return new Uint8Array(0);
  }

  /** Adds the wait of a coroutine to the queue and serves it if it is the first. */
  enqueue(wait: IoWait<unknown>, coro: Coro): void {
    this.waitQueue.push(wait);
    if (coro.daemon || this.keepAlive !== null) this.getKeepAlive().register(coro);
    if (this.waitQueue.head !== wait) return;
    if (this.endless) this.ended = false;
    wait.proceed();
  }

  /** A waiting coroutine became a daemon or ceased to be one, or its scheduler has changed. */
  updateKeepAlive(coro: Coro): void {
    this.getKeepAlive().register(coro);
  }

  /** Removes a wait from the queue: it has taken its bytes, or gives up. */
  dequeue(wait: IoWait<unknown>): void {
    const { waitQueue } = this;
    if (!isQueued(wait)) return;
    const wasFirst = waitQueue.head === wait;
    if (wasFirst) this.firstLeaves();
    waitQueue.remove(wait);
    if (waitQueue.head === null) {
      // A host read that no coroutine waits for must not keep the process alive.
      if (this.busy) this.getKeepAlive().release();
      else this.keepAlive?.unregister();
    } else if (wasFirst) {
      this.serve();
    }
  }

  /** Lets the first wait proceed, unless it has its outcome already. */
  serve(): void {
    const first = this.waitQueue.head;
    if (first !== null && first.state === WAITING) first.proceed();
  }

  /** Starts a host read. `wanted`: how many bytes the first wait needs altogether; Infinity if that is not known. */
  fill(wanted: number): void {
    if (this.busy) return;
    this.busy = true;
    try {
      this.startRead(this.lend(this.readSize.bytes, wanted));
    } catch (error) {
      // There is not enough memory. The wait may be just beginning, so it fails later, as when the host fails.
      Promise.resolve(error).then((error) => this.failed(error));
    }
  }

  /** Starts a host read into the buffer of the first wait. Called when this buffer is empty. */
  fillDirectly(directRead: DirectRead): void {
    if (this.busy) return;
    this.busy = true;
    this.direct = true;
    this.startRead(directRead.buffer);
  }

  /** The host may still be reading into its buffer. */
  private firstLeaves(): void {
    if (this.direct && this.leftRead === null) this.leftRead = this.waitQueue.head as DirectRead;
  }

  private startRead(buffer: Uint8Array<ArrayBuffer>): void {
    this.onRead ??= (count) => this.arrived(count);
    this.onFailure ??= (error) => this.failed(error);
    (this.shortcut ?? this.source).read(buffer).then(this.onRead, this.onFailure);
  }

  /** Closes this side: every wait without an outcome fails. */
  close(error: ClosedError): void {
    const { waitQueue } = this;
    this.keepAlive?.release();
    this.closed = true;
    this.failure = error;
    this.firstLeaves();
    for (let wait = waitQueue.head; wait !== null;) {
      const next = wait.nextWaiter;
      if (wait.state === WAITING) {
        waitQueue.remove(wait);
        wait.settleError(new ClosedError(error.message));
      }
      wait = next;
    }
    if (!this.busy && waitQueue.head === null) this.drop();
  }

  private arrived(count: number | null): void {
    this.busy = false;
    if (count === 0 && this.shortcut !== null) count = null;
    if (this.direct) {
      const directRead = this.endDirectRead();
      if (!directRead.received(count)) this.append(this.unused(directRead.buffer, count!));
    } else {
      this.filled(count ?? 0);
      if (count !== null) this.readSize.adapt(count, count >= this.readSize.bytes && this.full);
    }
    if (count === null) this.ended = true;
    this.serve();
  }

  private endDirectRead(): DirectRead {
    const directRead = this.leftRead ?? this.waitQueue.head as DirectRead;
    this.direct = false;
    if (this.leftRead !== null) this.leftRead = null;
    return directRead;
  }

  private failed(error: unknown): void {
    this.busy = false;
    let detached = false;
    if (this.direct) {
      const directRead = this.endDirectRead();
      directRead.received(0);
      // Then that may be why the host has failed. If it is not, the next read fails too.
      detached = directRead.buffer.length === 0;
    } else {
      this.filled(0);
    }
    if (!this.closed && !detached) this.failure = error;
    this.serve();
  }

  private getKeepAlive(): KeepAlive {
    return this.keepAlive ??= new KeepAlive((alive) => this.setRef(alive), true);
  }

  private setRef(alive: boolean): void {
    if (this.closed) return;
    const source = this.shortcut ?? this.source;
    if (alive) source.ref?.();
    else source.unref?.();
  }
}

/**
 * The writing side of a socket or a pipe: one host write at a time, and a queue of waits that write in order.
 *
 * A host write may take only a part of the bytes, so a wait writes until it is done, and no other wait's bytes come in
 * between. A host write cannot be cancelled: when its wait is cancelled it goes on, and the next wait starts after it.
 */
import { ClosedError } from "../../base/errors.ts";
import { WAITING } from "../../fiber/operation.ts";
import { isQueued, WaitQueue } from "../../fiber/wait_queue.ts";
import type { IoWait } from "../wait/io_wait.ts";

/** A host resource to which a write queue writes. */
export interface ByteSink {
  /** Writes some of the bytes; returns how many. */
  write(data: Uint8Array): Promise<number>;
  /** Ends the stream: the other side sees its end. */
  closeWrite?(): Promise<void>;
}

/** A wait in a write queue. */
export interface Writer extends IoWait<unknown> {
  /** The host has taken `count` bytes. */
  wrote(count: number): void;
}

/** See the head of this file. */
export class WriteQueue {
  /** The waits. The first is writing. */
  readonly waitQueue: WaitQueue<Writer> = new WaitQueue<Writer>();
  /** Where the bytes go. */
  sink: ByteSink;
  /** A host write is under way. */
  busy = false;
  /** Why nothing can be written any more. */
  failure: unknown = undefined;
  /** This side has ended the stream. */
  ended = false;
  // What the host writes is of the first wait: that has not left since then.
  private ofFirst = false;
  // Made at the first write, to save memory in connections that are never written to.
  private onWritten: ((count: number | void) => void) | null = null;
  private onFailure: ((error: unknown) => void) | null = null;

  constructor(sink: ByteSink) {
    this.sink = sink;
  }

  /** Adds a wait to the queue, and lets it write if it is the first. */
  enqueue(wait: Writer): void {
    this.waitQueue.push(wait);
    if (this.failure !== undefined || (this.waitQueue.head === wait && !this.busy)) wait.proceed();
  }

  /** Removes a wait from the queue, if it is in: it is done, or gives up. */
  dequeue(wait: Writer): void {
    const { waitQueue } = this;
    if (!isQueued(wait)) return;
    const wasFirst = waitQueue.head === wait;
    waitQueue.remove(wait);
    if (!wasFirst) return;
    this.ofFirst = false;
    if (!this.busy) this.serve();
  }

  /** Lets the first wait write. */
  serve(): void {
    const first = this.waitQueue.head;
    if (first !== null && first.state === WAITING) first.proceed();
  }

  /** Gives the host bytes of the first wait. */
  write(data: Uint8Array): void {
    this.start(this.sink.write(data));
  }

  /** Ends the stream for the first wait. */
  end(): void {
    this.ended = true;
    this.start(this.sink.closeWrite?.() ?? Promise.resolve());
  }

  /** Closes this side: every wait fails. */
  close(error: ClosedError): void {
    this.failure = error;
    this.failAll(() => new ClosedError(error.message));
  }

  private start(promise: Promise<number | void>): void {
    this.onWritten ??= (count) => this.written(count ?? 0);
    this.onFailure ??= (error) => this.failed(error);
    this.busy = true;
    this.ofFirst = true;
    promise.then(this.onWritten, this.onFailure);
  }

  private written(count: number): void {
    this.busy = false;
    if (!this.ofFirst) return this.serve();
    this.ofFirst = false;
    const first = this.waitQueue.head!;
    if (first.state === WAITING) first.wrote(count);
  }

  private failed(error: unknown): void {
    this.busy = false;
    this.failure ??= error;
    this.failAll(() => this.failure);
  }

  private failAll(reason: () => unknown): void {
    this.ofFirst = false;
    for (let wait = this.waitQueue.shift(); wait !== null; wait = this.waitQueue.shift()) wait.settleError(reason());
  }
}

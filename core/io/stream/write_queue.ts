/**
 * The writing side of anything: one host write at a time, and a line of waits that write in order.
 *
 * Host writes come back short, so a wait writes until it is done, and nobody else's bytes come in between. A host
 * write cannot be recalled: when its wait is cancelled it goes on, and the next in line waits for it.
 */
import { ClosedError } from "../../base/errors.ts";
import { WAITING } from "../../fiber/operation.ts";
import type { IoWait } from "../wait/io_wait.ts";
import { WaitLine } from "../wait/wait_line.ts";

/** Where an write queue puts its bytes. */
export interface ByteSink {
  /** Writes some of the bytes, answers how many. */
  write(data: Uint8Array): Promise<number>;
  /** Tells the other side that nothing more comes. */
  closeWrite?(): Promise<void>;
}

/** A wait in the line of an write queue. */
export interface Writer extends IoWait {
  /** The host has taken so many bytes. */
  wrote(count: number): void;
}

/** See the head of this file. */
export class WriteQueue {
  /** The waits, first to last. */
  readonly line: WaitLine = new WaitLine();
  /** Where the bytes go. */
  sink: ByteSink;
  /** A host write is under way. */
  busy = false;
  /** Why nothing can be written any more. */
  failure: unknown = undefined;
  /** This side has told the other that nothing more comes. */
  ended = false;
  // Whose bytes the host is writing.
  #writer: Writer | null = null;
  #onWritten: ((count: number | void) => void) | null = null;
  #onFailure: ((error: unknown) => void) | null = null;

  constructor(sink: ByteSink) {
    this.sink = sink;
  }

  /** Takes a wait into the line, and lets it write if it is first. */
  enter(wait: IoWait): void {
    this.line.push(wait);
    if (this.failure !== undefined || (this.line.first === wait && !this.busy)) wait.proceed();
  }

  /** A wait leaves the line: it is done, or gives up. */
  leave(wait: IoWait): void {
    const wasFirst = this.line.first === wait;
    this.line.remove(wait);
    if (wasFirst && !this.busy) this.serve();
  }

  /** Lets the first in line write. */
  serve(): void {
    const first = this.line.first;
    if (first !== null && first.state === WAITING) first.proceed();
  }

  /** Gives the host bytes of the first in line. */
  write(writer: Writer, data: Uint8Array): void {
    this.#start(writer, this.sink.write(data));
  }

  /** Ends the stream on behalf of the first in line. */
  end(writer: Writer): void {
    this.ended = true;
    this.#start(writer, this.sink.closeWrite?.() ?? Promise.resolve());
  }

  /** This side closes: every wait fails. */
  close(error: ClosedError): void {
    this.failure = error;
    for (const wait of this.line) {
      this.line.remove(wait);
      wait.settleError(new ClosedError(error.message));
    }
  }

  #start(writer: Writer, promise: Promise<number | void>): void {
    this.#onWritten ??= (count) => this.#written(count ?? 0);
    this.#onFailure ??= (error) => this.#failed(error);
    this.busy = true;
    this.#writer = writer;
    promise.then(this.#onWritten, this.#onFailure);
  }

  #written(count: number): void {
    this.busy = false;
    const writer = this.#writer!;
    this.#writer = null;
    if (writer.inLine && writer.state === WAITING) writer.wrote(count);
    else this.serve();
  }

  #failed(error: unknown): void {
    this.busy = false;
    this.#writer = null;
    this.failure ??= error;
    for (const wait of this.line) {
      this.line.remove(wait);
      wait.settleError(this.failure);
    }
  }
}

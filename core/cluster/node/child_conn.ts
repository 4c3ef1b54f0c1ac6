/** The standard input and output of a child process as a stream connection. */
import { type Deferred, deferred } from "../../base/deferred.ts";
import type { StreamConn } from "../../distributed/engines/tcp_link.ts";
import { StreamSink, StreamSource } from "../../io/stream/web_streams.ts";

/** The first frame of a session is no longer. */
const FIRST_BYTES = 512;

/** See the head of this file. */
export class ChildConn implements StreamConn {
  readonly #child: Deno.ChildProcess;
  readonly #source: StreamSource;
  readonly #sink: StreamSink;
  readonly #closed: Deferred<void> = deferred();
  /** What was read to see whether there is something. */
  #ahead: Uint8Array | null = null;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#source = new StreamSource(child.stdout);
    this.#sink = new StreamSink(child.stdin);
  }

  /** Fulfilled when it was closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Waits until there is something to read. To be called once, before `read()`. Returns `false` at the end. */
  async hasSpoken(): Promise<boolean> {
    const buffer = new Uint8Array(FIRST_BYTES);
    const count = await this.#source.read(buffer);
    if (count === null) return false;
    this.#ahead = buffer.subarray(0, count);
    return true;
  }

  /** The buffer has room for 512 bytes at least. */
  read(buffer: Uint8Array): Promise<number | null> {
    const ahead = this.#ahead;
    if (ahead === null) return this.#source.read(buffer);
    this.#ahead = null;
    buffer.set(ahead);
    return Promise.resolve(ahead.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#sink.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#sink.closeWrite();
  }

  /** Reads no more: a read returns the end. */
  endReading(): void {
    void this.#source.cancel();
  }

  close(): void {
    this.endReading();
    void this.#sink.abort();
    this.#closed.resolve();
  }

  ref(): void {
    this.#child.ref();
  }

  unref(): void {
    this.#child.unref();
  }
}

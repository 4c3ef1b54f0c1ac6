/** The standard input and output of a child process as a stream connection. */
import type { StreamConn } from "../../distributed/engines/tcp_link.ts";
import { StreamSink, StreamSource } from "../../io/stream/web_streams.ts";

/** See the head of this file. */
export class ChildConn implements StreamConn {
  /** Fulfilled when it was closed. */
  readonly closed: Promise<void>;
  readonly #child: Deno.ChildProcess;
  readonly #source: StreamSource;
  readonly #sink: StreamSink;
  #resolveClosed!: () => void;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#source = new StreamSource(child.stdout);
    this.#sink = new StreamSink(child.stdin);
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#source.read(buffer);
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
    this.#resolveClosed();
  }

  ref(): void {
    this.#child.ref();
  }

  unref(): void {
    this.#child.unref();
  }
}

/**
 * Web streams as sources and sinks, and as faces of a socket.
 */
import { context } from "../context.ts";
import type { Operation } from "../operation.ts";
import { takeOver } from "../operations/parts.ts";
import { Scheduler } from "../scheduler.ts";
import type { ByteSource } from "./intake.ts";
import type { ByteSink } from "./outlet.ts";

/** A pair of web streams, one for each direction. */
export interface StreamPair {
  /** What comes in. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What goes out. */
  readonly writable: WritableStream<Uint8Array>;
}

const MAX_PIECE = 65_536;

/** Reads from a web stream. What does not fit into the buffer is kept for the next read. */
export class StreamSource implements ByteSource {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array | null = null;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** See {@linkcode ByteSource.read}. */
  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest === null || this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = value;
    }
    const count = Math.min(buffer.length, this.#rest.length);
    buffer.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Nobody reads any more. */
  cancel(): Promise<void> {
    return this.#reader.cancel().catch(ignore);
  }
}

/** Writes to a web stream. */
export class StreamSink implements ByteSink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    // Whoever writes is told; a stream that breaks while nobody does is nobody's uncaught error.
    this.#writer.closed.catch(ignore);
  }

  /** See {@linkcode ByteSink.write}. */
  async write(data: Uint8Array): Promise<number> {
    // Piece by piece, so that the stream can hold back a long one.
    const piece = data.length > MAX_PIECE ? data.subarray(0, MAX_PIECE) : data;
    await this.#writer.write(piece);
    return piece.length;
  }

  /** See {@linkcode ByteSink.closeWrite}. */
  closeWrite(): Promise<void> {
    return this.#writer.close();
  }

  /** Nobody writes any more; what is on its way may be lost. */
  abort(): Promise<void> {
    return this.#writer.abort().catch(ignore);
  }
}

/** What a pair of streams needs of a socket. */
interface Duplex {
  recv(max?: number): Operation<Uint8Array>;
  sendall(data: Uint8Array): Operation<void>;
  shutdownWrite(): Operation<void>;
  close(): void;
}

/** Web streams over a socket. Each pull and each write is a coroutine of its own. */
export function streamsOf(socket: Duplex): StreamPair {
  const scheduler = context.strand?.owner.scheduler ?? Scheduler.instance();
  const perform = <T>(operation: Operation<T>): Promise<T> => {
    takeOver(operation);
    return scheduler.spawnWith({ name: "stream" }, function* (): Generator<unknown, T, unknown> {
      return yield* operation;
    }).value();
  };
  let halves = 2;
  const halfDone = (): void => {
    if (--halves === 0) socket.close();
  };
  const readable = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const data = await perform(socket.recv());
      if (data.length > 0) return controller.enqueue(data);
      controller.close();
      halfDone();
    },
    cancel: halfDone,
  }, { highWaterMark: 0 });
  const writable = new WritableStream<Uint8Array>({
    write: (data) => perform(socket.sendall(data)),
    async close() {
      await perform(socket.shutdownWrite());
      halfDone();
    },
    abort: () => socket.close(),
  });
  return { readable, writable };
}

function ignore(): void {}

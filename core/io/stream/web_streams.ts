/**
 * Web streams as sources and sinks, and as faces of a socket.
 */
import { describe } from "../../base/describe.ts";
import type { Operation } from "../../fiber/operation.ts";
import { takeOver } from "../../operations/parts.ts";
import { Scheduler } from "../../coroutine/scheduler.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import { toBytes } from "./bytes.ts";
import type { ByteSource } from "./read_buffer.ts";
import type { ByteSink } from "./write_queue.ts";

/** A pair of web streams, one for each direction. */
export interface StreamPair {
  /** What comes in. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What goes out. */
  readonly writable: WritableStream<Uint8Array>;
}

/** What a web stream of bytes may carry: bytes in any form, or text that stands for its UTF-8. */
export type StreamChunk = string | ArrayBufferLike | ArrayBufferView;

/** A pair of web streams as others make them. */
export interface ForeignStreamPair {
  /** What comes in. */
  readonly readable: ReadableStream<StreamChunk>;
  /** What goes out. */
  readonly writable: WritableStream<Uint8Array>;
}

const MAX_PIECE = 65_536;
const NOTHING = new Uint8Array(0);

/** Reads from a web stream. What does not fit into the buffer is kept for the next read. */
export class StreamSource implements ByteSource {
  readonly #reader: ReadableStreamDefaultReader<StreamChunk>;
  #rest: Uint8Array = NOTHING;

  constructor(stream: ReadableStream<StreamChunk>) {
    this.#reader = stream.getReader();
  }

  /**
   * See {@linkcode ByteSource.read}.
   *
   * @throws {TypeError} If the stream carries something else than bytes or text.
   */
  async read(buffer: Uint8Array): Promise<number | null> {
    // An empty chunk is not the end.
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = chunkBytes(value, "read from");
    }
    const rest = this.#rest;
    const count = Math.min(buffer.length, rest.length);
    buffer.set(count < rest.length ? rest.subarray(0, count) : rest);
    this.#rest = count < rest.length ? rest.subarray(count) : NOTHING;
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
  const scheduler = runningCoro()?.scheduler ?? Scheduler.instance();
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
    write: (data) => perform(socket.sendall(chunkBytes(data, "write to"))),
    async close() {
      await perform(socket.shutdownWrite());
      halfDone();
    },
    abort: () => socket.close(),
  });
  return { readable, writable };
}

/** The bytes of a chunk, where they are; of text, those of its UTF-8. */
function chunkBytes(chunk: StreamChunk, action: string): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return toBytes(chunk, action);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (isBuffer(chunk)) return new Uint8Array(chunk);
  throw new TypeError(
    `Cannot ${action} the stream as a chunk must be a string, an ArrayBuffer or a view of one: current value is ` +
      describe(chunk),
  );
}

// Not by `instanceof`: a chunk may come from another realm, and a runtime may have no SharedArrayBuffer.
function isBuffer(value: unknown): value is ArrayBufferLike {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]";
}

function ignore(): void {}

/**
 * Web streams as sources and sinks of bytes, and a socket as a pair of web streams.
 */
import { describe } from "../../base/describe.ts";
import type { Operation } from "../../fiber/operation.ts";
import { takeOver } from "../../operations/taken_over.ts";
import { Scheduler } from "../../coroutine/scheduler.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import { toBytes } from "./bytes.ts";
import type { ByteSource } from "./read_buffer.ts";
import type { ByteSink } from "./write_queue.ts";

/** A pair of web streams, one for each direction. */
export interface StreamPair {
  /** The incoming bytes. */
  readonly readable: ReadableStream<Uint8Array>;
  /** The outgoing bytes. */
  readonly writable: WritableStream<Uint8Array>;
}

/** A chunk of a web stream that is read from: bytes in any form, or text, which is read as its UTF-8. */
export type StreamChunk = string | ArrayBufferLike | ArrayBufferView;

/** A pair of web streams from another source, whose chunks may be bytes in any form or text. */
export interface ForeignStreamPair {
  /** The incoming bytes. */
  readonly readable: ReadableStream<StreamChunk>;
  /** The outgoing bytes. */
  readonly writable: WritableStream<Uint8Array>;
}

const MAX_PIECE = 65_536;
const NOTHING = /* @__PURE__ */ new Uint8Array(0);

/** Reads from a web stream. Bytes that do not fit into the buffer are kept for the next read. */
export class StreamSource implements ByteSource {
  readonly #reader: ReadableStreamDefaultReader<StreamChunk>;
  #rest: Uint8Array = NOTHING;

  constructor(stream: ReadableStream<StreamChunk>) {
    this.#reader = stream.getReader();
  }

  /**
   * See {@linkcode ByteSource.read}.
   *
   * @throws {TypeError} If a chunk is neither bytes nor text.
   */
  async read(buffer: Uint8Array): Promise<number | null> {
    // An empty chunk is not the end.
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = chunkBytes(value, "read from");
    }
    const rest = this.#rest;
    // The buffer was detached meanwhile.
    if (buffer.length === 0) return 0;
    const count = Math.min(buffer.length, rest.length);
    buffer.set(count < rest.length ? rest.subarray(0, count) : rest);
    this.#rest = count < rest.length ? rest.subarray(count) : NOTHING;
    return count;
  }

  /** Gives up reading. */
  cancel(): Promise<void> {
    return this.#reader.cancel().catch(ignore);
  }
}

/** Writes to a web stream. */
export class StreamSink implements ByteSink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    // Writes fail with the error of a broken stream. While there are none, it must not become an uncaught error.
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

  /** Gives up writing; bytes that are on their way may be lost. */
  abort(): Promise<void> {
    return this.#writer.abort().catch(ignore);
  }
}

/** The methods of a socket that a pair of streams needs. */
interface Duplex {
  recv(max?: number): Operation<Uint8Array>;
  sendall(data: Uint8Array): Operation<void>;
  shutdownWrite(): Operation<void>;
  close(): void;
}

/** Makes web streams over a socket. Each pull and each write is a coroutine of its own. */
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

/** Returns the bytes of a chunk, without a copy; of text, its UTF-8. */
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

// Without `instanceof`: a chunk may come from another realm, and a runtime may have no SharedArrayBuffer.
function isBuffer(value: unknown): value is ArrayBufferLike {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]";
}

function ignore(): void {}

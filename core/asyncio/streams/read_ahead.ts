import type { Coro } from "../../coroutine/coro.ts";
import { KeepAlive } from "../../io/wait/keep_alive.ts";
import type { AsyncSocket } from "../../io/net/socket.ts";
import type { Bytes } from "../../io/stream/byte_queue.ts";
import { ReadSize } from "../../io/stream/read_size.ts";
import type { ReadSource } from "./data_wait.ts";
import type { StreamReader } from "./stream_reader.ts";

/**
 * Feeds a reader from a socket, whether or not a task reads. It pauses while the reader has enough. So the end of the
 * stream and the loss of the connection are noticed although no task reads. It also leaves little input unread in the
 * host: when a connection with unread input is closed, the host discards output that the peer has not received yet.
 *
 * One host read is under way as long as the reader wants more. It keeps the process alive only while a coroutine waits.
 */
export class ReadAhead implements ReadSource {
  private readonly socket: AsyncSocket;
  private readonly reader: StreamReader;
  private readonly onLoss: (error: unknown) => void;
  private readonly keepAlive: KeepAlive;
  // Whether a coroutine waits for data.
  private awaited: boolean;
  // The host read that is under way.
  private reading: Promise<number | null> | null;
  private ended: boolean;
  // Whether input goes to the connection of `divert()` instead of the reader.
  private diverted: boolean;
  // The array that the host reads into.
  private array: Bytes;
  private readonly readSize: ReadSize;
  private readonly onRead: (count: number | null) => void;
  private readonly onFailure: (error: unknown) => void;

  /** `onLoss` is called with an error of the host. */
  constructor(socket: AsyncSocket, reader: StreamReader, onLoss: (error: unknown) => void) {
    this.socket = socket;
    this.reader = reader;
    this.onLoss = onLoss;
    this.keepAlive = new KeepAlive((alive) => this.refer(alive), true);
    this.awaited = false;
    this.reading = null;
    this.ended = this.diverted = false;
    this.readSize = new ReadSize();
    this.array = new Uint8Array(this.readSize.bytes);
    this.onRead = (count) => this.received(count);
    this.onFailure = (error) => this.failed(error);
    reader.source = this;
    this.readOn();
    this.keepAlive.release();
  }

  /** See {@linkcode ReadSource.readOn}. */
  readOn(): void {
    if (this.reading !== null || this.ended || this.diverted) return;
    this.reading = this.socket.readBuffer.source.read(this.array);
    this.reading.then(this.onRead, this.onFailure);
  }

  /** See {@linkcode ReadSource.awaitedBy}. */
  awaitedBy(coro: Coro): void {
    this.awaited = true;
    this.keepAlive.register(coro);
  }

  /** See {@linkcode ReadSource.notAwaited}. */
  notAwaited(): void {
    this.awaited = false;
    this.keepAlive.release();
  }

  /**
   * Returns a connection that gets the input instead of the reader, beginning with that of the host read that is under
   * way. Until `rejoin()`, it keeps the process alive.
   */
  divert(): Deno.TcpConn {
    const conn = this.socket.conn as Deno.TcpConn;
    const { array } = this;
    let first = this.reading;
    let rest = array.subarray(0, 0);
    // The old one belongs to the connection from now on.
    this.array = new Uint8Array(array.length);
    this.diverted = true;
    this.keepAlive.setAlive(true);
    return {
      localAddr: conn.localAddr,
      remoteAddr: conn.remoteAddr,
      async read(buffer: Uint8Array) {
        if (first !== null) {
          const count = await first;
          first = null;
          if (count === null) return null;
          rest = array.subarray(0, count);
        }
        if (rest.length === 0) return await conn.read(buffer);
        const part = rest.subarray(0, buffer.length);
        buffer.set(part);
        rest = rest.subarray(part.length);
        return part.length;
      },
      write: (data: Uint8Array) => conn.write(data),
      closeWrite: () => conn.closeWrite(),
      close: () => conn.close(),
      ref: () => conn.ref(),
      unref: () => conn.unref(),
    } as Deno.TcpConn;
  }

  /** Feeds the reader again from the socket. */
  rejoin(): void {
    this.diverted = false;
    if (!this.awaited) this.keepAlive.release();
    this.readOn();
  }

  /** Reads no more. */
  stop(): void {
    this.ended = true;
  }

  /** The socket, for messages. */
  toString(): string {
    return `${this.socket}`;
  }

  private received(count: number | null): void {
    this.reading = null;
    if (this.ended || this.diverted) return;
    if (count === null) {
      this.ended = true;
      this.reader.feedEof();
    } else {
      this.reader.received(this.array.subarray(0, count));
      this.readSize.adapt(count, count === this.array.length);
      this.array = this.readSize.fit(this.array);
      if (!this.reader.paused) this.readOn();
    }
  }

  private failed(error: unknown): void {
    this.reading = null;
    if (this.ended || this.diverted) return;
    this.ended = true;
    this.onLoss(error);
  }

  private refer(alive: boolean): void {
    if (this.socket.closed) return;
    const { source } = this.socket.readBuffer;
    if (alive) source.ref?.();
    else source.unref?.();
  }
}

import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { KeepAlive } from "../../io/wait/keep_alive.ts";
import type { AsyncSocket } from "../../io/net/socket.ts";
import type { Loop } from "../../fiber/schedulable.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { type Bytes, NOTHING } from "./stream_buffer.ts";
import type { ReadSource, StreamReader } from "./stream_reader.ts";

const MIN_READ = 1024;
const MAX_READ = 65_536;
/** So many small reads in a row, and a large piece is given up. */
const SMALL_READS = 8;

/**
 * Gives a reader what comes over a socket, before anybody asks for it: until the reader has enough, and on when it
 * wants more. So the end of the stream and the loss of the connection are known although nobody reads, and a
 * connection is closed with nothing left unread in the host, which would make it drop what the peer has not got yet.
 *
 * One host read is under way as long as the reader wants more. It keeps the process alive only while a coroutine waits.
 */
export class ReadAhead implements ReadSource {
  private readonly socket: AsyncSocket;
  private readonly reader: StreamReader;
  private readonly lost: (error: unknown) => void;
  private readonly keepAlive: KeepAlive;
  // The scheduler that counts the wait for what the host brings.
  private loop: Loop | null;
  // The host read that is under way.
  private reading: Promise<number | null> | null;
  private ended: boolean;
  // What comes goes elsewhere.
  private diverted: boolean;
  // Where the host reads to. An idle connection holds a small one.
  private piece: Bytes;
  private readSize: number;
  private smallReads: number;
  private readonly onRead: (count: number | null) => void;
  private readonly onFailure: (error: unknown) => void;

  /** `lost` is told of an error of the host. */
  constructor(socket: AsyncSocket, reader: StreamReader, lost: (error: unknown) => void) {
    this.socket = socket;
    this.reader = reader;
    this.lost = lost;
    this.keepAlive = new KeepAlive((alive) => this.holdProcess(alive), true);
    this.loop = null;
    this.reading = null;
    this.ended = this.diverted = false;
    this.readSize = MIN_READ;
    this.piece = new Uint8Array(MIN_READ);
    this.smallReads = 0;
    this.onRead = (count) => this.arrived(count);
    this.onFailure = (error) => this.failed(error);
    reader.source = this;
    this.readOn();
    this.keepAlive.leave();
  }

  /** See {@linkcode ReadSource.readOn}. */
  readOn(): void {
    if (this.reading !== null || this.ended || this.diverted) return;
    this.reading = this.socket.readBuffer.source.read(this.piece);
    this.reading.then(this.onRead, this.onFailure);
  }

  /** See {@linkcode ReadSource.hold}. */
  hold(fiber: Fiber): void {
    this.loop = fiber.loop;
    this.loop.hostOperations++;
    this.keepAlive.enter(coroOf(fiber));
  }

  /** See {@linkcode ReadSource.refer}. */
  refer(coro: Coro): void {
    this.keepAlive.enter(coro);
  }

  /** See {@linkcode ReadSource.release}. */
  release(): void {
    this.loop!.hostOperations--;
    this.loop = null;
    this.keepAlive.leave();
  }

  /**
   * Gives what comes from now on, instead of to the reader, to whoever reads from the connection that it returns: first
   * what the host read that is under way brings. Until `rejoin()` it keeps the process alive.
   */
  divert(): Deno.TcpConn {
    const conn = this.socket.conn as Deno.TcpConn;
    const { piece } = this;
    let first = this.reading;
    let rest = NOTHING;
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
          rest = piece.subarray(0, count);
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

  /** The reader gets again what comes over the socket. */
  rejoin(): void {
    this.diverted = false;
    if (this.loop === null) this.keepAlive.leave();
    this.readOn();
  }

  /** Nothing more is read. */
  stop(): void {
    this.ended = true;
  }

  /** What it reads from. */
  toString(): string {
    return `${this.socket}`;
  }

  private arrived(count: number | null): void {
    this.reading = null;
    if (this.ended || this.diverted) return;
    if (count === null) {
      this.ended = true;
      this.reader.feedEof();
    } else {
      this.reader.received(this.cut(count));
      if (!this.reader.paused) this.readOn();
    }
  }

  private failed(error: unknown): void {
    this.reading = null;
    if (this.ended || this.diverted) return;
    this.ended = true;
    this.lost(error);
  }

  /** The bytes that have come. A piece that they fill is given away, of a larger one they are copied. */
  private cut(count: number): Bytes {
    const { piece } = this;
    const given = 2 * count >= piece.length;
    this.adapt(count);
    if (given || piece.length !== this.readSize) this.piece = new Uint8Array(this.readSize);
    return given ? piece.subarray(0, count) : piece.slice(0, count);
  }

  private adapt(count: number): void {
    this.smallReads = count > MIN_READ ? 0 : this.smallReads + 1;
    if (count === this.readSize) this.readSize = Math.min(MAX_READ, this.readSize * 8);
    else if (this.smallReads > SMALL_READS) this.readSize = MIN_READ;
  }

  private holdProcess(alive: boolean): void {
    if (this.socket.closed) return;
    const { source } = this.socket.readBuffer;
    if (alive) source.ref?.();
    else source.unref?.();
  }
}

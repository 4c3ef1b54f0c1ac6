import { ClosedError, UnsupportedError } from "../../base/errors.ts";
import { Fifo } from "../../base/fifo.ts";
import { HostCall } from "../../io/wait/host_call.ts";
import type { AsyncSocket } from "../../io/net/socket.ts";
import type { TlsClientOptions } from "../../io/net/tls.ts";
import { TlsConn } from "../../io/net/tls_conn.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import type { Future } from "../loop/future.ts";
import { ReadAhead } from "./read_ahead.ts";
import { StreamReader } from "./stream_reader.ts";

// With more than this on its way, writers are held back until it is down to a quarter; as in CPython.
const HIGH_WATER = 65_536;
const LOW_WATER = HIGH_WATER / 4;
const HANDSHAKE_SECONDS = 10;

/**
 * The connection beneath a reader and a writer: it feeds the reader, sends what was written, in order, and is lost
 * once: when this side has closed it and all is sent, or when reading or sending fails. Both ends are told then.
 */
export class StreamTransport {
  /** The event loop it belongs to. */
  readonly loop: EventLoop;
  /** The socket beneath. */
  readonly socket: AsyncSocket;
  /** The reader that gets what comes. */
  readonly reader: StreamReader;
  /** Done when the connection is lost. */
  readonly closed: Future<void>;
  /** This side closes it, or has closed it. */
  closing = false;
  /** The end of what this side sends was written. */
  ended = false;
  /** Nothing can be sent or received any more. */
  lost = false;
  /** Too much is on its way. */
  paused = false;
  /** A host write is under way. */
  sending = false;
  readonly #readAhead: ReadAhead;
  // TLS is being agreed on: nothing may be sent in between.
  #securing = false;
  // TLS was started here.
  #secure = false;
  #pieces = new Fifo<Uint8Array>();
  #pending = 0;
  // Woken when less is on its way, or nothing can be sent any more.
  readonly #waiters = new Set<Future<void>>();

  constructor(loop: EventLoop, socket: AsyncSocket, limit: number) {
    this.loop = loop;
    this.socket = socket;
    this.reader = new StreamReader({ limit });
    this.closed = loop.createFuture<void>();
    this.#readAhead = new ReadAhead(socket, this.reader, (error) => this.#fail(error));
  }

  /** Sends bytes, or keeps them to be sent. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.lost) return;
    this.#pieces.push(bytes);
    this.#pending += bytes.length;
    if (this.#pending > HIGH_WATER) this.paused = true;
    this.#send();
  }

  /** Ends what this side sends, when all that was written is sent. */
  writeEof(): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.lost) this.#send();
  }

  /** Closes the connection when all that was written is sent. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    // What is being sent closes it when it is done.
    if (!this.sending) this.#lose(null);
  }

  /** Closes the connection at once: what was written and not sent is lost. */
  abort(): void {
    this.closing = true;
    this.#lose(null);
  }

  #lose(error: unknown): void {
    if (this.lost) return;
    this.lost = true;
    this.#pieces = new Fifo();
    this.#readAhead.stop();
    this.socket.close();
    if (error === null) this.reader.feedEof();
    else this.reader.setException(error);
    this.#tell(error);
    this.#wake();
  }

  #tell(error: unknown): void {
    if (error === null) this.closed.setResult();
    else this.closed.fail(error);
    // Those who read, write or wait are told; nobody has to ask.
    this.closed.markRetrieved();
  }

  /** Goes on with TLS, as the client, when all that was written is sent. If it cannot, the connection is closed. */
  *startTls(name: string, options: TlsClientOptions): Generator<unknown, void, unknown> {
    this.#mustBePlain();
    yield* this.during(() => this.sending);
    this.#mustBePlain();
    this.#securing = true;
    try {
      const tls = TlsConn.client(this.#readAhead.divert(), name, options);
      this.socket.adopt(tls);
      yield* this.#handshake(tls);
      this.#secure = true;
    } finally {
      this.#securing = false;
      if (!this.#secure) this.abort();
    }
    this.#readAhead.rejoin();
    if (this.#pending > 0 || this.ended) this.#send();
  }

  #mustBePlain(): void {
    const { unread } = this.reader;
    if (this.closing || this.lost) {
      throw new ClosedError(`Cannot start TLS as the connection to ${this.socket} is closed`);
    }
    if (this.#secure || this.#securing || !("setNoDelay" in this.socket.readBuffer.source)) {
      throw new UnsupportedError(`Cannot start TLS as ${this.socket} is not a plain TCP connection`);
    }
    if (unread === 0) return;
    throw new Error(
      `Cannot start TLS with ${this.socket} as ${unread} bytes came in the clear that nobody read: close the ` +
        "connection, as they may be forged",
    );
  }

  #handshake(tls: TlsConn): Operation<void> {
    const start = async (): Promise<void> => {
      try {
        await tls.handshake();
      } catch (error) {
        throw this.lost ? new ClosedError(`Cannot start TLS as the connection to ${this.socket} was closed`) : error;
      }
    };
    const waitsFor = `the TLS handshake with ${this.socket}`;
    return new HostCall({ label: "startTls", waitsFor, start }, HANDSHAKE_SECONDS);
  }

  /** Waits while a condition holds; it may change when something was sent, or the connection is lost. */
  *during(condition: () => boolean): Generator<unknown, void, unknown> {
    while (condition()) {
      const waiter = this.loop.createFuture<void>();
      this.#waiters.add(waiter);
      try {
        yield* waiter;
      } finally {
        this.#waiters.delete(waiter);
      }
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters) if (!waiter.done()) waiter.setResult();
  }

  /** Sees to it that what is there is sent. */
  #send(): void {
    if (this.sending || this.#securing) return;
    this.sending = true;
    const pump = () => this.#pump();
    this.loop.scheduler.spawnWith({ name: "stream writer" }, function* () {
      yield* call(pump());
    });
  }

  *#pump(): Generator<unknown, void, unknown> {
    try {
      for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
        yield* this.socket.sendall(piece);
        this.#sent(piece.length);
      }
      if (this.ended) yield* this.socket.shutdownWrite();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.sending = false;
      if (this.closing) this.#lose(null);
      else this.#wake();
    }
  }

  #sent(count: number): void {
    this.#pending -= count;
    if (!this.paused || this.#pending > LOW_WATER) return;
    this.paused = false;
    this.#wake();
  }

  /** The host could not read or write. If the socket was closed beneath, that is no error. */
  #fail(error: unknown): void {
    this.#lose(this.socket.closed ? null : error);
  }
}

import { ClosedError, UnsupportedError } from "../../base/errors.ts";
import { Fifo } from "../../base/fifo.ts";
import { HostCall } from "../../io/wait/host_call.ts";
import type { AsyncSocket } from "../../io/net/socket.ts";
import { HANDSHAKE_SECONDS, type TlsClientOptions } from "../../io/net/tls.ts";
import { TlsConn } from "../../io/net/tls_conn.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import type { Future } from "../loop/future.ts";
import { ReadAhead } from "./read_ahead.ts";
import { StreamReader } from "./stream_reader.ts";

// When more bytes than this are unsent, drain() waits until they are down to a quarter, as in CPython.
const HIGH_WATER = 65_536;
const LOW_WATER = HIGH_WATER / 4;

/**
 * The connection of a reader and a writer: it feeds the reader and sends what was written, in order.
 *
 * It is lost once: when this side has closed it and everything is sent, or when reading or sending fails. Then the
 * reader ends, or fails, and the waits of the writer end.
 */
export class StreamTransport {
  /** The event loop it belongs to. */
  readonly loop: EventLoop;
  /** The socket. */
  readonly socket: AsyncSocket;
  /** The reader that it feeds. */
  readonly reader: StreamReader;
  /** Done when the connection is lost. */
  readonly closed: Future<void>;
  /** Whether this side closes it, or has closed it. */
  closing = false;
  /** Whether the end of the output was written. */
  ended = false;
  /** Whether nothing can be sent or received any more. */
  lost = false;
  /** Whether so much is unsent that `drain()` waits. */
  paused = false;
  /** Whether a host write is under way. */
  sending = false;
  readonly #readAhead: ReadAhead;
  // A TLS handshake is under way: nothing else may be sent.
  #securing = false;
  // TLS was started.
  #secure = false;
  #pieces = new Fifo<Uint8Array>();
  // How many bytes are unsent.
  #pending = 0;
  // Woken when bytes were sent, or nothing can be sent any more.
  readonly #waiters = new Set<Future<void>>();

  constructor(loop: EventLoop, socket: AsyncSocket, limit: number) {
    this.loop = loop;
    this.socket = socket;
    this.reader = new StreamReader({ limit });
    this.closed = loop.createFuture<void>();
    this.#readAhead = new ReadAhead(socket, this.reader, (error) => this.#fail(error));
  }

  /** Sends bytes, or queues them to be sent. */
  write(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.lost) return;
    this.#pieces.push(bytes);
    this.#pending += bytes.length;
    if (this.#pending > HIGH_WATER) this.paused = true;
    this.#send();
  }

  /** Ends the output when all that was written is sent. */
  writeEof(): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.lost) this.#send();
  }

  /** Closes the connection when all that was written is sent. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    // Otherwise it is closed when sending ends.
    if (!this.sending) this.#lose(null);
  }

  /** Closes the connection at once: data that was written and not sent is lost. */
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
    this.#settleClosed(error);
    this.#wake();
  }

  #settleClosed(error: unknown): void {
    if (error === null) this.closed.setResult();
    else this.closed.fail(error);
    // The next read, write or wait throws the error: it need not be retrieved here.
    this.closed.markRetrieved();
  }

  /** Starts TLS, as the client, when all that was written is sent. If that fails, the connection is closed. */
  *startTls(name: string, options: TlsClientOptions): Generator<unknown, void, unknown> {
    this.#mustBePlain();
    yield* this.waitWhile(() => this.sending);
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

  #handshake(tls: TlsConn): Operation<unknown> {
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

  /** Waits while a condition holds. It is checked again when bytes were sent, or when the connection is lost. */
  *waitWhile(condition: () => boolean): Generator<unknown, void, unknown> {
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

  /** Starts sending, unless it is under way or a handshake is. */
  #send(): void {
    if (this.sending || this.#securing) return;
    this.sending = true;
    const sendAll = () => this.#sendAll();
    this.loop.scheduler.spawnWith({ name: "stream writer" }, function* () {
      yield* call(sendAll());
    });
  }

  *#sendAll(): Generator<unknown, void, unknown> {
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

  /** The host could not read or write. If the program has closed the socket, that is not an error. */
  #fail(error: unknown): void {
    this.#lose(this.socket.closed ? null : error);
  }
}

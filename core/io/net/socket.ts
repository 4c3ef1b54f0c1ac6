import type { Operation } from "../../fiber/operation.ts";
import { ClosedError } from "../../base/errors.ts";
import { MessageTooLargeError } from "../errors.ts";
import { describe } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { connect, type ConnectTarget } from "./connect.ts";
import { connReads } from "./conn_reads.ts";
import { checkEndpoint, describeAddress } from "./endpoint.ts";
import { type ByteSource, ReadBuffer } from "../stream/read_buffer.ts";
import { Items } from "../../coroutine/items.ts";
import {
  type BoundedReadOptions,
  checkSize,
  directionSeconds,
  type DirectionTimeouts,
  type IoLimit,
  maxOf,
} from "../wait/io_options.ts";
import { hostListen, type ListenTarget } from "./listen.ts";
import { AsyncListener } from "./listener.ts";
import { type ByteSink, WriteQueue } from "../stream/write_queue.ts";
import { ReadExactly, ReadSome } from "../stream/read.ts";
import { checkBuffer, ReadInto } from "../stream/read_into.ts";
import { ReadLine } from "../stream/read_line.ts";
import { ReadMessage } from "../stream/read_message.ts";
import { SocketPath } from "./socket_path.ts";
import { startTls } from "./start_tls.ts";
import { checkTls, HANDSHAKE_SECONDS, MAX_HANDSHAKES, type TlsClientOptions, type TlsServerOptions } from "./tls.ts";
import { serverEngine } from "./tls_engine.ts";
import type { TlsConn } from "./tls_conn.ts";
import { SendAll, SendSome, ShutdownWrite } from "../stream/write.ts";
import { SendMessage } from "../stream/write_message.ts";
import { type ForeignStreamPair, type StreamPair, StreamSink, streamsOf, StreamSource } from "../stream/web_streams.ts";

/** The default for the greatest number of bytes of a message or a line: 16 MiB. */
const DEFAULT_MAX_MESSAGE = 16_777_216;

/**
 * A stream socket: TCP, TLS or Unix, client or server.
 *
 * - A receive that times out or is cancelled loses no byte: bytes that arrive later go to the next receive.
 * - Several coroutines may receive, and several may send: each side serves them first come, first served.
 * - The end of the stream, a timeout and an empty message can be told apart: an empty array or `null`, a
 *   `TimeoutError`, and a message of length zero.
 * - After `close()` every operation that waits fails with a `ClosedError`. Errors that come from the peer or the
 *   network are Deno's own, such as `Deno.errors.ConnectionReset` and `Deno.errors.BrokenPipe`.
 * - A receive whose data is there already returns without giving others a turn, except now and then.
 *
 * Data to be sent must not be changed until it is sent. When a send is pre-empted, the host goes on with the part that
 * it was writing, so it is not known how much was sent: close the socket, unless the protocol can resynchronize.
 *
 * @example
 * ```ts
 * import { AsyncSocket, Coro, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
 *   const server = new Coro(function* () {
 *     using peer = yield* listener.accept();
 *     for (let data = yield* peer.recv(); data.length > 0; data = yield* peer.recv()) yield* peer.sendall(data);
 *   });
 *   using socket = yield* AsyncSocket.connect(listener.addr as Deno.NetAddr, 5);
 *   yield* socket.sendall("hello\r\n");
 *   assertEquals(yield* socket.readline(5), "hello");
 *   yield* socket.shutdownWrite();
 *   yield* server.finish();
 * });
 * ```
 */
export class AsyncSocket implements Disposable {
  /** @internal */
  readonly readBuffer: ReadBuffer;
  /** @internal */
  readonly writeQueue: WriteQueue;
  /** @internal */
  readSeconds = Infinity;
  /** @internal */
  writeSeconds = Infinity;
  /** The greatest number of bytes of a message that is sent or received; 16 MiB at first. */
  maxMessageSize: number = DEFAULT_MAX_MESSAGE;
  /** @internal The connection; `null` for a pair of streams. */
  conn: Deno.Conn | TlsConn | null;
  readonly #streams: { source: StreamSource; sink: StreamSink } | null = null;
  #closed = false;

  private constructor(conn: Deno.Conn | TlsConn | null, source: ByteSource, sink: ByteSink) {
    this.conn = conn;
    this.readBuffer = new ReadBuffer(source);
    this.readBuffer.shortcut = connReads(source);
    this.writeQueue = new WriteQueue(sink);
    if (source instanceof StreamSource && sink instanceof StreamSink) this.#streams = { source, sink };
  }

  // --- creation -----------------------------------------------------------------------------------------------

  /**
   * Connects. With `tls`, connecting includes the handshake, and the certificate and the host name are verified.
   *
   * @param target `{ hostname?, port, tls? }` or `{ path }`.
   * @param limit How long it may take. When it is given up, the connection that was opened is closed at once.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {Error} At the yield, one of Deno's errors: `ConnectionRefused`, `NotCapable`, `InvalidData` if TLS is
   * refused, for example as the certificate is not trusted, `UnexpectedEof` if the peer leaves during the handshake.
   * @throws {TypeError} If `target` or `limit` is of the wrong type.
   * @throws {RangeError} If the port is out of range.
   * @throws {UnsupportedError} If the runtime has no sockets.
   */
  static connect(target: ConnectTarget, limit?: IoLimit): Operation<AsyncSocket> {
    return connect(target, limit, ofConn);
  }

  /**
   * Listens for connections.
   *
   * @param target `{ hostname?, port, tls? }` or `{ path }`. Port 0 takes any free one, see the `addr` of the listener.
   * A socket in the file system is removed when the listener is closed.
   * @throws {Error} One of Deno's errors: `AddrInUse`, `NotCapable`, `InvalidData` for a certificate or key that cannot
   * be read, or that do not belong together.
   * @throws {TypeError} If `target` is of the wrong type.
   * @throws {RangeError} If the port is out of range.
   * @throws {UnsupportedError} If the runtime has no sockets.
   */
  static listen(target: ListenTarget): AsyncListener {
    checkEndpoint(target, 0, "listen");
    if ("path" in target) {
      const listener = hostListen(target);
      return new AsyncListener(listener, { wrap: ofConn, tls: null, path: new SocketPath(target.path) });
    }
    const tls = target.tls === undefined ? null : checkTls<TlsServerOptions>(target.tls, "listen");
    const plan = tls === null ? null : {
      seconds: tls.handshakeTimeout === undefined
        ? HANDSHAKE_SECONDS
        : toSeconds(tls.handshakeTimeout, "listen", "handshakeTimeout"),
      onHandshakeError: tls.onHandshakeError ?? null,
      engine: serverEngine(tls),
      mostHandshakes: MAX_HANDSHAKES,
      alive: true,
    };
    return new AsyncListener(hostListen(target), { wrap: ofConn, tls: plan, path: null });
  }

  /**
   * Makes a socket from a connection, or from a pair of web streams. Nothing else may use them afterwards.
   *
   * The chunks of a web stream may be bytes in any form (typed arrays, DataViews, ArrayBuffers, also shared ones) or
   * text, which is read as its UTF-8. Reads fail with a TypeError at a chunk of another kind.
   *
   * A `Deno.TlsConn` whose handshake is not done keeps its descriptor until its peer has sent something or left, even
   * if it is closed. `AsyncSocket.connect` and `AsyncSocket.listen` with `tls`, and `startTls`, free their descriptors.
   *
   * @param conn A `Deno.Conn`, or `{ readable, writable }`.
   * @throws {TypeError} If it is neither.
   */
  static from(conn: Deno.Conn | ForeignStreamPair): AsyncSocket {
    if (typeof conn === "object" && conn !== null) {
      if (conn instanceof AsyncSocket) return conn;
      if ("read" in conn && "write" in conn && typeof conn.read === "function") return ofConn(conn);
      if ("readable" in conn && "writable" in conn) {
        return new AsyncSocket(null, new StreamSource(conn.readable), new StreamSink(conn.writable));
      }
    }
    throw new TypeError(`Cannot make a socket as a Deno.Conn is needed: current value is ${describe(conn)}`);
  }

  /** @internal */
  static ofConn(conn: Deno.Conn | TlsConn): AsyncSocket {
    return new AsyncSocket(conn, conn as ByteSource, conn);
  }

  // --- receiving ----------------------------------------------------------------------------------------------

  /**
   * Receives the bytes that have come, and waits for some if there are none.
   *
   * @param max The greatest number of bytes.
   * @param limit How long to wait. With zero or less it returns only bytes that are there already.
   * @returns The bytes, which belong to the caller; none at the end of the stream.
   * @throws {TimeoutError} At the yield, if nothing came in time.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   * @throws {RangeError} If `max` is not a positive integer.
   */
  recv(max = 65_536, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return new ReadSome(this, checkSize(max, "max", 1, "read"), limit, "recv");
  }

  /**
   * Receives into a buffer of the caller's. If the buffer is used again and again, this saves an array for each
   * receive.
   *
   * If the receive is pre-empted, the host may still write into the buffer until bytes have come; these go to the next
   * receive. Use the buffer for nothing else until then.
   *
   * @param buffer The buffer; it is filled from its beginning.
   * @param limit How long to wait.
   * @returns The number of bytes; zero at the end of the stream.
   * @throws {TimeoutError} At the yield, if nothing came in time.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   * @throws {TypeError} If `buffer` is not a Uint8Array, or is one of a resizable ArrayBuffer. At the yield, if it was
   * detached before bytes came, which then stay for the next receive.
   * @throws {RangeError} If it is empty.
   */
  recvInto(buffer: Uint8Array<ArrayBuffer>, limit?: IoLimit): Operation<number> {
    return new ReadInto(this, checkBuffer(buffer), limit);
  }

  /**
   * Receives exactly `size` bytes.
   *
   * @param size The number of bytes.
   * @param limit How long to wait for all of them. After a timeout, the bytes that came stay for the next receive.
   * @throws {EOFError} At the yield, if the stream ends before; its `partial` has the bytes that came.
   * @throws {TimeoutError} At the yield, if they did not come in time.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  recvall(size: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return new ReadExactly(this, checkSize(size, "size", 0, "read"), limit, "recvall");
  }

  /**
   * Receives a line, as UTF-8.
   *
   * @param limit How long to wait; an object may have a `max`, the greatest number of bytes of the line, 16 MiB by
   * default.
   * @returns The line without its line end (`\n` or `\r\n`), which the last line may lack. `null` at the end of the
   * stream.
   * @throws {TimeoutError} At the yield, if no whole line came in time; the bytes that came stay for the next receive.
   * @throws {MessageTooLargeError} At the yield, if the line is too long.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null> {
    return new ReadLine(this, maxOf(limit, DEFAULT_MAX_MESSAGE, "read a line"), limit);
  }

  /**
   * Receives one message, as `sendMsg` sends it: its length in four bytes, most significant first, and then its bytes.
   *
   * @param limit How long to wait; an object may have a `max`, the greatest number of bytes of the message,
   * `maxMessageSize` by default.
   * @returns The message, which may be empty, or `null` if the stream has ended after a whole message.
   * @throws {MessageTooLargeError} At the yield, if the message is longer; nothing is allocated for it.
   * @throws {EOFError} At the yield, if the stream ends within a message.
   * @throws {TimeoutError} At the yield, if no whole message came in time; the bytes that came stay for the next
   * receive.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   */
  recvMsg(limit?: IoLimit | BoundedReadOptions): Operation<Uint8Array<ArrayBuffer> | null> {
    return new ReadMessage(this, maxOf(limit, this.maxMessageSize, "receive a message"), limit);
  }

  /**
   * The lines, one after the other.
   *
   * @param limit How long to wait for each line, as for `readline`.
   */
  lines(limit?: IoLimit | BoundedReadOptions): Items<string> {
    return new Items(() => this.readline(limit));
  }

  /**
   * The messages, one after the other.
   *
   * @param limit How long to wait for each message, as for `recvMsg`.
   */
  messages(limit?: IoLimit | BoundedReadOptions): Items<Uint8Array<ArrayBuffer>> {
    return new Items(() => this.recvMsg(limit));
  }

  /** The lines, for `for await` in async code. */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, unknown> {
    return this.lines()[Symbol.asyncIterator]();
  }

  // --- sending ------------------------------------------------------------------------------------------------

  /**
   * Sends as many bytes as the host takes at once.
   *
   * @param data Bytes, or text that is sent as UTF-8.
   * @param limit How long to wait.
   * @returns How many bytes were taken.
   * @throws {TimeoutError} At the yield, if no bytes were taken in time; they may still be sent.
   * @throws {ClosedError} At the yield, if this side has closed the socket or shut down its writing side.
   * @throws {TypeError} If `data` is neither bytes nor text.
   */
  send(data: Data, limit?: IoLimit): Operation<number> {
    return new SendSome(this, toBytes(data, "send"), limit);
  }

  /**
   * Sends all of the data. It waits while the peer reads slowly.
   *
   * @param data Bytes, or text that is sent as UTF-8.
   * @param limit How long to wait until the host has taken all of it. After a timeout, a part of it may have been sent.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {ClosedError} At the yield, if this side has closed the socket or shut down its writing side.
   * @throws {TypeError} If `data` is neither bytes nor text.
   */
  sendall(data: Data, limit?: IoLimit): Operation<void> {
    return new SendAll(this, toBytes(data, "send"), limit, "sendall", undefined);
  }

  /**
   * Sends one message for `recvMsg`: its length in four bytes, most significant first, and then the data.
   *
   * The peer never receives half a message and then other data: if the send is pre-empted (by a timeout, a termination,
   * a race) when a part may have been sent, the socket is closed.
   *
   * @param data Bytes, or text that is sent as UTF-8. It may be empty.
   * @param limit How long to wait until the host has taken all of it.
   * @throws {MessageTooLargeError} If it is longer than `maxMessageSize`.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {ClosedError} At the yield, if this side has closed the socket or shut down its writing side.
   * @throws {TypeError} If `data` is neither bytes nor text.
   */
  sendMsg(data: Data, limit?: IoLimit): Operation<void> {
    const bytes = toBytes(data, "send a message");
    if (bytes.length > this.maxMessageSize) {
      throw new MessageTooLargeError(
        `Cannot send a message as it is longer than the limit of ${this.maxMessageSize} bytes: ` +
          `current length is ${bytes.length}`,
      );
    }
    return new SendMessage(this, bytes, limit, () => this.closeAs("a message was cut short"));
  }

  /**
   * Ends the stream to the peer, after all that was sent before. Receiving goes on.
   *
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   */
  shutdownWrite(): Operation<void> {
    return new ShutdownWrite(this);
  }

  // --- connection ---------------------------------------------------------------------------------------------

  /**
   * Turns a plain connection into a TLS one, as the client, for protocols that begin without TLS and then agree on it.
   *
   * @param options The TLS options, and the host name of the peer, which is verified.
   * @param limit How long the handshake may take; 10 seconds by default. If it fails or is given up, the socket is
   * closed.
   * @throws {TimeoutError} At the yield, if the handshake took too long.
   * @throws {ClosedError} At the yield, if the socket is closed, or is closed meanwhile.
   * @throws {Error} At the yield, if a receive or a send is under way, if bytes came in the clear and were not
   * received, or `Deno.errors.InvalidData` if TLS is refused, for example as the certificate is not trusted.
   * @throws {UnsupportedError} At the yield, if it is not a plain TCP connection.
   */
  startTls(options: TlsClientOptions & { readonly hostname: string }, limit?: IoLimit): Operation<void> {
    return startTls(this, options, limit);
  }

  /** @internal Receives and sends through TLS from now on. */
  adopt(tls: TlsConn): void {
    this.conn = this.readBuffer.source = this.writeQueue.sink = tls;
    this.readBuffer.shortcut = null;
  }

  /**
   * Sets the default timeouts of receives and sends; at first there are none.
   *
   * @param timeout Seconds or a duration for both, or `{ read, write }` for each; `null` sets no limit.
   * @throws {TypeError} If it is not a valid duration.
   */
  settimeout(timeout: Timeout | DirectionTimeouts): void {
    [this.readSeconds, this.writeSeconds] = directionSeconds(timeout, [this.readSeconds, this.writeSeconds]);
  }

  /**
   * Sets whether small packets are sent at once, as they are by default, or gathered. It only has an effect on plain
   * TCP.
   *
   * @param noDelay Whether they are sent at once.
   */
  setNoDelay(noDelay = true): void {
    if (this.conn !== null && "setNoDelay" in this.conn) (this.conn as Deno.TcpConn).setNoDelay(noDelay);
  }

  /**
   * Sets whether the host probes an idle connection now and then. It only has an effect on plain TCP.
   *
   * @param keepAlive Whether it is probed.
   */
  setKeepAlive(keepAlive = true): void {
    if (this.conn !== null && "setKeepAlive" in this.conn) (this.conn as Deno.TcpConn).setKeepAlive(keepAlive);
  }

  /** The address of this side; `null` for a pair of streams. */
  get localAddr(): Deno.Addr | null {
    return this.conn?.localAddr ?? null;
  }

  /** The address of the peer; `null` for a pair of streams. */
  get remoteAddr(): Deno.Addr | null {
    return this.conn?.remoteAddr ?? null;
  }

  /** Whether this side has closed it. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Returns the socket as a pair of web streams. They read and write through the socket, so no bytes that it has
   * received before are lost. When both have ended, the socket is closed.
   */
  streams(): StreamPair {
    return streamsOf(this);
  }

  /**
   * Closes it; every operation that waits fails with a `ClosedError`. Any coroutine may call it. Calling it again has
   * no effect.
   */
  close(): void {
    this.closeAs("it is closed");
  }

  /** @internal Closes it; the reason is in the errors of the operations that wait. */
  closeAs(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = new ClosedError(`Cannot use ${this} as ${reason}`);
    this.readBuffer.close(error);
    this.writeQueue.close(error);
    this.#streams?.source.cancel();
    this.#streams?.sink.abort();
    try {
      this.conn?.close();
    } catch {
      // The host has closed it already.
    }
  }

  /** The same as {@linkcode AsyncSocket.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The peer's address, in words. */
  toString(): string {
    const addr = this.remoteAddr;
    return addr === null ? "a pair of streams" : describeAddress(addr);
  }
}

const ofConn = (conn: Deno.Conn | TlsConn): AsyncSocket => AsyncSocket.ofConn(conn);

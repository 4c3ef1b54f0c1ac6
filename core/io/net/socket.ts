import type { Operation } from "../../fiber/operation.ts";
import { ClosedError, MessageTooLargeError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import { type Timeout, toSeconds } from "../../base/duration.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { type ConnectTarget, dial } from "./connect.ts";
import { checkEndpoint, describeAddress } from "./endpoint.ts";
import { type ByteSource, ReadBuffer } from "../stream/read_buffer.ts";
import { Items } from "../items.ts";
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
import { ReadInto } from "../stream/read_into.ts";
import { ReadLine } from "../stream/read_line.ts";
import { ReadMessage } from "../stream/read_message.ts";
import { SocketPath } from "./socket_path.ts";
import { startTls } from "./start_tls.ts";
import { checkTls, type TlsClientOptions, type TlsServerOptions } from "./tls.ts";
import { serverEngine } from "../tls_engine.ts";
import type { TlsConn } from "./tls_conn.ts";
import { SendAll, SendMessage, SendSome, ShutdownWrite } from "../stream/write.ts";
import { type ForeignStreamPair, type StreamPair, StreamSink, streamsOf, StreamSource } from "../stream/web_streams.ts";

/** Bytes that a message or a line may have if nothing else is said: 16 MiB. */
const DEFAULT_MAX_MESSAGE = 16 * 1024 * 1024;

const HANDSHAKE_SECONDS = 10;
// Longer messages are not copied behind their length but written after it.
const JOINED_MESSAGE = 128 * 1024;
const HEADER = 4;

/**
 * A stream socket: TCP, TLS or Unix, client or server.
 *
 * - A receive that times out or is cancelled loses no byte: what arrives later goes to the next receive.
 * - Several coroutines may receive, and several may send: each side serves them first come, first served.
 * - End of stream, a timeout and an empty message are three different things: an empty array or `null`, a
 *   `TimeoutError`, and a message of length zero.
 * - `close()` wakes everyone who waits, with a `ClosedError`. What the peer or the network does comes as Deno's own
 *   errors, such as `Deno.errors.ConnectionReset` and `Deno.errors.BrokenPipe`.
 * - A receive whose data is there already answers without giving others a turn, now and then excepted.
 *
 * Data to be sent must not be changed until it is sent. When a send is pre-empted, the part that the host was just
 * writing goes on, so how much has gone is not known: close the socket, unless the two sides can find each other again.
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
  /** Bytes that a message, sent or received, may have: 16 MiB unless it is set to something else. */
  maxMessageSize: number = DEFAULT_MAX_MESSAGE;
  /** @internal The connection, unless it is a pair of streams. */
  conn: Deno.Conn | TlsConn | null;
  readonly #streams: { source: StreamSource; sink: StreamSink } | null = null;
  #closed = false;

  private constructor(conn: Deno.Conn | TlsConn | null, source: ByteSource, sink: ByteSink) {
    this.conn = conn;
    this.readBuffer = new ReadBuffer(source);
    this.writeQueue = new WriteQueue(sink);
    if (source instanceof StreamSource && sink instanceof StreamSink) this.#streams = { source, sink };
  }

  // --- making one ---------------------------------------------------------------------------------------------

  /**
   * Connects. With `tls` the certificate and the host name are verified, and the handshake is part of connecting.
   *
   * @param target `{ hostname?, port, tls? }` or `{ path }`.
   * @param limit How long it may take. When it is given up, whatever was opened is closed at once.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {Error} At the yield, one of Deno's errors: `ConnectionRefused`, `NotCapable`, `InvalidData` if TLS is
   * refused, such as for a certificate that is not trusted, `UnexpectedEof` if the peer leaves during the handshake.
   * @throws {TypeError} If `target` or `limit` is of the wrong type.
   * @throws {RangeError} If the port is out of range.
   * @throws {UnsupportedError} If the runtime has no sockets.
   */
  static connect(target: ConnectTarget, limit?: IoLimit): Operation<AsyncSocket> {
    return dial(target, limit, ofConn);
  }

  /**
   * Listens for connections.
   *
   * @param target `{ hostname?, port, tls? }` or `{ path }`; port 0 takes any free one, see the listener's `addr`. A
   * socket in the file system is removed when the listener is closed.
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
      seconds: tls.handshakeTimeout === undefined ? HANDSHAKE_SECONDS : toSeconds(tls.handshakeTimeout, "listen"),
      onHandshakeError: tls.onHandshakeError ?? null,
      engine: serverEngine(tls),
    };
    return new AsyncListener(hostListen(target), { wrap: ofConn, tls: plan, path: null });
  }

  /**
   * Makes a socket of a connection, or of a pair of web streams. It takes them over: nobody else may use them.
   *
   * What a web stream carries may be bytes in any form (typed arrays, DataViews, ArrayBuffers, shared ones too) or text,
   * which is read as its UTF-8. A chunk of another kind fails the reads with a TypeError.
   *
   * A `Deno.TlsConn` whose handshake is not done keeps its descriptor until its peer has spoken or left, even when it is
   * closed. `AsyncSocket.connect` and `AsyncSocket.listen` with `tls`, and `startTls`, free theirs.
   *
   * @param conn A connection of Deno's, or `{ readable, writable }`.
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
   * Receives what is there, waiting for something if there is nothing.
   *
   * @param max Bytes to receive at the most.
   * @param limit How long to wait. With a time of zero or less, what is there already.
   * @returns The bytes: yours to keep. None at the end of the stream.
   * @throws {TimeoutError} At the yield, if nothing came in time.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   * @throws {RangeError} If `max` is not a positive integer.
   */
  recv(max = 65_536, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return typed(new ReadSome(this, checkSize(max, "max", 1, "recv"), limit, "recv"));
  }

  /**
   * Receives what is there into a buffer that is used again and again: for large amounts, it saves an array each time.
   *
   * If the receive is pre-empted, the host may still be writing into the buffer until it has brought something; that
   * then goes to the next receive. Use the buffer for nothing else until then.
   *
   * @param buffer Where to put the bytes, from its beginning.
   * @param limit How long to wait.
   * @returns How many bytes; zero at the end of the stream.
   * @throws {TimeoutError} At the yield, if nothing came in time.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   * @throws {TypeError} If `buffer` is not a Uint8Array.
   * @throws {RangeError} If it is empty.
   */
  recvInto(buffer: Uint8Array<ArrayBuffer>, limit?: IoLimit): Operation<number> {
    if (!(buffer instanceof Uint8Array)) {
      throw new TypeError(`Cannot recvInto as 'buffer' must be a Uint8Array: current value is ${describe(buffer)}`);
    }
    checkSize(buffer.length, "buffer.length", 1, "recvInto");
    return typed(new ReadInto(this, buffer, limit));
  }

  /**
   * Receives exactly so many bytes.
   *
   * @param size How many.
   * @param limit How long to wait for all of them. When time is up, those that have come stay for the next receive.
   * @throws {EOFError} At the yield, if the stream ends before; what came is in its `partial`.
   * @throws {TimeoutError} At the yield, if they did not come in time.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  recvall(size: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return typed(new ReadExactly(this, checkSize(size, "size", 0, "recvall"), limit, "recvall"));
  }

  /**
   * Receives a line, as UTF-8.
   *
   * @param limit How long to wait; an object may have a `max` for the bytes of the line, 16 MiB by default.
   * @returns The line without its end (`\n` or `\r\n`); the last one may lack its end. `null` at the end of the stream.
   * @throws {TimeoutError} At the yield, if no whole line came in time; what came stays for the next receive.
   * @throws {MessageTooLargeError} At the yield, if the line is too long.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null> {
    return typed(new ReadLine(this, maxOf(limit, DEFAULT_MAX_MESSAGE, "read a line"), limit));
  }

  /**
   * Receives one message, as `sendMsg` sends it: four bytes of length, most significant first, and as many bytes.
   *
   * @param limit How long to wait; an object may have a `max` for the bytes of the message, `maxMessageSize` by default.
   * @returns The message, which may be empty, or `null` if the stream has ended after a whole message.
   * @throws {MessageTooLargeError} At the yield, if a longer one is announced; nothing is allocated for it.
   * @throws {EOFError} At the yield, if the stream ends within a message.
   * @throws {TimeoutError} At the yield, if no whole message came in time; what came stays for the next receive.
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   */
  recvMsg(limit?: IoLimit | BoundedReadOptions): Operation<Uint8Array<ArrayBuffer> | null> {
    return typed(new ReadMessage(this, maxOf(limit, this.maxMessageSize, "receive a message"), limit));
  }

  /**
   * The lines to come, one after the other.
   *
   * @param limit How long to wait for each, as for `readline`.
   */
  lines(limit?: IoLimit | BoundedReadOptions): Items<string> {
    return new Items(() => this.readline(limit));
  }

  /**
   * The messages to come, one after the other.
   *
   * @param limit How long to wait for each, as for `recvMsg`.
   */
  messages(limit?: IoLimit | BoundedReadOptions): Items<Uint8Array<ArrayBuffer>> {
    return new Items(() => this.recvMsg(limit));
  }

  /** The lines to come, for `for await` in async code. */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, unknown> {
    return this.lines()[Symbol.asyncIterator]();
  }

  // --- sending ------------------------------------------------------------------------------------------------

  /**
   * Sends as much as the host takes at once.
   *
   * @param data Bytes, or text that is sent as UTF-8.
   * @param limit How long to wait.
   * @returns How many bytes were taken.
   * @throws {TimeoutError} At the yield, if nothing was taken in time; it may still go.
   * @throws {ClosedError} At the yield, if this side has closed the socket or shut down its writing side.
   * @throws {TypeError} If `data` is neither bytes nor text.
   */
  send(data: Data, limit?: IoLimit): Operation<number> {
    return typed(new SendSome(this, toBytes(data, "send"), limit));
  }

  /**
   * Sends all of the data. A slow peer makes it wait.
   *
   * @param data Bytes, or text that is sent as UTF-8.
   * @param limit How long to wait until the host has taken all of it. When time is up, a part of it may have gone.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {ClosedError} At the yield, if this side has closed the socket or shut down its writing side.
   * @throws {TypeError} If `data` is neither bytes nor text.
   */
  sendall(data: Data, limit?: IoLimit): Operation<void> {
    return typed(new SendAll(this, toBytes(data, "sendall"), limit, "sendall", undefined));
  }

  /**
   * Sends one message for `recvMsg`: four bytes of length, most significant first, and the data.
   *
   * A message is never left half sent: if it is pre-empted (by a timeout, a termination, a race) when a part of it may
   * have gone, the socket is closed.
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
        `Cannot send a message as it may have ${this.maxMessageSize} bytes: current length is ${bytes.length}`,
      );
    }
    return typed(new SendMessage(this, framed(bytes), limit, () => this.closeAs("a message was cut short")));
  }

  /**
   * Tells the peer that nothing more comes, after all that was sent before. Receiving goes on.
   *
   * @throws {ClosedError} At the yield, if this side has closed the socket.
   */
  shutdownWrite(): Operation<void> {
    return typed(new ShutdownWrite(this));
  }

  // --- the rest -----------------------------------------------------------------------------------------------

  /**
   * Turns a plain connection into a TLS one, as the client. For protocols that begin in the clear and agree on TLS.
   *
   * @param options What to trust and which name to verify: the host name of the peer must be given.
   * @param limit How long the handshake may take; 10 seconds by default. If it fails or is given up, the socket is closed.
   * @throws {TimeoutError} At the yield, if the handshake took too long.
   * @throws {ClosedError} At the yield, if the socket is closed, or gets closed meanwhile.
   * @throws {Error} At the yield, if a receive or a send is under way, if bytes have been received in the clear that
   * nobody took, or `Deno.errors.InvalidData` if TLS is refused, such as for a certificate that is not trusted.
   * @throws {UnsupportedError} At the yield, if it is not a plain TCP connection.
   */
  startTls(options: TlsClientOptions & { readonly hostname: string }, limit?: IoLimit): Operation<void> {
    return startTls(this, options, limit);
  }

  /** @internal What is received and sent goes through TLS from now on. */
  adopt(tls: TlsConn): void {
    this.conn = this.readBuffer.source = this.writeQueue.sink = tls;
  }

  /**
   * Sets the default timeout of what receives and what sends; there is none at first.
   *
   * @param timeout Seconds or a duration for both, or `{ read, write }` for each; `null` sets no limit.
   * @throws {TypeError} If it is no time.
   */
  settimeout(timeout: Timeout | DirectionTimeouts): void {
    [this.readSeconds, this.writeSeconds] = directionSeconds(timeout, [this.readSeconds, this.writeSeconds]);
  }

  /**
   * Whether small packets are sent at once, as they are by default, or gathered. Without effect on what is not plain TCP.
   *
   * @param noDelay Whether they are sent at once.
   */
  setNoDelay(noDelay = true): void {
    if (this.conn !== null && "setNoDelay" in this.conn) (this.conn as Deno.TcpConn).setNoDelay(noDelay);
  }

  /**
   * Whether the host probes an idle connection now and then. Without effect on what is not plain TCP.
   *
   * @param keepAlive Whether it does.
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
   * The socket as a pair of web streams. They read and write through the socket, so nothing that it has received
   * before is lost; when both are done the socket is closed.
   */
  streams(): StreamPair {
    return streamsOf(this);
  }

  /** Closes it and wakes everyone who waits. Doing it twice is doing it once; any coroutine may do it. */
  close(): void {
    this.closeAs("it is closed");
  }

  /** @internal Closes it for a reason that those who wait are told. */
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
      // The host has closed it already: it failed to become a TLS connection.
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

/** The length and the data, in one piece if copying costs less than another write. */
function framed(data: Uint8Array): Uint8Array[] {
  const joined = data.length <= JOINED_MESSAGE;
  const head = new Uint8Array(HEADER + (joined ? data.length : 0));
  new DataView(head.buffer).setUint32(0, data.length);
  if (!joined) return [head, data];
  head.set(data, HEADER);
  return [head];
}

/** Says of an operation what its value is. */
function typed<T>(operation: Operation<unknown>): Operation<T> {
  return operation as Operation<T>;
}

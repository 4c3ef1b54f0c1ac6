import { describe } from "../../base/describe.ts";
import { type Data, toBytes } from "../../io/stream/bytes.ts";
import type { AsyncSocket } from "../../io/net/socket.ts";
import type { TlsClientOptions } from "../../io/net/tls.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { sleep } from "../await/sleep.ts";
import { wait } from "../await/wait.ts";
import type { StreamTransport } from "./stream_transport.ts";

/**
 * What goes out over a connection, as asyncio writes it. Made by `openConnection` and `startServer`.
 *
 * `write()` never waits: what cannot be sent at once is kept and sent as soon as the other side takes it. So call
 * `yield* writer.drain()` after it, which waits while too much is on its way.
 */
export class StreamWriter implements Disposable {
  /** @internal */
  readonly transport: StreamTransport;

  /** @internal */
  constructor(transport: StreamTransport) {
    this.transport = transport;
  }

  /** The socket beneath. Reading from it or writing to it by oneself mixes things up. */
  get socket(): AsyncSocket {
    return this.transport.socket;
  }

  /**
   * Sends data, or keeps it to be sent. If the connection is lost nothing is sent, and `drain()` throws.
   *
   * @param data Bytes, or text that is sent as UTF-8. Bytes must not be changed until they are sent.
   * @throws {TypeError} If `data` is neither.
   * @throws {Error} If it is closed, or its end was written.
   */
  write(data: Data): void {
    const bytes = toBytes(data, "write");
    if (bytes.length > 0) this.#mustBeOpen();
    this.transport.write(bytes);
  }

  /**
   * Sends several pieces of data.
   *
   * @param pieces Bytes, or text that is sent as UTF-8.
   * @throws {TypeError} If one of them is neither; then nothing is sent.
   * @throws {Error} If it is closed, or its end was written.
   */
  writelines(pieces: Iterable<Data>): void {
    const all = Array.from(pieces, (piece) => toBytes(piece, "write"));
    if (all.length > 0) this.#mustBeOpen();
    for (const bytes of all) this.transport.write(bytes);
  }

  #mustBeOpen(): void {
    const { closing, ended } = this.transport;
    if (closing) throw new Error(`Cannot write to ${this} as it is closing`);
    if (ended) throw new Error(`Cannot write to ${this} as it is half-closed`);
  }

  /**
   * Waits until not too much is on its way: if there are more than 65,536 bytes, until there are 16,384.
   *
   * @throws The error at which the connection was lost, at the yield; `Deno.errors.ConnectionReset` if this side has
   * closed it.
   */
  drain(): Operation<void> {
    return call(this.#drain());
  }

  *#drain(): Generator<unknown, void, unknown> {
    const { transport } = this;
    this.#throwFailure();
    // One that is being closed gives others a turn, so that a loop of write and drain finds out.
    if (this.isClosing()) yield* sleep(0);
    yield* transport.during(() => transport.paused && !transport.lost);
    if (!transport.lost) return;
    this.#throwFailure();
    throw new Deno.errors.ConnectionReset(`Cannot drain ${this} as the connection is lost: this side has closed it`);
  }

  #throwFailure(): void {
    const failure = this.transport.reader.exception();
    if (failure !== null) throw failure;
  }

  /** Whether the end of this direction can be told to the other side: always. */
  canWriteEof(): boolean {
    return true;
  }

  /**
   * Ends this direction when all that was written is sent; the other one stays open.
   *
   * @throws {Error} If it is closed.
   */
  writeEof(): void {
    if (this.transport.closing) throw new Error(`Cannot write the end to ${this} as it is closing`);
    this.transport.writeEof();
  }

  /**
   * Closes the connection when all that was written is sent; closing it again is harmless. What has come can still be
   * read; then the stream is at its end.
   */
  close(): void {
    this.transport.close();
  }

  /** Whether it is closed or being closed. */
  isClosing(): boolean {
    return this.transport.closing || this.transport.lost;
  }

  /**
   * Waits until it is closed.
   *
   * @throws The error at which the connection was lost, at the yield.
   */
  waitClosed(): Operation<void> {
    return call(this.#waitClosed());
  }

  *#waitClosed(): Generator<unknown, void, unknown> {
    const { closed } = this.transport;
    // Whoever is cancelled here does not cancel what others wait for.
    yield* wait([closed]);
    closed.result();
  }

  /**
   * What is known of the connection.
   *
   * @param name `"peername"` or `"sockname"`, the addresses of either end, or `"socket"`.
   * @param fallback What is given for another name.
   */
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    if (name === "peername") return this.socket.remoteAddr;
    if (name === "sockname") return this.socket.localAddr;
    return name === "socket" ? this.socket : fallback;
  }

  /**
   * Goes on with TLS, as the client, when all that was written is sent. What comes from then on is TLS: bytes that came
   * before and were not read are refused, as whoever is between the two sides may have put them there.
   *
   * @param options The host name to verify, and what else TLS needs.
   * @throws {TypeError} If `hostname` is no string.
   * @throws {Error} At the yield, if bytes have come in the clear that nobody read; the connection stays as it is then.
   * @throws {UnsupportedError} At the yield, if it is not a plain TCP connection.
   * @throws What the host says of the certificate or the handshake, at the yield; the connection is closed then.
   */
  startTls(options: TlsClientOptions & { readonly hostname: string }): Operation<void> {
    const { hostname, serverName = hostname, ...others } = options;
    if (typeof serverName === "string") return call(this.transport.startTls(serverName, others));
    throw new TypeError(`Cannot start TLS as 'hostname' must be a string: current value is ${describe(serverName)}`);
  }

  /** Closes it at the end of a block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** How it reads in messages. */
  toString(): string {
    return `a writer of ${this.socket}`;
  }
}

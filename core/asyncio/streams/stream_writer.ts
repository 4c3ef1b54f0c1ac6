import { describe } from "../../base/describe.ts";
import { mustBeObject } from "../../base/options.ts";
import { type Data, toBytes } from "../../io/stream/bytes.ts";
import type { AsyncSocket } from "../../io/net/socket.ts";
import type { TlsClientOptions } from "../../io/net/tls.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { sleep } from "../await/sleep.ts";
import { wait } from "../await/wait.ts";
import type { StreamTransport } from "./stream_transport.ts";

/**
 * Writes to a connection, as in asyncio. `openConnection` and `startServer` make writers.
 *
 * `write()` never waits: data that cannot be sent at once is queued. So call `yield* writer.drain()` after it, which
 * waits while too much data is unsent.
 */
export class StreamWriter implements Disposable {
  /** @internal */
  readonly transport: StreamTransport;

  /** @internal */
  constructor(transport: StreamTransport) {
    this.transport = transport;
  }

  /** The socket. Do not read from it or write to it: that would disorder the streams. */
  get socket(): AsyncSocket {
    return this.transport.socket;
  }

  /**
   * Sends data, or queues it to be sent. If the connection is lost nothing is sent, and `drain()` throws.
   *
   * @param data Bytes, or text, which is sent as UTF-8. Bytes must not be changed until they are sent.
   * @throws {TypeError} If `data` is neither bytes nor text.
   * @throws {Error} If the writer is closed, or its end was written.
   */
  write(data: Data): void {
    const bytes = toBytes(data, "write");
    if (bytes.length > 0) this.#mustBeOpen();
    this.transport.write(bytes);
  }

  /**
   * Sends several pieces of data.
   *
   * @param pieces Bytes, or text, which is sent as UTF-8.
   * @throws {TypeError} If one of them is neither bytes nor text; then nothing is sent.
   * @throws {Error} If the writer is closed, or its end was written.
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
   * Waits while too much data is unsent: if it is more than 65,536 bytes, until it is 16,384 bytes or less.
   *
   * @throws The error with which the connection was lost, at the yield; `Deno.errors.ConnectionReset` if this side has
   * closed it.
   */
  drain(): Operation<void> {
    return call(this.#drain());
  }

  *#drain(): Generator<unknown, void, unknown> {
    const { transport } = this;
    this.#throwFailure();
    // Gives others a turn while it is being closed, so that a loop of write and drain notices the end.
    if (this.isClosing()) yield* sleep(0);
    yield* transport.waitWhile(() => transport.paused && !transport.lost);
    if (!transport.lost) return;
    this.#throwFailure();
    throw new Deno.errors.ConnectionReset(`Cannot drain ${this} as the connection is lost: this side has closed it`);
  }

  #throwFailure(): void {
    const failure = this.transport.reader.exception();
    if (failure !== null) throw failure;
  }

  /** Whether {@linkcode StreamWriter.writeEof} works: always `true`. */
  canWriteEof(): boolean {
    return true;
  }

  /**
   * Ends the output when all that was written is sent. The input stays open.
   *
   * @throws {Error} If the writer is closed.
   */
  writeEof(): void {
    if (this.transport.closing) throw new Error(`Cannot write the end to ${this} as it is closing`);
    this.transport.writeEof();
  }

  /**
   * Closes the connection when all that was written is sent; calling it again has no effect. Data that was received can
   * still be read; then the stream ends.
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
   * @throws The error with which the connection was lost, at the yield.
   */
  waitClosed(): Operation<void> {
    return call(this.#waitClosed());
  }

  *#waitClosed(): Generator<unknown, void, unknown> {
    const { closed } = this.transport;
    // A task that is cancelled here must not cancel the future, for which other tasks wait too.
    yield* wait([closed]);
    closed.result();
  }

  /**
   * Returns a detail of the connection.
   *
   * @param name `"peername"` or `"sockname"` for the remote or local address, or `"socket"`.
   * @param fallback What to return for any other name.
   */
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    if (name === "peername") return this.socket.remoteAddr;
    if (name === "sockname") return this.socket.localAddr;
    return name === "socket" ? this.socket : fallback;
  }

  /**
   * Starts TLS, as the client, when all that was written is sent. It refuses to if there is unread input, as an attacker
   * may have inserted that before the encryption began.
   *
   * @param options The host name to verify, and further options of TLS.
   * @throws {TypeError} If `options` is not an object or `hostname` not a string.
   * @throws {Error} At the yield, if unencrypted input was received and not read; the connection is unchanged then.
   * @throws {UnsupportedError} At the yield, if it is not a plain TCP connection.
   * @throws The host's error about the certificate or the handshake, at the yield; the connection is closed then.
   */
  startTls(options: TlsClientOptions & { readonly hostname: string }): Operation<void> {
    const { hostname, serverName = hostname, ...others } = mustBeObject(options, "start TLS");
    if (typeof serverName === "string") return call(this.transport.startTls(serverName, others));
    throw new TypeError(`Cannot start TLS as 'hostname' must be a string: current value is ${describe(serverName)}`);
  }

  /** Closes it at the end of a block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Text for messages. */
  toString(): string {
    return `a writer of ${this.socket}`;
  }
}

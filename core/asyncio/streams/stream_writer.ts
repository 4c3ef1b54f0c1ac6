import { Fifo } from "../../fifo.ts";
import { type Data, toBytes } from "../../io/data.ts";
import type { AsyncSocket } from "../../io/socket.ts";
import type { TlsClientOptions } from "../../io/tls.ts";
import type { Operation } from "../../operation.ts";
import { call } from "../../operations/call.ts";
import type { EventLoop } from "../event_loop.ts";
import type { Future } from "../future.ts";
import { sleep } from "../sleep.ts";
import { wait } from "../wait.ts";

// With more than this on its way, `drain()` waits; as in CPython.
const HIGH_WATER = 65_536;

/**
 * What goes out over a connection, as asyncio writes it. Made by `openConnection` and `startServer`.
 *
 * `write()` never waits: what cannot be sent at once is kept and sent as soon as the other side takes it. So call
 * `yield* writer.drain()` after it, which waits while too much is on its way.
 */
export class StreamWriter implements Disposable {
  readonly #loop: EventLoop;
  readonly #socket: AsyncSocket;
  readonly #pieces = new Fifo<Uint8Array>();
  #pending = 0;
  #sending = false;
  #ends: "open" | "half-closed" | "closing" = "open";
  #failure: { readonly error: unknown } | null = null;
  // Woken when less is on its way, or nothing can be sent any more.
  readonly #waiters = new Set<Future<void>>();
  readonly #closed: Future<void>;

  /** @internal */
  constructor(loop: EventLoop, socket: AsyncSocket) {
    this.#loop = loop;
    this.#socket = socket;
    this.#closed = loop.createFuture<void>();
  }

  /** The socket beneath. Reading from it or writing to it by oneself mixes things up. */
  get socket(): AsyncSocket {
    return this.#socket;
  }

  /**
   * Sends data, or keeps it to be sent.
   *
   * @param data Bytes, or text that is sent as UTF-8. Bytes must not be changed until they are sent.
   * @throws {TypeError} If `data` is neither.
   * @throws {Error} If it is closed, or its end was written.
   */
  write(data: Data): void {
    const bytes = toBytes(data, "write");
    if (bytes.length === 0) return;
    if (this.#ends !== "open") throw new Error(`Cannot write to ${this} as it is ${this.#ends}`);
    // As in asyncio, a connection that is lost is told of by drain().
    if (this.#failure !== null) return;
    this.#pieces.push(bytes);
    this.#pending += bytes.length;
    this.#send();
  }

  /**
   * Sends several pieces of data.
   *
   * @param pieces Bytes, or text that is sent as UTF-8.
   */
  writelines(pieces: Iterable<Data>): void {
    for (const piece of pieces) this.write(piece);
  }

  /**
   * Waits until not too much is on its way.
   *
   * @throws The error at which the connection was lost, at the yield.
   */
  drain(): Operation<void> {
    return call(this.#drain());
  }

  *#drain(): Generator<unknown, void, unknown> {
    // One that is being closed gives others a turn, so that a loop of write and drain finds out.
    if (this.#ends === "closing") yield* sleep(0);
    yield* this.#until(() => this.#failure !== null || this.#pending <= HIGH_WATER);
    if (this.#failure !== null) throw this.#failure.error;
  }

  *#until(condition: () => boolean): Generator<unknown, void, unknown> {
    while (!condition()) {
      const waiter = this.#loop.createFuture<void>();
      this.#waiters.add(waiter);
      try {
        yield* waiter;
      } finally {
        this.#waiters.delete(waiter);
      }
    }
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
    if (this.#ends === "closing") throw new Error(`Cannot write the end to ${this} as it is closing`);
    if (this.#ends === "half-closed") return;
    this.#ends = "half-closed";
    this.#send();
  }

  /** Closes the connection when all that was written is sent; closing it again is harmless. */
  close(): void {
    if (this.#ends === "closing") return;
    this.#ends = "closing";
    // What is being sent closes it when it is done.
    if (!this.#sending) this.#finish();
  }

  /** Whether it is closed or being closed. */
  isClosing(): boolean {
    return this.#ends === "closing" || this.#failure !== null;
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
    // Whoever is cancelled here does not cancel what others wait for.
    yield* wait([this.#closed]);
    this.#closed.result();
  }

  /** @internal Calls back when it is closed. */
  whenClosed(callback: () => void): void {
    this.#closed.addDoneCallback(callback);
  }

  /**
   * What is known of the connection.
   *
   * @param name `"peername"` or `"sockname"`, the addresses of either end, or `"socket"`.
   * @param fallback What is given for another name.
   */
  getExtraInfo(name: string, fallback: unknown = null): unknown {
    if (name === "peername") return this.#socket.remoteAddr;
    if (name === "sockname") return this.#socket.localAddr;
    return name === "socket" ? this.#socket : fallback;
  }

  /**
   * Goes on with TLS, as the client.
   *
   * @param options The host name to verify, and what else TLS needs.
   */
  startTls(options: TlsClientOptions & { readonly hostname: string }): Operation<void> {
    return call(this.#startTls(options));
  }

  *#startTls(options: TlsClientOptions & { readonly hostname: string }): Generator<unknown, void, unknown> {
    yield* this.#until(() => !this.#sending);
    yield* this.#socket.startTls(options);
  }

  /** Closes it at the end of a block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** How it reads in messages. */
  toString(): string {
    return `a writer of ${this.#socket}`;
  }

  /** Sees to it that what is there is sent. */
  #send(): void {
    if (this.#sending) return;
    this.#sending = true;
    const pump = () => this.#pump();
    this.#loop.scheduler.spawnWith({ name: "stream writer" }, function* () {
      yield* call(pump());
    });
  }

  *#pump(): Generator<unknown, void, unknown> {
    try {
      for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
        yield* this.#socket.sendall(piece);
        this.#pending -= piece.length;
        this.#wake();
      }
      if (this.#ends === "half-closed") yield* this.#socket.shutdownWrite();
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#sending = false;
      this.#wake();
      if (this.isClosing()) this.#finish();
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters) if (!waiter.done()) waiter.setResult();
  }

  #finish(): void {
    this.#socket.close();
    if (this.#closed.done()) return;
    if (this.#failure === null) this.#closed.setResult();
    else this.#closed.fail(this.#failure.error);
    // Those in drain() and waitClosed() are told; nobody has to ask.
    this.#closed.markRetrieved();
  }
}

/**
 * Listeners. One `accept` of the host is under way while a coroutine waits (`accept_loop.ts`). A connection that comes
 * when no coroutine waits any more is kept for the next wait.
 */
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { ClosedError } from "../../base/errors.ts";
import { Fifo } from "../../base/fifo.ts";
import { type Operation, WAITING } from "../../fiber/operation.ts";
import { isQueued, WaitQueue } from "../../fiber/wait_queue.ts";
import { withoutStack } from "../../base/error_report.ts";
import { AcceptLoop, type AcceptOwner, type TlsPlan } from "./accept_loop.ts";
import { describeAddress } from "./endpoint.ts";
import { type ArrivalLabels, ArrivalWait } from "../wait/arrival_wait.ts";
import type { IoLimit } from "../wait/io_options.ts";
import type { AsyncSocket } from "./socket.ts";
import { KeepAlive } from "../wait/keep_alive.ts";
import { reportShortage } from "./shortage_report.ts";
import type { SocketPath } from "./socket_path.ts";
import type { TlsConn } from "./tls_conn.ts";

const CONNECTION: ArrivalLabels = { label: "accept", action: "accept", item: "a connection" };

/** The parts of a listener. */
export interface ListenerPlan {
  /** Makes the socket of a connection. */
  wrap(conn: Deno.Conn | TlsConn): AsyncSocket;
  /** How its connections begin TLS; `null` if they do not. */
  readonly tls: TlsPlan | null;
  /** Its path in the file system, if it has one. */
  readonly path: SocketPath | null;
}

/**
 * Accepts connections. Made by `AsyncSocket.listen`.
 *
 * @example
 * ```ts
 * import { AsyncSocket, Coro, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
 *   const { port } = listener.addr as Deno.NetAddr;
 *   const server = new Coro(function* () {
 *     using socket = yield* listener.accept(5);
 *     yield* socket.sendall("hello\n");
 *   });
 *   using socket = yield* AsyncSocket.connect({ hostname: "127.0.0.1", port }, 5);
 *   assertEquals(yield* socket.readline(5), "hello");
 *   yield* server.finish();
 * });
 * ```
 */
export class AsyncListener implements Disposable {
  /** The address it listens at. */
  readonly addr: Deno.Addr;
  readonly #path: SocketPath | null;
  readonly #wrap: ListenerPlan["wrap"];
  readonly #accepting: AcceptLoop;
  readonly #waitQueue = new WaitQueue<ArrivalWait<AsyncSocket>>();
  // Connections that were not taken yet.
  readonly #arrived = new Fifo<AsyncSocket>();
  /** @internal Called for a shortage with the host's error, instead of the `onError` of the scheduler. */
  onShortage: ((error: unknown) => void) | null = null;
  readonly #keepAlive = new KeepAlive((alive) => this.#accepting.setRef(alive), true);
  #closed = false;

  /** @internal */
  constructor(listener: Deno.Listener, { wrap, tls, path }: ListenerPlan) {
    this.addr = listener.addr;
    this.#path = path;
    this.#wrap = wrap;
    this.#accepting = new AcceptLoop(listener, tls, this.#acceptOwner());
  }

  #acceptOwner(): AcceptOwner {
    return {
      connected: (conn) => {
        this.#arrived.push(this.#wrap(conn));
        this.#serve();
      },
      proceed: () => this.#serve(),
      // The waits go on, within their limits.
      shortage: (error) => this.report(error, this.#waitQueue.head),
      failed: (error) => this.#failFirst(error),
      stopped: () => this.#path?.closed(),
    };
  }

  /**
   * Waits for the next connection. Several coroutines may wait; they are served in order.
   *
   * A client that has left before it was accepted, or whose TLS handshake fails, is passed over. When the process or
   * the system has no descriptor left, that is reported once, to the scheduler's `onError` or as a line on stderr, and
   * accepting goes on a second later. Limits and `close` take effect meanwhile.
   *
   * @param limit How long to wait; a connection that comes later is kept for the next `accept`.
   * @returns The socket of the connection.
   * @throws {TimeoutError} At the yield, if none came in time.
   * @throws {ClosedError} At the yield, if the listener is closed, or is closed meanwhile.
   * @throws {TypeError} If `limit` is neither a valid duration nor a signal.
   */
  accept(limit?: IoLimit): Operation<AsyncSocket> {
    return new ArrivalWait(this, limit, CONNECTION);
  }

  /**
   * Stops listening; every `accept` that waits fails with a `ClosedError`. Connections that were not accepted are
   * closed. Calling it again has no effect.
   */
  close(): void {
    if (this.#closed) return;
    this.#keepAlive.release();
    this.#closed = true;
    this.#path?.closing();
    this.#accepting.close();
    for (let socket = this.#arrived.shift(); socket !== undefined; socket = this.#arrived.shift()) socket.close();
    this.#failAll();
  }

  /** The same as {@linkcode AsyncListener.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The address it listens at: `127.0.0.1:3456`, or a path. */
  toString(): string {
    return describeAddress(this.addr);
  }

  /** @internal See `ArrivalSource.enqueue`. */
  enqueue(wait: ArrivalWait<AsyncSocket>, coro: Coro): void {
    this.#waitQueue.push(wait);
    this.#keepAlive.register(coro);
    this.#serve();
  }

  /** @internal See `ArrivalSource.dequeue`. */
  dequeue(wait: ArrivalWait<AsyncSocket>): void {
    if (isQueued(wait)) this.#waitQueue.remove(wait);
    // A host operation that no coroutine waits for must not keep the process alive.
    if (this.#waitQueue.head === null) this.#keepAlive.release();
  }

  /** @internal See `ArrivalSource.updateKeepAlive`. */
  updateKeepAlive(coro: Coro): void {
    this.#keepAlive.register(coro);
  }

  /** @internal See `ArrivalSource.putBack`. */
  putBack(socket: AsyncSocket): void {
    if (this.#closed) return socket.close();
    this.#arrived.unshift(socket);
    this.#serve();
  }

  #serve(): void {
    if (this.#closed) return this.#failAll();
    for (let wait = this.#waitQueue.head; wait !== null; wait = this.#waitQueue.head) {
      const socket = this.#arrived.shift();
      if (socket === undefined) return this.#accepting.next();
      this.dequeue(wait);
      wait.settle(socket);
    }
  }

  #failAll(): void {
    const waitQueue = this.#waitQueue;
    for (let wait = waitQueue.shift(); wait !== null; wait = waitQueue.shift()) wait.settleError(this.#closedError());
  }

  #failFirst(error: unknown): true {
    const wait = this.#waitQueue.head;
    if (wait !== null && wait.state === WAITING) {
      this.dequeue(wait);
      wait.settleError(error);
      this.#serve();
    }
    return true;
  }

  /** @internal Reports a shortage. */
  report(error: Error, wait: ArrivalWait<AsyncSocket> | null): void {
    if (this.onShortage !== null) return this.onShortage(withoutStack(error));
    const fiber = wait?.fiber ?? null;
    reportShortage(error, describeAddress(this.addr), fiber === null ? null : coroOf(fiber));
  }

  #closedError(): ClosedError {
    return new ClosedError(`Cannot accept as the listener at ${this} is closed`);
  }
}

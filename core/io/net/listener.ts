/**
 * Listeners. One `accept` of the host is under way while a coroutine waits. A connection that comes when no coroutine
 * waits any more is kept for the next wait.
 *
 * No client can end a listener, and neither can a lack of descriptors. A connection that broke before it was accepted
 * is passed over. After a shortage, which is reported once, the listener pauses and then goes on.
 */
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { ClosedError } from "../../base/errors.ts";
import { Fifo } from "../../base/fifo.ts";
import { type Operation, WAITING } from "../../fiber/operation.ts";
import { WaitQueue } from "../../fiber/wait_queue.ts";
import { printError, withoutStack } from "../../base/error_report.ts";
import { isBrokenConnection, isShortage, SHORTAGE_PAUSE } from "./accept_errors.ts";
import { describeAddress } from "./endpoint.ts";
import { Handshakes } from "./handshakes.ts";
import { type ArrivalLabels, ArrivalWait } from "../wait/arrival_wait.ts";
import type { IoLimit } from "../wait/io_options.ts";
import type { AsyncSocket } from "./socket.ts";
import { KeepAlive } from "../wait/keep_alive.ts";
import { ShortagePause } from "./shortage_pause.ts";
import type { SocketPath } from "./socket_path.ts";
import type { TlsEngine } from "./tls_engine.ts";
import { TlsConn } from "./tls_conn.ts";

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

/** How the connections of a listener begin TLS. */
export interface TlsPlan {
  /** Makes the TLS of a connection, with the certificate that all of them share. */
  readonly engine: TlsEngine;
  /** Seconds that a handshake may take. */
  readonly seconds: number;
  /** Called for each handshake that fails. */
  readonly onHandshakeError: ((error: unknown, addr: Deno.Addr) => void) | null;
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
  readonly #listener: Deno.Listener;
  readonly #plan: ListenerPlan;
  readonly #waitQueue = new WaitQueue<ArrivalWait<AsyncSocket>>();
  // Connections that were not taken yet.
  readonly #arrived = new Fifo<AsyncSocket>();
  readonly #handshakes: Handshakes | null;
  #accepting = false;
  readonly #pause = new ShortagePause();
  /** @internal Called for a shortage with the host's error, instead of the `onError` of the scheduler. */
  onShortage: ((error: unknown) => void) | null = null;
  #alive = true;
  readonly #keepAlive = new KeepAlive((alive) => this.#setRef(alive), true);
  #closed = false;

  /** @internal */
  constructor(listener: Deno.Listener, plan: ListenerPlan) {
    this.#listener = listener;
    this.#plan = plan;
    this.addr = listener.addr;
    this.#handshakes = plan.tls === null ? null : this.#newHandshakes(plan.tls);
  }

  #newHandshakes({ engine, seconds, onHandshakeError }: TlsPlan): Handshakes {
    return new Handshakes({
      secure: (conn) => TlsConn.server(conn, engine),
      seconds,
      succeeded: (conn) => this.#add(conn),
      failed: (error, addr) => {
        try {
          onHandshakeError?.(error, addr);
        } catch (failure) {
          printError("Error in the onHandshakeError hook", failure);
        }
      },
    });
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
    this.#plan.path?.closing();
    this.#listener.close();
    if (!this.#accepting) this.#plan.path?.closed();
    this.#pause.stop();
    this.#handshakes?.close();
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
    if (this.#waitQueue.has(wait)) this.#waitQueue.remove(wait);
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
      if (socket === undefined) return this.#acceptNext();
      this.dequeue(wait);
      wait.settle(socket);
    }
  }

  #failAll(): void {
    const waitQueue = this.#waitQueue;
    for (let wait = waitQueue.shift(); wait !== null; wait = waitQueue.shift()) wait.settleError(this.#closedError());
  }

  #acceptNext(): void {
    if (this.#accepting || this.#pause.active) return;
    this.#accepting = true;
    this.#listener.accept().then(this.#accepted, this.#failed);
  }

  readonly #accepted = (conn: Deno.Conn): void => {
    this.#accepting = false;
    this.#pause.ended();
    if (this.#closed) {
      this.#plan.path?.closed();
      return conn.close();
    }
    setNoDelay(conn);
    if (this.#handshakes === null) return this.#add(conn);
    this.#handshakes.begin(conn);
    this.#serve();
  };

  #add(conn: Deno.Conn | TlsConn): void {
    this.#arrived.push(this.#plan.wrap(conn));
    this.#serve();
  }

  readonly #failed = (error: unknown): void => {
    this.#accepting = false;
    if (this.#closed) return this.#plan.path?.closed();
    if (isBrokenConnection(error)) return this.#serve();
    const wait = this.#waitQueue.head;
    if (isShortage(error)) {
      // The waits go on, within their limits.
      const isNew = this.#pause.begin(() => this.#serve(), this.#alive);
      return isNew ? this.report(error, wait) : undefined;
    }
    if (wait === null || wait.state !== WAITING) return;
    this.#waitQueue.remove(wait);
    wait.settleError(error);
  };

  /**
   * @internal
   * Reports a shortage. The errors have no stacks: Deno 2.9 reads source maps for a stack, and panics if there is no
   * descriptor for that.
   */
  report(cause: Error, wait: ArrivalWait<AsyncSocket> | null): void {
    withoutStack(cause);
    if (this.onShortage !== null) return this.onShortage(cause);
    const where = describeAddress(this.addr);
    const error = withoutStack(
      new Error(`Cannot accept at ${where} at the moment: ${cause.message}; trying again every ${SHORTAGE_PAUSE} s`, {
        cause,
      }),
    );
    const fiber = wait?.fiber ?? null;
    const owner = fiber === null ? null : coroOf(fiber);
    // The program goes on, so it prints a line and not the report of a failure.
    if (owner === null || owner.scheduler.onError === null) console.error(error.message);
    else owner.loop.reportError(error, owner);
  }

  #closedError(): ClosedError {
    return new ClosedError(`Cannot accept as the listener at ${this} is closed`);
  }

  #setRef(alive: boolean): void {
    this.#alive = alive;
    if (this.#closed) return;
    this.#pause.setRef(alive);
    if (alive) this.#listener.ref();
    else this.#listener.unref();
  }
}

/** As in Go and asyncio: a small message is sent at once, whether or not the one before was acknowledged. */
function setNoDelay(conn: Deno.Conn): void {
  try {
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
  } catch {
    // Some systems refuse if the peer has left. The first use of the connection will fail.
  }
}

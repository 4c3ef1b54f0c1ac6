/**
 * Listeners. One `accept` of the host is under way while somebody waits, and what it brings is kept if nobody waits
 * any more.
 *
 * Nothing that a client does ends a listener, and neither does a lack of descriptors: what was accepted too late is
 * forgotten, and after a shortage, which is reported once, the listener pauses and goes on.
 */
import type { Coro } from "../../coroutine/coro.ts";
import { coroOf } from "../../coroutine/coro_of.ts";
import { ClosedError } from "../../base/errors.ts";
import { Fifo } from "../../base/fifo.ts";
import { type HostTimer, setTimerRef, startTimer, stopTimer } from "../../host/timers.ts";
import { WAITING } from "../../fiber/operation.ts";
import type { Operation } from "../../fiber/operation.ts";
import { printError, withoutStack } from "../../base/error_report.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { isGone, isShortage, SHORTAGE_PAUSE } from "./accept_errors.ts";
import { describeAddress } from "./endpoint.ts";
import { Handshakes } from "./handshakes.ts";
import { IoWait } from "../wait/io_wait.ts";
import type { IoLimit } from "../wait/io_options.ts";
import type { AsyncSocket } from "./socket.ts";
import { KeepAlive } from "../wait/keep_alive.ts";
import type { SocketPath } from "./socket_path.ts";
import type { Engine } from "../tls_engine.ts";
import { TlsConn } from "./tls_conn.ts";
import { WaitLine } from "../wait/wait_line.ts";

/** What a listener is made of. */
export interface ListenerPlan {
  /** Makes the socket of a connection. */
  wrap(conn: Deno.Conn | TlsConn): AsyncSocket;
  /** How TLS is begun, if it is. */
  readonly tls: TlsPlan | null;
  /** Its path, if it has one in the file system. */
  readonly path: SocketPath | null;
}

/** How a listener begins TLS. */
export interface TlsPlan {
  /** The certificate and what else its connections share. */
  readonly engine: Engine;
  /** Seconds that a handshake may take. */
  readonly seconds: number;
  /** Told of handshakes that failed. */
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
  /** Where it listens. */
  readonly addr: Deno.Addr;
  readonly #listener: Deno.Listener;
  readonly #plan: ListenerPlan;
  readonly #line = new WaitLine();
  readonly #ready = new Fifo<AsyncSocket>();
  readonly #handshakes: Handshakes | null;
  #accepting = false;
  // Runs while the listener pauses after a shortage.
  #pause: HostTimer | null = null;
  // A shortage was reported, and nothing has been accepted since.
  #short = false;
  /** @internal Is told of a shortage, with the host's error, instead of the scheduler. */
  onShortage: ((error: unknown) => void) | null = null;
  #alive = true;
  readonly #keepAlive = new KeepAlive((alive) => this.#hold(alive), true);
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
   * A client that has gone before it was accepted, or whose TLS handshake fails, is passed over. When the process or the
   * system has no descriptor left, that is reported once, to the scheduler's `onError` or as a line on stderr, and
   * accepting goes on a second later; limits and `close` hold meanwhile.
   *
   * @param limit How long; a connection that comes later is kept for the next `accept`.
   * @returns Its socket.
   * @throws {TimeoutError} At the yield, if none came in time.
   * @throws {ClosedError} At the yield, if the listener is closed, or gets closed meanwhile.
   * @throws {TypeError} If `limit` is no time and no signal.
   */
  accept(limit?: IoLimit): Operation<AsyncSocket> {
    return new Accept(this, limit) as Operation<unknown> as Operation<AsyncSocket>;
  }

  /** Stops listening and wakes everyone who waits. Connections that nobody has accepted are closed. Doing it twice is doing it once. */
  close(): void {
    if (this.#closed) return;
    this.#keepAlive.leave();
    this.#closed = true;
    this.#plan.path?.begin();
    this.#listener.close();
    if (!this.#accepting) this.#plan.path?.end();
    if (this.#pause !== null) stopTimer(this.#pause);
    this.#handshakes?.close();
    for (let socket = this.#ready.shift(); socket !== undefined; socket = this.#ready.shift()) socket.close();
    for (const wait of this.#line) {
      this.#line.remove(wait);
      wait.settleError(this.#closedError());
    }
  }

  /** The same as {@linkcode AsyncListener.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Where it listens: `127.0.0.1:3456`, or the path. */
  toString(): string {
    return describeAddress(this.addr);
  }

  /** @internal */
  enter(wait: IoWait, coro: Coro): void {
    this.#line.push(wait);
    this.#keepAlive.enter(coro);
    this.#serve();
  }

  /** @internal */
  refer(coro: Coro): void {
    this.#keepAlive.enter(coro);
  }

  /** @internal */
  leave(wait: IoWait): void {
    this.#line.remove(wait);
    // An accept that nobody waits for must not hold the process open.
    if (this.#line.first === null) this.#keepAlive.leave();
  }

  /** @internal A connection was granted in vain. */
  putBack(socket: AsyncSocket): void {
    if (this.#closed) return socket.close();
    this.#ready.unshift(socket);
    this.#serve();
  }

  #serve(): void {
    for (let wait = this.#line.first; wait !== null; wait = this.#line.first) {
      if (this.#closed) {
        this.#line.remove(wait);
        wait.settleError(this.#closedError());
        continue;
      }
      const socket = this.#ready.shift();
      if (socket === undefined) return this.#pump();
      this.leave(wait);
      wait.settle(socket);
    }
  }

  #pump(): void {
    if (this.#accepting || this.#pause !== null) return;
    this.#accepting = true;
    this.#listener.accept().then(this.#accepted, this.#failed);
  }

  readonly #accepted = (conn: Deno.Conn): void => {
    this.#accepting = false;
    this.#short = false;
    if (this.#closed) {
      this.#plan.path?.end();
      return conn.close();
    }
    sendAtOnce(conn);
    if (this.#handshakes === null) return this.#add(conn);
    this.#handshakes.begin(conn);
    this.#serve();
  };

  #add(conn: Deno.Conn | TlsConn): void {
    this.#ready.push(this.#plan.wrap(conn));
    this.#serve();
  }

  readonly #failed = (error: unknown): void => {
    this.#accepting = false;
    if (this.#closed) return this.#plan.path?.end();
    if (isGone(error)) return this.#serve();
    const wait = this.#line.first;
    if (isShortage(error)) return this.#rest(error, wait);
    if (wait === null || wait.state !== WAITING) return;
    this.#line.remove(wait);
    wait.settleError(error);
  };

  /** Accepts nothing for a while. Those who wait go on waiting, as long as their limits let them. */
  #rest(error: Error, wait: IoWait | null): void {
    const goOn = (): void => {
      this.#pause = null;
      this.#serve();
    };
    this.#pause = startTimer(goOn, SHORTAGE_PAUSE, this.#alive);
    if (this.#short) return;
    this.#short = true;
    this.report(error, wait);
  }

  /** @internal Without stacks: Deno 2.9 reads source maps for them, and panics if there is no descriptor for that. */
  report(cause: Error, wait: IoWait | null): void {
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
    // The program goes on, so this is a line and not the report of a failure.
    if (owner === null || owner.scheduler.onError === null) console.error(error.message);
    else owner.scheduler.reportError(error, owner);
  }

  #closedError(): ClosedError {
    return new ClosedError(`Cannot accept as the listener at ${this} is closed`);
  }

  #hold(alive: boolean): void {
    this.#alive = alive;
    if (this.#closed) return;
    if (this.#pause !== null) setTimerRef(this.#pause, alive);
    if (alive) this.#listener.ref();
    else this.#listener.unref();
  }
}

class Accept extends IoWait {
  readonly label = "accept";
  readonly #listener: AsyncListener;

  constructor(listener: AsyncListener, limit: IoLimit) {
    super(limit, Infinity, "accept");
    this.#listener = listener;
  }

  override get waitsFor(): string {
    return `a connection to ${this.#listener}`;
  }

  protected override enter(fiber: Fiber): void {
    this.#listener.enter(this, coroOf(fiber));
  }

  protected override leave(): void {
    this.#listener.leave(this);
  }

  protected override refer(coro: Coro): void {
    this.#listener.refer(coro);
  }

  override reclaim(): void {
    this.#listener.putBack(this.outcome as AsyncSocket);
  }
}

/** As in Go and asyncio: a small message goes at once, whether or not the one before was acknowledged. */
function sendAtOnce(conn: Deno.Conn): void {
  try {
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
  } catch {
    // Where the peer has gone some systems refuse. Whoever uses the connection finds out.
  }
}

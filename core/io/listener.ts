/**
 * Listeners. One `accept` of the host is under way while somebody waits, and what it brings is kept if nobody waits
 * any more. A TLS handshake is made beside the accepting, under a time limit of its own, so that a client that says
 * nothing, or garbage, costs the others nothing.
 */
import type { Coro } from "../coro.ts";
import { ClosedError } from "../errors.ts";
import { Fifo } from "../fifo.ts";
import { type HostTimer, startTimer, stopTimer } from "../host.ts";
import { WAITING } from "../operation.ts";
import type { Operation } from "../operation.ts";
import { printError } from "../report.ts";
import type { Strand } from "../strand.ts";
import { describeAddress } from "./endpoint.ts";
import { IoWait } from "./io_wait.ts";
import type { IoLimit } from "./limit.ts";
import type { AsyncSocket } from "./socket.ts";
import { Reference } from "./reference.ts";
import { WaitLine } from "./wait_line.ts";

/** What a listener is made of. */
export interface ListenerPlan {
  /** Makes the socket of a connection whose handshake, if any, is done. */
  wrap(conn: Deno.Conn): AsyncSocket;
  /** Seconds that a TLS handshake may take. */
  readonly handshakeSeconds: number;
  /** Told of handshakes that failed. */
  readonly onHandshakeError: ((error: unknown, addr: Deno.Addr) => void) | null;
  /** Undoes what listening has left behind. */
  tidy(): void;
}

// More silent clients than this, and the oldest are sent away.
const MAX_HANDSHAKES = 1000;

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
  readonly #handshakes = new Map<Deno.TlsConn, HostTimer>();
  #accepting = false;
  readonly #reference = new Reference((alive) => this.#hold(alive), true);
  #closed = false;

  /** @internal */
  constructor(listener: Deno.Listener, plan: ListenerPlan) {
    this.#listener = listener;
    this.#plan = plan;
    this.addr = listener.addr;
  }

  /**
   * Waits for the next connection. Several coroutines may wait; they are served in order.
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
    this.#reference.leave();
    this.#closed = true;
    this.#listener.close();
    for (const [conn, timer] of this.#handshakes) {
      stopTimer(timer);
      closeQuietly(conn);
    }
    for (let socket = this.#ready.shift(); socket !== undefined; socket = this.#ready.shift()) socket.close();
    for (const wait of this.#line) {
      this.#line.remove(wait);
      wait.settleError(this.#closedError());
    }
    this.#plan.tidy();
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
    this.#reference.enter(coro);
    this.#serve();
  }

  /** @internal */
  refer(coro: Coro): void {
    this.#reference.enter(coro);
  }

  /** @internal */
  leave(wait: IoWait): void {
    this.#line.remove(wait);
    // An accept that nobody waits for must not hold the process open.
    if (this.#line.first === null) this.#reference.leave();
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
    if (this.#accepting) return;
    this.#accepting = true;
    this.#listener.accept().then(this.#accepted, this.#failed);
  }

  readonly #accepted = (conn: Deno.Conn): void => {
    this.#accepting = false;
    if (this.#closed) return closeQuietly(conn);
    if ("handshake" in conn) this.#shakeHands(conn as Deno.TlsConn);
    else this.#ready.push(this.#plan.wrap(conn));
    this.#serve();
  };

  readonly #failed = (error: unknown): void => {
    this.#accepting = false;
    if (this.#closed) return;
    // The client has gone before it was accepted: no concern of ours.
    if ((error as Error).name === "ConnectionAborted") return this.#serve();
    const wait = this.#line.first;
    if (wait === null || wait.state !== WAITING) return;
    this.#line.remove(wait);
    wait.settleError(error);
  };

  #shakeHands(conn: Deno.TlsConn): void {
    if (this.#handshakes.size >= MAX_HANDSHAKES) closeQuietly(this.#handshakes.keys().next().value!);
    const late = () => closeQuietly(conn);
    this.#handshakes.set(conn, startTimer(late, this.#plan.handshakeSeconds, true));
    conn.handshake().then(() => this.#shaken(conn, null), (error) => this.#shaken(conn, { error }));
  }

  #shaken(conn: Deno.TlsConn, failure: { error: unknown } | null): void {
    const timer = this.#handshakes.get(conn);
    if (timer !== undefined) stopTimer(timer);
    this.#handshakes.delete(conn);
    if (failure === null && !this.#closed) {
      this.#ready.push(this.#plan.wrap(conn));
      return this.#serve();
    }
    closeQuietly(conn);
    if (failure !== null && !this.#closed) this.#tellFailure(failure.error, conn.remoteAddr);
  }

  #tellFailure(error: unknown, addr: Deno.Addr): void {
    try {
      this.#plan.onHandshakeError?.(error, addr);
    } catch (failure) {
      printError("Error in the onHandshakeError hook", failure);
    }
  }

  #closedError(): ClosedError {
    return new ClosedError(`Cannot accept as the listener at ${this} is closed`);
  }

  #hold(alive: boolean): void {
    if (this.#closed) return;
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

  protected override enter(strand: Strand): void {
    this.#listener.enter(this, strand.owner);
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

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // It was closed before, by the other of the two who may.
  }
}

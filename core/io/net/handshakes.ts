import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import { TimeoutError } from "../../base/errors.ts";
import type { TlsConn } from "./tls_conn.ts";

/** How handshakes begin, and the callbacks for their ends. */
export interface HandshakePlan {
  /** Begins TLS as the server. */
  secure(conn: Deno.Conn): TlsConn;
  /** Seconds that a handshake may take. */
  readonly seconds: number;
  /** How many may be under way: with one more, the oldest is given up. */
  readonly most: number;
  /** Whether handshakes keep the process alive. */
  readonly alive: boolean;
  /** A handshake has succeeded. */
  succeeded(conn: TlsConn): void;
  /** A handshake has failed, or took too long. */
  failed(error: unknown, addr: Deno.Addr): void;
}

/**
 * TLS handshakes that are under way while the listener goes on accepting. A client that sends nothing, or garbage, does
 * not hold up the others.
 *
 * A handshake that never ends is given up by its timer, when there are too many others, or when the listener closes. Its
 * connection is closed at once, which frees the descriptor.
 */
export class Handshakes {
  readonly #plan: HandshakePlan;
  readonly #pending = new Map<TlsConn, HostTimer>();

  constructor(plan: HandshakePlan) {
    this.#plan = plan;
  }

  /** Begins a handshake. */
  begin(conn: Deno.Conn): void {
    if (this.#pending.size >= this.#plan.most) {
      this.#giveUp(this.#pending.keys().next().value!, "there are too many others");
    }
    let secured: TlsConn;
    try {
      secured = this.#plan.secure(conn);
    } catch (error) {
      conn.close();
      return this.#plan.failed(error, conn.remoteAddr);
    }
    const late = (): void => this.#giveUp(secured, `it took more than ${this.#plan.seconds} s`);
    this.#pending.set(secured, startTimer(late, this.#plan.seconds, this.#plan.alive));
    if (!this.#plan.alive) secured.unref();
    secured.handshake().then(() => this.#succeeded(secured), (error) => this.#failed(secured, error));
  }

  /** Gives up all handshakes, without a callback. */
  close(): void {
    for (const conn of [...this.#pending.keys()]) {
      this.#remove(conn);
      conn.close();
    }
  }

  #giveUp(conn: TlsConn, reason: string): void {
    this.#failed(conn, new TimeoutError(`The TLS handshake was given up as ${reason}`));
  }

  #succeeded(conn: TlsConn): void {
    if (this.#remove(conn)) this.#plan.succeeded(conn);
  }

  #failed(conn: TlsConn, error: unknown): void {
    if (!this.#remove(conn)) return;
    conn.close();
    this.#plan.failed(error, conn.remoteAddr);
  }

  /** Removes a handshake. Returns whether it was still pending. */
  #remove(conn: TlsConn): boolean {
    const timer = this.#pending.get(conn);
    if (timer !== undefined) stopTimer(timer);
    return this.#pending.delete(conn);
  }
}

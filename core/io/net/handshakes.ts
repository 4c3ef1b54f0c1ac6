import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import { TimeoutError } from "../../base/errors.ts";
import type { TlsConn } from "./tls_conn.ts";

/** What becomes of handshakes. */
export interface HandshakePlan {
  /** Begins TLS as the server. */
  secure(conn: Deno.Conn): TlsConn;
  /** Seconds that one may take. */
  readonly seconds: number;
  /** One has succeeded. */
  succeeded(conn: TlsConn): void;
  /** One has failed, or took too long. */
  failed(error: unknown, addr: Deno.Addr): void;
}

// With more clients than this in their handshakes, the oldest is sent away.
const MAX_HANDSHAKES = 1000;

/**
 * TLS handshakes that are made while the listener goes on accepting, each under a time limit, so that a client that
 * says nothing, or garbage, costs the others nothing. A connection is closed as soon as its handshake is given up.
 */
export class Handshakes {
  readonly #plan: HandshakePlan;
  readonly #pending = new Map<TlsConn, HostTimer>();

  constructor(plan: HandshakePlan) {
    this.#plan = plan;
  }

  /** Begins one. */
  begin(conn: Deno.Conn): void {
    if (this.#pending.size >= MAX_HANDSHAKES) {
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
    this.#pending.set(secured, startTimer(late, this.#plan.seconds, true));
    secured.handshake().then(() => this.#succeeded(secured), (error) => this.#failed(secured, error));
  }

  /** Gives all of them up. Nobody is told. */
  close(): void {
    for (const conn of [...this.#pending.keys()]) {
      this.#forget(conn);
      conn.close();
    }
  }

  #giveUp(conn: TlsConn, reason: string): void {
    this.#failed(conn, new TimeoutError(`The TLS handshake was given up as ${reason}`));
  }

  #succeeded(conn: TlsConn): void {
    if (this.#forget(conn)) this.#plan.succeeded(conn);
  }

  #failed(conn: TlsConn, error: unknown): void {
    if (!this.#forget(conn)) return;
    conn.close();
    this.#plan.failed(error, conn.remoteAddr);
  }

  /** Whether it was still pending. */
  #forget(conn: TlsConn): boolean {
    const timer = this.#pending.get(conn);
    if (timer !== undefined) stopTimer(timer);
    return this.#pending.delete(conn);
  }
}

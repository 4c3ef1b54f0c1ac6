/**
 * Accepts the connections of a listener of the host: one `accept` at a time, whenever its owner asks for the next.
 *
 * No client can end it, and neither can a lack of descriptors. A connection that broke before it was accepted is passed
 * over. After a shortage, which is reported once, it pauses and then goes on.
 */
import { isBrokenConnection, isShortage } from "./accept_errors.ts";
import { Handshakes } from "./handshakes.ts";
import { ShortagePause } from "./shortage_pause.ts";
import { TlsConn } from "./tls_conn.ts";
import type { TlsEngine } from "./tls_engine.ts";
import { printError } from "../../base/error_report.ts";

/** What an {@linkcode AcceptLoop} accepts for. */
export interface AcceptOwner {
  /** A connection was accepted and, with TLS, its handshake has succeeded. */
  connected(conn: Deno.Conn | TlsConn): void;
  /** An `accept` of the host or a pause has ended: `next()` is to be called if another connection is wanted. */
  proceed(): void;
  /** A shortage has begun. Accepting goes on by itself. */
  shortage(error: Error): void;
  /** The host has failed, and no client is the cause. Returns `false` if accepting is to go on as after a shortage. */
  failed(error: unknown): boolean;
  /** The loop was closed, and no `accept` of the host is under way any more. */
  stopped(): void;
}

/** How the connections of a listener begin TLS. */
export interface TlsPlan {
  /** Makes the TLS of a connection, with the certificate that all of them share. */
  readonly engine: TlsEngine;
  /** Seconds that a handshake may take. */
  readonly seconds: number;
  /** Called for each handshake that fails. */
  readonly onHandshakeError: ((error: unknown, addr: Deno.Addr) => void) | null;
  /** How many handshakes may be under way: with one more, the oldest is given up. */
  readonly mostHandshakes: number;
  /** Whether handshakes keep the process alive. */
  readonly alive: boolean;
}

/** See the head of this file. */
export class AcceptLoop {
  readonly #listener: Deno.Listener;
  readonly #owner: AcceptOwner;
  readonly #handshakes: Handshakes | null;
  readonly #pause = new ShortagePause();
  #accepting = false;
  #alive = true;
  #closed = false;

  constructor(listener: Deno.Listener, tls: TlsPlan | null, owner: AcceptOwner) {
    this.#listener = listener;
    this.#owner = owner;
    this.#handshakes = tls === null ? null : this.#newHandshakes(tls);
  }

  #newHandshakes({ engine, seconds, onHandshakeError, mostHandshakes, alive }: TlsPlan): Handshakes {
    return new Handshakes({
      secure: (conn) => TlsConn.server(conn, engine),
      seconds,
      most: mostHandshakes,
      alive,
      succeeded: (conn) => this.#owner.connected(conn),
      failed: (error, addr) => {
        try {
          onHandshakeError?.(error, addr);
        } catch (failure) {
          printError("Error in the onHandshakeError hook", failure);
        }
      },
    });
  }

  /** Accepts one more connection, unless it is doing so or pauses. */
  next(): void {
    if (this.#accepting || this.#pause.active || this.#closed) return;
    this.#accepting = true;
    this.#listener.accept().then(this.#accepted, this.#failed);
  }

  /** Stops listening, and gives up the handshakes. To be called once. */
  close(): void {
    this.#closed = true;
    this.#listener.close();
    if (!this.#accepting) this.#owner.stopped();
    this.#pause.stop();
    this.#handshakes?.close();
  }

  /** Makes accepting keep the process alive, as at first, or not. */
  setRef(alive: boolean): void {
    this.#alive = alive;
    if (this.#closed) return;
    this.#pause.setRef(alive);
    if (alive) this.#listener.ref();
    else this.#listener.unref();
  }

  readonly #accepted = (conn: Deno.Conn): void => {
    this.#accepting = false;
    this.#pause.ended();
    if (this.#closed) {
      conn.close();
      return this.#owner.stopped();
    }
    setNoDelay(conn);
    if (this.#handshakes === null) this.#owner.connected(conn);
    else this.#handshakes.begin(conn);
    this.#owner.proceed();
  };

  readonly #failed = (error: unknown): void => {
    this.#accepting = false;
    if (this.#closed) return this.#owner.stopped();
    if (isBrokenConnection(error)) return this.#owner.proceed();
    if (!isShortage(error) && this.#owner.failed(error)) return;
    const isNew = this.#pause.begin(() => this.#owner.proceed(), this.#alive);
    if (isNew) this.#owner.shortage(error as Error);
  };
}

/** As in Go and asyncio: a small message is sent at once, whether or not the one before was acknowledged. */
function setNoDelay(conn: Deno.Conn): void {
  try {
    if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
  } catch {
    // Some systems refuse if the peer has left. The first use of the connection will fail.
  }
}

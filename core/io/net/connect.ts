/**
 * Connecting: by TCP, by TLS, or to a socket in the file system.
 */
import type { Operation } from "../../fiber/operation.ts";
import { denoWith } from "../../host/capability.ts";
import { checkEndpoint, describeAddress, type NetEndpoint, type PathEndpoint } from "./endpoint.ts";
import { HostCall } from "../wait/host_call.ts";
import type { IoLimit } from "../wait/io_options.ts";
import { checkTls, type TlsClientOptions } from "./tls.ts";
import { TlsConn } from "./tls_conn.ts";

/** Where to connect: by TCP, with or without TLS, or to a socket in the file system. */
export type ConnectTarget = NetEndpoint & { readonly tls?: boolean | TlsClientOptions } | PathEndpoint;

/** One attempt to connect. When it is given up, it closes the connection that it has opened. */
class ConnectAttempt {
  readonly #target: ConnectTarget;
  readonly #deno: typeof Deno;
  readonly #controller = new AbortController();
  #conn: { close(): void } | null = null;

  constructor(target: ConnectTarget) {
    this.#target = target;
    this.#deno = denoWith("connect", "connect");
    // Deno 2.9 calls this once more after it has connected, and if it throws, Deno neither returns nor closes the
    // connection. So it must not throw: a connection that comes too late is returned, and closed here.
    this.#controller.signal.throwIfAborted = () => {};
  }

  async start(): Promise<Deno.Conn | TlsConn> {
    try {
      const conn = await this.#connect();
      this.#conn = null;
      return conn;
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  abort(): void {
    this.#controller.abort();
    this.#close();
  }

  #close(): void {
    const conn = this.#conn;
    this.#conn = null;
    conn?.close();
  }

  #connect(): Promise<Deno.Conn | TlsConn> {
    const target = this.#target;
    if ("path" in target) return this.#deno.connect({ transport: "unix", path: target.path });
    if (target.tls === undefined || target.tls === false) return this.#connectTcp(target);
    return this.#connectTls(target, checkTls<TlsClientOptions>(target.tls, "connect"));
  }

  async #connectTcp({ hostname = "127.0.0.1", port }: NetEndpoint): Promise<Deno.TcpConn> {
    const conn = await this.#deno.connect({ hostname, port, signal: this.#controller.signal });
    // As in Go and asyncio: a small message is sent at once, whether or not the one before was acknowledged.
    conn.setNoDelay(true);
    return conn;
  }

  async #connectTls(where: NetEndpoint, options: TlsClientOptions): Promise<TlsConn> {
    const plain = this.#conn = await this.#connectTcp(where);
    const conn = this.#conn = TlsConn.client(plain, options.serverName ?? where.hostname ?? "127.0.0.1", options);
    if (this.#controller.signal.aborted) throw this.#controller.signal.reason;
    await conn.handshake();
    return conn;
  }
}

/** Connects. `wrap` makes the value of the operation from the connection. */
export function connect<T extends { close(): void }>(
  target: ConnectTarget,
  limit: IoLimit,
  wrap: (conn: Deno.Conn | TlsConn) => T,
): Operation<T> {
  checkEndpoint(target, 1, "connect");
  if ("tls" in target && target.tls !== undefined && target.tls !== false) checkTls(target.tls, "connect");
  const attempt = new ConnectAttempt(target);
  return new HostCall<T>({
    label: "connect",
    waitsFor: `a connection to ${describeTarget(target)}`,
    start: async () => wrap(await attempt.start()),
    abort: () => attempt.abort(),
    discard: (socket) => socket.close(),
  }, limit);
}

function describeTarget(target: ConnectTarget): string {
  if ("path" in target) return target.path;
  return describeAddress({ transport: "tcp", hostname: target.hostname ?? "127.0.0.1", port: target.port });
}

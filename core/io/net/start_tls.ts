import { ClosedError, UnsupportedError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import type { Operation } from "../../fiber/operation.ts";
import { HostCall } from "../wait/host_call.ts";
import type { ReadBuffer } from "../stream/read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import type { WriteQueue } from "../stream/write_queue.ts";
import type { TlsClientOptions } from "./tls.ts";
import { TlsConn } from "./tls_conn.ts";

const HANDSHAKE_SECONDS = 10;

/** What TLS is started on: a socket. */
export interface Upgradable {
  readonly conn: Deno.Conn | TlsConn | null;
  readonly readBuffer: ReadBuffer;
  readonly writeQueue: WriteQueue;
  readonly closed: boolean;
  /** What is received and sent goes through TLS from now on. */
  adopt(tls: TlsConn): void;
  closeAs(reason: string): void;
  toString(): string;
}

/** A plain connection becomes a TLS one, as the client: see `AsyncSocket.startTls`. */
export function startTls(
  socket: Upgradable,
  options: TlsClientOptions & { readonly hostname: string },
  limit: IoLimit,
): Operation<void> {
  const { hostname, serverName = hostname, ...others } = options;
  if (typeof serverName !== "string") {
    throw new TypeError(`Cannot start TLS as 'hostname' must be a string: current value is ${describe(serverName)}`);
  }
  return new HostCall<void>(
    {
      label: "startTls",
      waitsFor: `the TLS handshake with ${socket}`,
      start: () => upgrade(socket, TlsConn.client(plainConn(socket), serverName, others)),
      abort: () => socket.closeAs("TLS was not started in time"),
    },
    limit,
    HANDSHAKE_SECONDS,
  ) as Operation<unknown> as Operation<void>;
}

async function upgrade(socket: Upgradable, tls: TlsConn): Promise<void> {
  const { readBuffer, writeQueue } = socket;
  // Nobody receives or sends before the handshake is done.
  readBuffer.busy = writeQueue.busy = true;
  socket.adopt(tls);
  try {
    await tls.handshake();
  } catch (error) {
    if (socket.closed) throw new ClosedError(`Cannot start TLS as ${socket} is closed`);
    socket.closeAs("TLS could not be started");
    throw error;
  }
  readBuffer.busy = writeQueue.busy = false;
  readBuffer.serve();
  writeQueue.serve();
}

/** The connection, if TLS may be started on it now. */
function plainConn(socket: Upgradable): Deno.Conn {
  const { conn, readBuffer, writeQueue } = socket;
  if (socket.closed) throw new ClosedError(`Cannot start TLS as ${socket} is closed`);
  if (conn === null || !("setNoDelay" in conn)) {
    throw new UnsupportedError(`Cannot start TLS as ${socket} is not a plain TCP connection`);
  }
  if (readBuffer.busy || writeQueue.busy || readBuffer.line.first !== null || writeQueue.line.first !== null) {
    throw new Error(`Cannot start TLS with ${socket} as a receive or a send is under way: finish it before`);
  }
  if (readBuffer.available > 0) {
    throw new Error(
      `Cannot start TLS with ${socket} as ${readBuffer.available} bytes came in the clear that nobody received`,
    );
  }
  return conn as Deno.Conn;
}

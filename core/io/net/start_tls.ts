import { ClosedError, UnsupportedError } from "../../base/errors.ts";
import { describe } from "../../base/describe.ts";
import { mustBeObject } from "../../base/options.ts";
import type { Operation } from "../../fiber/operation.ts";
import { HostCall } from "../wait/host_call.ts";
import type { ReadBuffer } from "../stream/read_buffer.ts";
import type { IoLimit } from "../wait/io_options.ts";
import type { WriteQueue } from "../stream/write_queue.ts";
import { HANDSHAKE_SECONDS, type TlsClientOptions } from "./tls.ts";
import { TlsConn } from "./tls_conn.ts";

/** The parts of a socket that starting TLS needs. */
export interface Upgradable {
  readonly conn: Deno.Conn | TlsConn | null;
  readonly readBuffer: ReadBuffer;
  readonly writeQueue: WriteQueue;
  readonly closed: boolean;
  /** Receives and sends through TLS from now on. */
  adopt(tls: TlsConn): void;
  /** Closes it; the reason is in the errors of its waits. */
  closeAs(reason: string): void;
  toString(): string;
}

/** Turns a plain connection into a TLS one, as the client: see `AsyncSocket.startTls`. */
export function startTls(
  socket: Upgradable,
  options: TlsClientOptions & { readonly hostname: string },
  limit: IoLimit,
): Operation<void> {
  const { hostname, serverName = hostname, ...others } = mustBeObject(options, "start TLS");
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
  );
}

async function upgrade(socket: Upgradable, tls: TlsConn): Promise<void> {
  const { readBuffer, writeQueue } = socket;
  // No receive and no send may start before the handshake is done.
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

/** Returns the connection if TLS may be started on it now. */
function plainConn(socket: Upgradable): Deno.Conn {
  const { conn, readBuffer, writeQueue } = socket;
  if (socket.closed) throw new ClosedError(`Cannot start TLS as ${socket} is closed`);
  if (conn === null || !("setNoDelay" in conn)) {
    throw new UnsupportedError(`Cannot start TLS as ${socket} is not a plain TCP connection`);
  }
  if (readBuffer.busy || writeQueue.busy || readBuffer.waitQueue.length > 0 || writeQueue.waitQueue.length > 0) {
    throw new Error(`Cannot start TLS with ${socket} as a receive or a send is under way: finish it before`);
  }
  if (readBuffer.available > 0) {
    throw new Error(
      `Cannot start TLS with ${socket} as ${readBuffer.available} bytes came in the clear and were not received`,
    );
  }
  return conn as Deno.Conn;
}

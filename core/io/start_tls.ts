import { ClosedError, UnsupportedError } from "../errors.ts";
import { describe } from "../describe.ts";
import type { Operation } from "../operation.ts";
import type { Connection } from "./connection.ts";
import { HostCall } from "./host_call.ts";
import type { Intake } from "./intake.ts";
import type { IoLimit } from "./limit.ts";
import type { Outlet } from "./outlet.ts";
import type { TlsClientOptions } from "./tls.ts";
import { TlsConn } from "./tls_conn.ts";

const HANDSHAKE_SECONDS = 10;

/** What TLS is started on: a socket. */
export interface Upgradable {
  readonly conn: Connection | null;
  readonly intake: Intake;
  readonly outlet: Outlet;
  readonly closed: boolean;
  /** What is received and sent goes through TLS from now on. */
  adopt(tls: Connection): void;
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
  const { intake, outlet } = socket;
  // Nobody receives or sends before the handshake is done.
  intake.busy = outlet.busy = true;
  socket.adopt(tls);
  try {
    await tls.handshake();
  } catch (error) {
    if (socket.closed) throw new ClosedError(`Cannot start TLS as ${socket} is closed`);
    socket.closeAs("TLS could not be started");
    throw error;
  }
  intake.busy = outlet.busy = false;
  intake.serve();
  outlet.serve();
}

/** The connection, if TLS may be started on it now. */
function plainConn(socket: Upgradable): Connection {
  const { conn, intake, outlet } = socket;
  if (socket.closed) throw new ClosedError(`Cannot start TLS as ${socket} is closed`);
  if (conn === null || !("setNoDelay" in conn)) {
    throw new UnsupportedError(`Cannot start TLS as ${socket} is not a plain TCP connection`);
  }
  if (intake.busy || outlet.busy || intake.line.first !== null || outlet.line.first !== null) {
    throw new Error(`Cannot start TLS with ${socket} as a receive or a send is under way: finish it before`);
  }
  if (intake.available > 0) {
    throw new Error(
      `Cannot start TLS with ${socket} as ${intake.available} bytes came in the clear that nobody received`,
    );
  }
  return conn;
}

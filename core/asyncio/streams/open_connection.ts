import { AsyncSocket } from "../../io/net/socket.ts";
import type { ConnectTarget } from "../../io/net/connect.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { getRunningLoop } from "../loop/running.ts";
import { DEFAULT_LIMIT, type EndpointOptions, type StreamOptions, targetOf } from "./endpoint_options.ts";
import type { StreamReader } from "./stream_reader.ts";
import { StreamTransport } from "./stream_transport.ts";
import { StreamWriter } from "./stream_writer.ts";

/**
 * Connects, and makes a reader and a writer.
 *
 * @param hostname Host name or address.
 * @param port Port.
 * @param options See {@linkcode StreamOptions}; with `tls`, the certificate and the host name are verified.
 * @throws {TypeError} If an argument is of the wrong type.
 * @throws {RangeError} If the port or the limit is out of range.
 * @throws {UnsupportedError} At the yield, if the runtime has no sockets.
 */
export function openConnection(
  hostname: string,
  port: number,
  options?: StreamOptions & EndpointOptions<ConnectTarget>,
): Operation<[reader: StreamReader, writer: StreamWriter]>;
/** The same with any target: `{ hostname, port }`, with `tls`, or `{ path }`. */
export function openConnection(
  target: ConnectTarget,
  options?: StreamOptions,
): Operation<[reader: StreamReader, writer: StreamWriter]>;
export function openConnection(...where: unknown[]): Operation<[StreamReader, StreamWriter]> {
  const { target, limit = DEFAULT_LIMIT } = targetOf<ConnectTarget>(where);
  return call(open(AsyncSocket.connect(target), limit));
}

function* open(
  connecting: Operation<AsyncSocket>,
  limit: number,
): Generator<unknown, [StreamReader, StreamWriter], unknown> {
  const loop = getRunningLoop();
  const socket = yield* connecting;
  const transport = new StreamTransport(loop, socket, limit);
  return [transport.reader, new StreamWriter(transport)];
}

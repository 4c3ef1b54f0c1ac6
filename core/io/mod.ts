/**
 * Sockets, datagrams, child processes and files for coroutines.
 *
 * The last argument of every blocking method is a limit: seconds, a duration, an `AbortSignal`, or both in an
 * object. A wait for bytes, connections or datagrams that is given up, in whatever way, loses nothing: what comes later
 * goes to the next wait. Of a send that is given up, a part may have been sent. Errors of the host are passed on as they are, such as `Deno.errors.ConnectionRefused`.
 *
 * Importing this module works in every runtime; a feature that the runtime lacks throws an `UnsupportedError` when it
 * is used.
 *
 * @example
 * ```ts
 * import { AsyncSocket, Coro, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: 0 });
 *   const server = new Coro(function* () {
 *     using socket = yield* listener.accept(5);
 *     yield* socket.lines(30).forEach(function* (line) {
 *       yield* socket.sendall(`${line.toUpperCase()}\n`);
 *     });
 *   });
 *   using socket = yield* AsyncSocket.connect(listener.addr as Deno.NetAddr, 5);
 *   yield* socket.sendall("hello\n");
 *   assertEquals(yield* socket.readline(5), "HELLO");
 *   yield* socket.shutdownWrite();
 *   yield* server.finish();
 * });
 * ```
 *
 * @module
 */
export { ClosedError, TimeoutError, UnsupportedError } from "../base/errors.ts";
export { EOFError, MessageTooLargeError } from "./errors.ts";
export type { Data } from "./stream/bytes.ts";
export { AsyncDatagram } from "./net/datagram.ts";
export type { DatagramAddr, DatagramOptions } from "./net/datagram_options.ts";
export type { ConnectTarget } from "./net/connect.ts";
export type { NetEndpoint, PathEndpoint } from "./net/endpoint.ts";
export { AsyncFile, type LineOptions, type Whence } from "./file/file.ts";
export type { FileMode } from "./file/open_options.ts";
export { type ItemAction, Items } from "../coroutine/items.ts";
export type { BoundedReadOptions, DirectionTimeouts, IoLimit, IoOptions } from "./wait/io_options.ts";
export type { ListenTarget } from "./net/listen.ts";
export { AsyncListener } from "./net/listener.ts";
export { AsyncPipe, type PipeOutput } from "./process/pipe.ts";
export type { PipeOptions, PipeStream } from "./process/options.ts";
export { signals } from "./process/signals.ts";
export { AsyncSocket } from "./net/socket.ts";
export { type AsyncStdin, stdin } from "./file/stdin.ts";
export type { TlsClientOptions, TlsServerOptions } from "./net/tls.ts";
export type { ForeignStreamPair, StreamChunk, StreamPair } from "./stream/web_streams.ts";

/**
 * A small HTTP/1.1 server for the files of a directory: GET and HEAD, keep-alive, one range, no file outside of it.
 *
 *     deno run --allow-net --allow-read examples/io/http_files.ts [directory] [port]
 *     curl -v http://localhost:7002/README.md
 *
 * A request that is malformed or comes too slowly is refused, and its connection closed. The connection is also closed
 * after a request with a body, as this server does not read bodies. No client can disturb the others.
 */
import { call, Coro, main, TimeoutError, until, withTimeout } from "@asyncoro/asyncoro";
import { AsyncFile, AsyncSocket } from "@asyncoro/asyncoro/io";
import { HttpError, readRequest, type Request } from "./http_files/request.ts";

const WRITE_SECONDS = 30;
const LINGER_SECONDS = 2;
const CHUNK = 65_536;

function* respond(socket: AsyncSocket, request: Request | null, status: string, headers: Record<string, unknown> = {}) {
  const body = "content-length" in headers ? "" : `${status}\n`;
  const all = { "content-length": body.length, connection: request?.keepAlive ? "keep-alive" : "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const shown = request?.method === "HEAD" ? "" : body;
  yield* socket.sendall(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${shown}`, WRITE_SECONDS);
}

/** Returns the path of the requested file. Throws if it is outside of the directory. */
function* locate(root: string, target: string): Generator<unknown, string, unknown> {
  const path = decoded(target.split("?")[0]);
  // Links are resolved first: the real path decides whether the file is inside.
  const real = yield* until(Deno.realPath(root + path));
  if (real === root || real.startsWith(`${root}/`)) return real;
  throw new Deno.errors.NotFound();
}

function decoded(path: string): string {
  try {
    const text = decodeURIComponent(path);
    if (!text.includes("\0")) return text;
  } catch {
    // Refused below.
  }
  throw new HttpError("400 Bad Request", "the path is malformed");
}

/**
 * Returns the first and the last byte to send: of the whole file, unless one range is requested; `null` if the file has
 * no such range. A header that is invalid, or requests several ranges, is ignored (RFC 9110, section 14.2).
 */
function rangeOf(header: string | undefined, size: number): [number, number, boolean] | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header ?? "") ?? ["", "", ""];
  const isInvalid = first === "" ? last === "" : last !== "" && Number(first) > Number(last);
  if (isInvalid) return [0, size - 1, false];
  const from = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? size - 1 : Math.min(size - 1, Number(last));
  return from >= size || from > to ? null : [from, to, true];
}

function* sendFile(socket: AsyncSocket, request: Request, path: string) {
  // Only files are opened: opening a FIFO waits for its other end, in a thread that all files share.
  const { isFile } = yield* until(Deno.stat(path));
  if (!isFile) throw new Deno.errors.NotFound();
  using file = yield* AsyncFile.open(path);
  const { size } = yield* file.stat();
  const range = rangeOf(request.method === "GET" ? request.headers.get("range") : undefined, size);
  if (range === null) {
    return yield* respond(socket, request, "416 Range Not Satisfiable", { "content-range": `bytes */${size}` });
  }
  const [from, to, partial] = range;
  const length = to - from + 1;
  const headers = { "content-length": length, "accept-ranges": "bytes" };
  const where = partial ? { "content-range": `bytes ${from}-${to}/${size}` } : {};
  yield* respond(socket, request, partial ? "206 Partial Content" : "200 OK", { ...headers, ...where });
  if (request.method === "HEAD") return;
  yield* file.seek(from);
  for (let left = length; left > 0;) {
    const data = yield* file.read(Math.min(CHUNK, left));
    // As the length was sent already, the connection has to be closed.
    if (data.length === 0) throw new Error(`Cannot send ${path} as it has become shorter`);
    yield* socket.sendall(data, WRITE_SECONDS);
    left -= data.length;
  }
}

function* handle(socket: AsyncSocket, request: Request, root: string) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return yield* respond(socket, request, "405 Method Not Allowed", { allow: "GET, HEAD" });
  }
  try {
    yield* call(sendFile(socket, request, yield* locate(root, request.target)));
  } catch (error) {
    const status = statusOf(error);
    if (status === null) throw error;
    yield* respond(socket, request, status);
  }
}

/** The status for a path that cannot be opened; `null` for any other error. */
function statusOf(error: unknown): string | null {
  const { NotFound, NotADirectory, IsADirectory, FilesystemLoop, PermissionDenied, NotCapable } = Deno.errors;
  if ([NotFound, NotADirectory, IsADirectory, FilesystemLoop].some((kind) => error instanceof kind)) {
    return "404 Not Found";
  }
  if (error instanceof PermissionDenied || error instanceof NotCapable) return "403 Forbidden";
  // The name of a file or a path may be too long for the system.
  return (error as { code?: unknown }).code === "ENAMETOOLONG" ? "414 URI Too Long" : null;
}

/** Responds to the requests of one connection until its client or this server ends it. */
function* converse(socket: AsyncSocket, root: string) {
  try {
    for (;;) {
      const request: Request | null = yield* readRequest(socket);
      if (request === null) return;
      const keepAlive = request.keepAlive && !request.hasBody;
      yield* handle(socket, { ...request, keepAlive }, root);
      if (!keepAlive) break;
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    yield* respond(socket, null, error.status);
  }
  yield* linger(socket);
}

/**
 * Waits until the client has closed, too: otherwise a reset could destroy the response before the client has read it.
 */
function* linger(socket: AsyncSocket) {
  yield* socket.shutdownWrite();
  const rest = function* () {
    while ((yield* socket.recv(CHUNK)).length > 0);
  };
  yield* withTimeout(LINGER_SECONDS, call(rest()));
}

function* serve(_coro: Coro, socket: AsyncSocket, root: string) {
  using _ = socket;
  try {
    yield* converse(socket, root);
  } catch (error) {
    if (!hasLeft(error)) throw error;
  }
}

/** Whether an error means only that a client has left, or was too slow. */
function hasLeft(error: unknown): boolean {
  const { BrokenPipe, ConnectionReset, NotConnected } = Deno.errors;
  return [BrokenPipe, ConnectionReset, NotConnected, TimeoutError].some((kind) => error instanceof kind);
}

main(function* () {
  const root = Deno.realPathSync(Deno.args[0] ?? ".");
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: Number(Deno.args[1] ?? 7002) });
  console.log(`Listening on port ${(listener.addr as Deno.NetAddr).port}`);
  for (;;) new Coro(serve, yield* listener.accept(), root);
});

/**
 * A small HTTP/1.1 server for the files of a directory: GET and HEAD, keep-alive, one range, nothing outside of it.
 *
 *     deno run --allow-net --allow-read examples/io/http_files.ts [directory] [port]
 *     curl -v http://localhost:7002/README.md
 */
import { call, Coro, main } from "@asyncoro/asyncoro";
import { AsyncFile, AsyncSocket } from "@asyncoro/asyncoro/io";

const IDLE_SECONDS = 15;
const MAX_LINE = 8192;
const MAX_HEADERS = 100;
const CHUNK = 65_536;

interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: Map<string, string>;
  readonly keepAlive: boolean;
}

/** The next request, or `null` when the client has none. Throws a `SyntaxError` for what is not HTTP. */
function* readRequest(socket: AsyncSocket) {
  const first = yield* socket.readline({ timeout: IDLE_SECONDS, max: MAX_LINE });
  if (first === null) return null;
  const match = /^([A-Z]+) (\S+) HTTP\/1\.([01])$/.exec(first);
  if (match === null) throw new SyntaxError("no request line");
  const headers = new Map<string, string>();
  for (;;) {
    const line = yield* socket.readline({ timeout: IDLE_SECONDS, max: MAX_LINE });
    if (line === null || headers.size > MAX_HEADERS) throw new SyntaxError("headers do not end");
    if (line === "") break;
    const colon = line.indexOf(":");
    if (colon < 1) throw new SyntaxError("no header");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const connection = headers.get("connection")?.toLowerCase();
  const keepAlive = match[3] === "1" ? connection !== "close" : connection === "keep-alive";
  return { method: match[1], target: match[2], headers, keepAlive } as Request;
}

function* answer(socket: AsyncSocket, request: Request | null, status: string, headers: Record<string, unknown> = {}) {
  const body = "content-length" in headers ? "" : `${status}\n`;
  const all = { "content-length": body.length, connection: request?.keepAlive ? "keep-alive" : "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const shown = request?.method === "HEAD" ? "" : body;
  yield* socket.sendall(`HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${shown}`, 30);
}

/** The path of the file that is asked for, or `null` if it is outside of the directory. */
function locate(root: string, target: string): string | null {
  try {
    const path = decodeURIComponent(target.split("?")[0]);
    if (!path.startsWith("/") || path.includes("\0")) return null;
    // Links are followed before it is decided where the file is.
    const real = Deno.realPathSync(root + path);
    return real === root || real.startsWith(`${root}/`) ? real : null;
  } catch {
    return null;
  }
}

/** First and last byte to send: all of them unless one range is asked for; `null` if that range is not there. */
function rangeOf(header: string | undefined, size: number): [number, number, boolean] | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return [0, size - 1, false];
  const from = match[1] === "" ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const to = match[1] === "" || match[2] === "" ? size - 1 : Math.min(size - 1, Number(match[2]));
  return from > to ? null : [from, to, true];
}

function* sendFile(socket: AsyncSocket, request: Request, path: string) {
  using file = yield* AsyncFile.open(path);
  const { size } = yield* file.stat();
  const range = rangeOf(request.headers.get("range"), size);
  if (range === null) {
    return yield* answer(socket, request, "416 Range Not Satisfiable", { "content-range": `bytes */${size}` });
  }
  const [from, to, partial] = range;
  const length = to - from + 1;
  const headers = { "content-length": length, "accept-ranges": "bytes" };
  const where = partial ? { "content-range": `bytes ${from}-${to}/${size}` } : {};
  yield* answer(socket, request, partial ? "206 Partial Content" : "200 OK", { ...headers, ...where });
  if (request.method === "HEAD") return;
  yield* file.seek(from);
  for (let left = length; left > 0;) {
    const data = yield* file.read(Math.min(CHUNK, left));
    if (data.length === 0) throw new Error("the file has become shorter");
    yield* socket.sendall(data, 30);
    left -= data.length;
  }
}

function* respond(socket: AsyncSocket, request: Request, root: string) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    // What comes with it is not read: the connection cannot be used again.
    yield* answer(socket, { ...request, keepAlive: false }, "405 Method Not Allowed", { allow: "GET, HEAD" });
    return false;
  }
  const path = locate(root, request.target);
  try {
    if (path === null) throw new Deno.errors.NotFound();
    yield* call(sendFile(socket, request, path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory)) throw error;
    yield* answer(socket, request, "404 Not Found");
  }
  return request.keepAlive;
}

function* serve(_coro: Coro, socket: AsyncSocket, root: string) {
  using _ = socket;
  try {
    for (let alive = true; alive;) {
      const request: Request | null = yield* readRequest(socket);
      if (request === null) return;
      alive = yield* respond(socket, request, root);
    }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) yield* answer(socket, null, "400 Bad Request");
    else throw error;
  }
}

main(function* (coro) {
  // Clients come and go as they like.
  coro.scheduler.onError = () => {};
  const root = Deno.realPathSync(Deno.args[0] ?? ".");
  using listener = AsyncSocket.listen({ hostname: "127.0.0.1", port: Number(Deno.args[1] ?? 7002) });
  console.log(`Listening on port ${(listener.addr as Deno.NetAddr).port}`);
  for (;;) new Coro(serve, yield* listener.accept(), root);
});

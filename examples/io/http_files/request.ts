/**
 * Reads a request of HTTP/1.1 (RFC 9112), strictly: a request that two programs may read differently is refused.
 * Otherwise an attacker could smuggle a request through a proxy in front of this server.
 */
import { call, TimeoutError, withTimeout } from "@asyncoro/asyncoro";
import type { AsyncSocket } from "@asyncoro/asyncoro/io";

/** Seconds until the next request of a connection has to begin. */
const IDLE_SECONDS = 15;
/** Seconds for all headers of a request. */
const HEADERS_SECONDS = 10;
const MAX_LINE = 8192;
const MAX_HEADERS = 100;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// deno-lint-ignore no-control-regex -- it matches control characters, to refuse them
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const HOST = /^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]*$/;

/** A request of a client. */
export interface Request {
  readonly method: string;
  /** The path and the query. */
  readonly target: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Whether bytes that belong to the request follow its headers. */
  readonly hasBody: boolean;
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean;
}

/** A request that is refused, with the status line's code and phrase. */
export class HttpError extends Error {
  override name = "HttpError";
  readonly status: string;

  constructor(status: string, message: string) {
    super(message);
    this.status = status;
  }
}

function bad(message: string): HttpError {
  return new HttpError("400 Bad Request", message);
}

/** Reads the next request; `null` if the client has closed. Throws an {@linkcode HttpError} if the request is refused. */
export function* readRequest(
  socket: AsyncSocket,
  headersSeconds: number = HEADERS_SECONDS,
): Generator<unknown, Request | null, unknown> {
  // Some clients send an empty line after a body: it is skipped (RFC 9112, section 2.2).
  const first = (yield* readLine(socket)) || (yield* readLine(socket));
  if (first === null) return null;
  const [, method, target, minor] = /^(\S+) (\S+) HTTP\/1\.([01])$/.exec(first) ?? [];
  if (method === undefined || !TOKEN.test(method)) throw bad("the request line is malformed");
  try {
    const headers = yield* withTimeout(headersSeconds, call(readHeaders(socket)));
    return { method, target: originForm(target), headers, ...framing(headers, minor === "1") };
  } catch (error) {
    if (error instanceof TimeoutError) throw new HttpError("408 Request Timeout", "the headers do not end");
    throw error;
  }
}

function* readLine(socket: AsyncSocket) {
  try {
    return yield* socket.readline({ timeout: IDLE_SECONDS, max: MAX_LINE });
  } catch (error) {
    if (error instanceof RangeError) throw bad(`a line is longer than ${MAX_LINE} bytes`);
    throw error;
  }
}

function* readHeaders(socket: AsyncSocket): Generator<unknown, Map<string, string>, unknown> {
  const headers = new Map<string, string>();
  for (let count = 0;; count++) {
    const line = yield* readLine(socket);
    if (line === null) throw bad("the connection ended within the headers");
    if (line === "") return headers;
    if (count === MAX_HEADERS) throw new HttpError("431 Request Header Fields Too Large", "too many headers");
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    // This refuses continued lines and a space before the colon, too: neither is a token.
    if (colon < 1 || !TOKEN.test(name)) throw bad("a header has no valid name");
    const value = line.slice(colon + 1).trim();
    if (CONTROL.test(value)) throw bad(`the header ${name} has control characters`);
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
}

/**
 * Returns whether the request has a body, and whether another request may follow. Repeated headers were joined to a list,
 * which is not a valid length.
 */
function framing(headers: ReadonlyMap<string, string>, isHttp11: boolean) {
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  const host = headers.get("host");
  if (host === undefined ? isHttp11 : !HOST.test(host) || host.includes(",")) throw bad("Host must be there, once");
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw bad("Content-Length must be one number");
  if (coding !== undefined && (length !== undefined || !isHttp11)) throw bad("Transfer-Encoding is not allowed here");
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    throw new HttpError("501 Not Implemented", `the transfer coding ${coding} is unknown`);
  }
  const options = (headers.get("connection") ?? "").toLowerCase().split(/[\s,]+/);
  return {
    hasBody: coding !== undefined || Number(length ?? 0) > 0,
    keepAlive: isHttp11 ? !options.includes("close") : options.includes("keep-alive"),
  };
}

/** The path and query of a target, which a client may also send as a whole URL (RFC 9112, section 3.2.2). */
function originForm(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?#]+/i, "");
  if (path === "" || path.startsWith("?")) return `/${path}`;
  if (!path.startsWith("/") && target !== "*") throw bad("the target is no path");
  return path;
}

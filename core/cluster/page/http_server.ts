/**
 * The host's HTTP server, with limits that no client can exceed: 64 connections, each with one request, a head of 8 KiB
 * and 10 seconds from its beginning to its end. So a client that is slow or stalls keeps one response at the most, and
 * that not for long.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { builtin } from "../../host/capability.ts";

const MAX_CONNECTIONS = 64;
const MAX_HEAD_BYTES = 8192;
const CONNECTION_SECONDS = 10;

/** What a server sends for a request. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** See the head of this file. */
export class HttpServer {
  readonly #server: Server;
  readonly #closed: Promise<void>;

  /** `reply` is called for each request whose head has arrived. It must not throw. Bodies of requests are not read. */
  constructor(reply: (request: IncomingMessage) => Reply, action: string) {
    const { createServer } = builtin("node:http", action) as typeof import("node:http");
    this.#server = createServer({ maxHeaderSize: MAX_HEAD_BYTES }, (request, response) => {
      send(response, reply(request), request.method === "HEAD");
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on("connection", limitTime);
    this.#closed = new Promise((resolve) => this.#server.once("close", resolve));
  }

  /**
   * Listens, and returns the port. Keeps the process alive only after `setAlive(true)`.
   *
   * @param signal When it is aborted, the server closes, as soon as it listens.
   * @throws {Error} The host's, if it cannot listen there.
   */
  async listen(hostname: string, port: number, signal: AbortSignal): Promise<number> {
    const server = this.#server;
    const listening = new Promise<void>((resolve, reject) => {
      // The listener stays: later errors, such as a lack of descriptors, must not end the process.
      server.on("error", reject);
      server.listen(port, hostname, resolve);
    });
    signal.addEventListener("abort", () => listening.then(() => this.close(), () => {}));
    await listening;
    server.unref();
    return (server.address() as { port: number }).port;
  }

  /** Whether waiting for clients keeps the process alive. Their connections never do. */
  setAlive(alive: boolean): void {
    if (alive) this.#server.ref();
    else this.#server.unref();
  }

  /** Stops listening and cuts all connections. Returns what is fulfilled when that is done. May be called again. */
  close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    return this.#closed;
  }
}

function send(response: ServerResponse, { status, headers, body }: Reply, headOnly: boolean): void {
  const bytes = new TextEncoder().encode(body);
  response.writeHead(status, { ...headers, "content-length": bytes.length, connection: "close" });
  response.end(headOnly ? undefined : bytes);
}

function limitTime(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), CONNECTION_SECONDS * 1000);
  timer.unref?.();
  socket.unref();
  socket.once("close", () => clearTimeout(timer));
}

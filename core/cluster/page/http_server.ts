/**
 * The host's HTTP server, with limits that no client can exceed: on the number of connections, on the head of a request,
 * and on the time from the beginning of a connection to its end, which has one request. So a client that is slow or stalls
 * keeps one response at the most, and that not for long.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { builtin } from "../../host/capability.ts";

/** What clients may use. */
export interface HttpLimits {
  /** Connections at a time: further ones are closed. */
  readonly connections: number;
  /** The bytes of the head of a request. */
  readonly headBytes: number;
  /** Seconds that a connection may last. */
  readonly seconds: number;
}

const LIMITS: HttpLimits = { connections: 64, headBytes: 8192, seconds: 10 };

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
  // Connections that have had their request. The host goes on parsing, and would keep a response for each.
  readonly #served = new WeakSet<Socket>();

  /** `reply` is called for each request whose head has arrived. It must not throw. Bodies of requests are not read. */
  constructor(reply: (request: IncomingMessage) => Reply, action: string, limits: HttpLimits = LIMITS) {
    const { createServer } = builtin("node:http", action) as typeof import("node:http");
    this.#server = createServer({ maxHeaderSize: limits.headBytes }, (request, response) => {
      if (this.#served.has(request.socket)) return;
      this.#served.add(request.socket);
      send(response, reply(request));
    });
    this.#server.maxConnections = limits.connections;
    this.#server.on("connection", (socket) => limitTime(socket, limits.seconds));
    this.#closed = new Promise((resolve) => this.#server.once("close", resolve));
  }

  /**
   * Listens, and returns the port.
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

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  const bytes = new TextEncoder().encode(body);
  response.writeHead(status, { ...headers, "content-length": bytes.length, connection: "close" });
  // The host leaves the body out for HEAD.
  response.end(bytes);
}

function limitTime(socket: Socket, seconds: number): void {
  const timer = setTimeout(() => socket.destroy(), seconds * 1000);
  timer.unref?.();
  socket.unref();
  socket.once("close", () => clearTimeout(timer));
}

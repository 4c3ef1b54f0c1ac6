import { AsyncSocket } from "../../io/net/socket.ts";
import type { ListenTarget } from "../../io/net/listen.ts";
import type { AsyncListener } from "../../io/net/listener.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { describe } from "../../base/describe.ts";
import { isAwaitable } from "../loop/coroutine.ts";
import { ensureFuture } from "../loop/ensure_future.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import { getRunningLoop } from "../loop/running.ts";
import type { Future } from "../loop/future.ts";
import type { Task } from "../loop/task.ts";
import { wait } from "../await/wait.ts";
import { DEFAULT_LIMIT, type EndpointOptions, type StreamOptions, targetOf } from "./endpoint_options.ts";
import type { StreamReader } from "./stream_reader.ts";
import { StreamTransport } from "./stream_transport.ts";
import { StreamWriter } from "./stream_writer.ts";

/**
 * Handles a connection: a generator function, which runs as a task of its own, or a plain function. If a plain function
 * returns something that can be awaited, such as the promise of an async function, the server awaits it.
 */
export type ClientConnected = (reader: StreamReader, writer: StreamWriter) => unknown;

/** Accepts connections. {@linkcode startServer} makes it. */
export class Server implements Disposable {
  readonly #loop: EventLoop;
  readonly #listener: AsyncListener;
  readonly #clientConnected: ClientConnected;
  readonly #limit: number;
  readonly #clients = new Set<StreamTransport>();
  readonly #accepting: Task<void>;
  #serving = true;
  // serveForever() waits for it; it is cancelled when the server is closed.
  #forever: Future<void> | null = null;

  /** @internal */
  constructor(loop: EventLoop, target: ListenTarget, clientConnected: ClientConnected, limit: number) {
    this.#loop = loop;
    this.#listener = AsyncSocket.listen(target);
    this.#listener.onShortage = (exception) => this.#reportShortage(exception);
    this.#clientConnected = clientConnected;
    this.#limit = limit;
    this.#accepting = loop.createTask(this.#accept(), { name: `accept ${this}` });
    // However it ends, no connection is accepted after that.
    this.#accepting.addDoneCallback((task) => {
      const exception = task.cancelled() ? null : task.exception();
      if (exception !== null && this.#serving) this.#reportStop(exception);
      this.close();
    });
  }

  /** The address that it listens on. */
  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  /** The event loop it belongs to. */
  getLoop(): EventLoop {
    return this.#loop;
  }

  /** Whether it accepts connections. */
  isServing(): boolean {
    return this.#serving;
  }

  /** Accepts no more connections. Open connections stay open. */
  close(): void {
    if (!this.#serving) return;
    this.#serving = false;
    this.#listener.close();
    this.#accepting.cancel();
    const forever = this.#forever;
    this.#forever = null;
    forever?.cancel();
  }

  /** Closes the open connections, each when all that was written to it is sent. */
  closeClients(): void {
    for (const client of [...this.#clients]) client.close();
  }

  /** Closes the open connections at once: data that was written to them and not sent is lost. */
  abortClients(): void {
    for (const client of [...this.#clients]) client.abort();
  }

  /** Waits until the server and all its connections are closed. */
  waitClosed(): Operation<void> {
    return call(this.#waitClosed());
  }

  *#waitClosed(): Generator<unknown, void, unknown> {
    yield* wait([this.#accepting]);
    // The error of a lost connection is for the task that uses it.
    for (const { closed } of [...this.#clients]) yield* wait([closed]);
  }

  /**
   * Waits until it is cancelled or the server is closed. Then it closes the server and its connections, and ends when all
   * of them are closed.
   *
   * @throws {CancelledError} At the yield, when it is cancelled or the server is closed.
   * @throws {Error} At the yield, if the server is closed already, or another task serves forever.
   */
  serveForever(): Operation<void> {
    return call(this.#serveForever());
  }

  *#serveForever(): Generator<unknown, void, unknown> {
    if (this.#forever !== null) throw new Error(`Cannot serve forever as another task does already: ${this}`);
    if (!this.#serving) throw new Error(`Cannot serve forever as it is closed: ${this}`);
    const forever = this.#forever = this.#loop.createFuture<void>();
    try {
      yield* forever;
    } finally {
      this.close();
      this.closeClients();
      yield* this.#waitClosed();
    }
  }

  /** Closes it at the end of a block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The address that it listens on, for messages: `127.0.0.1:3456`, or the path. */
  toString(): string {
    return String(this.#listener);
  }

  *#accept(): Generator<unknown, void, unknown> {
    for (;;) this.#serve(yield* this.#listener.accept());
  }

  #serve(socket: AsyncSocket): void {
    const transport = new StreamTransport(this.#loop, socket, this.#limit);
    const writer = new StreamWriter(transport);
    this.#clients.add(transport);
    transport.closed.addDoneCallback(() => this.#clients.delete(transport));
    try {
      const body = this.#clientConnected(transport.reader, writer);
      if (!isAwaitable(body)) return;
      const work = ensureFuture(body, { loop: this.#loop });
      work.addDoneCallback(() => {
        if (work.cancelled()) writer.close();
        else if (work.failed()) this.#clientFailed(writer, work.exception());
      });
    } catch (error) {
      this.#clientFailed(writer, error);
    }
  }

  // The listener goes on by itself when there are descriptors again.
  #reportShortage(exception: unknown): void {
    this.#loop.callExceptionHandler({ message: "socket.accept() out of system resource", exception, server: this });
  }

  #reportStop(exception: unknown): void {
    this.#loop.callExceptionHandler({ message: `Accepting has failed for ${this}`, exception, server: this });
  }

  #clientFailed(writer: StreamWriter, exception: unknown): void {
    writer.close();
    this.#loop.callExceptionHandler({
      message: `Unhandled error for a client of the server at ${this}`,
      exception,
      writer,
    });
  }
}

/**
 * Starts a server, which calls a function with a reader and a writer for every connection.
 *
 * @param clientConnected See {@linkcode ClientConnected}. An error that it throws goes to the loop's exception handler,
 * and the connection is closed. The connection is also closed if the task is cancelled.
 * @param hostname Host name or address to listen on.
 * @param port Port; 0 means any free port.
 * @param options See {@linkcode StreamOptions}; `tls` has the certificate and key.
 * @throws {TypeError} If an argument is of the wrong type.
 * @throws {Error} If no loop is running.
 * @throws {UnsupportedError} If the runtime has no sockets.
 *
 * @example
 * ```ts
 * import { openConnection, run, startServer } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   using server = yield* startServer(function* (reader, writer) {
 *     writer.write(yield* reader.readline());
 *     writer.close();
 *   }, "127.0.0.1", 0);
 *   const { port } = server.addr as Deno.NetAddr;
 *   const [reader, writer] = yield* openConnection("127.0.0.1", port);
 *   writer.write("hello\n");
 *   assertEquals(new TextDecoder().decode(yield* reader.read()), "hello\n");
 *   writer.close();
 *   yield* writer.waitClosed();
 * });
 * ```
 */
export function startServer(
  clientConnected: ClientConnected,
  hostname: string | undefined,
  port: number,
  options?: StreamOptions & EndpointOptions<ListenTarget>,
): Operation<Server>;
/** The same with any target: `{ hostname, port }`, with `tls`, or `{ path }`. */
export function startServer(
  clientConnected: ClientConnected,
  target: ListenTarget,
  options?: StreamOptions,
): Operation<Server>;
export function startServer(clientConnected: ClientConnected, ...where: unknown[]): Operation<Server> {
  if (typeof clientConnected !== "function") {
    throw new TypeError(
      `Cannot start a server as 'clientConnected' must be a function: current value is ${describe(clientConnected)}`,
    );
  }
  const { target, limit = DEFAULT_LIMIT } = targetOf<ListenTarget>(where);
  return call(start(clientConnected, target, limit));
}

// Listening does not wait today. As in asyncio it is an operation, so that it can wait in the future.
function* start(
  clientConnected: ClientConnected,
  target: ListenTarget,
  limit: number,
): Generator<unknown, Server, unknown> {
  return new Server(getRunningLoop(), target, clientConnected, limit);
}

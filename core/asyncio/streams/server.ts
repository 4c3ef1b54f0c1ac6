import { AsyncSocket } from "../../io/socket.ts";
import type { ListenTarget } from "../../io/listen.ts";
import { describeAddress } from "../../io/endpoint.ts";
import type { AsyncListener } from "../../io/listener.ts";
import type { Operation } from "../../operation.ts";
import { call } from "../../operations/call.ts";
import { describe } from "../../describe.ts";
import { isGenerator } from "../../strand.ts";
import type { EventLoop } from "../event_loop.ts";
import { getRunningLoop } from "../running.ts";
import type { Task } from "../task.ts";
import { wait } from "../wait.ts";
import { type EndpointOptions, type StreamOptions, targetOf } from "./endpoint_options.ts";
import { DEFAULT_LIMIT, StreamReader } from "./stream_reader.ts";
import { StreamWriter } from "./stream_writer.ts";

/** What is done with a connection: a generator function, which runs as a task of its own, or a plain function. */
export type ClientConnected = (reader: StreamReader, writer: StreamWriter) => unknown;

/** Accepts connections: what {@linkcode startServer} answers. */
export class Server implements Disposable {
  readonly #loop: EventLoop;
  readonly #listener: AsyncListener;
  readonly #clientConnected: ClientConnected;
  readonly #limit: number;
  readonly #clients = new Set<StreamWriter>();
  readonly #accepting: Task<void>;
  #serving = true;

  /** @internal */
  constructor(loop: EventLoop, target: ListenTarget, clientConnected: ClientConnected, limit: number) {
    this.#loop = loop;
    this.#listener = AsyncSocket.listen(target);
    this.#listener.onShortage = (exception) => this.#short(exception);
    this.#clientConnected = clientConnected;
    this.#limit = limit;
    this.#accepting = loop.createTask(this.#accept(), { name: `accept ${this}` });
    // However it ends, nothing is accepted after that.
    this.#accepting.addDoneCallback((task) => {
      const exception = task.cancelled() ? null : task.exception();
      if (exception !== null && this.#serving) this.#stopped(exception);
      this.close();
    });
  }

  /** Where it listens. */
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

  /** Accepts no more connections; those that are there stay. */
  close(): void {
    if (!this.#serving) return;
    this.#serving = false;
    this.#listener.close();
    this.#accepting.cancel();
  }

  /** Closes the connections that are there, when all that was written to them is sent. */
  closeClients(): void {
    for (const writer of this.#clients) writer.close();
  }

  /** Waits until it is closed and all its connections are. */
  waitClosed(): Operation<void> {
    return call(this.#waitClosed());
  }

  *#waitClosed(): Generator<unknown, void, unknown> {
    yield* wait([this.#accepting]);
    for (const writer of this.#clients) {
      try {
        yield* writer.waitClosed();
      } catch {
        // That a client was lost is the business of whoever talks to it.
      }
    }
  }

  /** Waits until it is closed. When the wait is cancelled, it is closed. */
  serveForever(): Operation<void> {
    return call(this.#serveForever());
  }

  *#serveForever(): Generator<unknown, void, unknown> {
    try {
      yield* wait([this.#accepting]);
    } finally {
      this.close();
    }
  }

  /** Closes it at the end of a block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** How it reads in messages. */
  toString(): string {
    return `a server at ${describeAddress(this.#listener.addr)}`;
  }

  *#accept(): Generator<unknown, void, unknown> {
    for (;;) this.#welcome(yield* this.#listener.accept());
  }

  #welcome(socket: AsyncSocket): void {
    const writer = new StreamWriter(this.#loop, socket);
    this.#clients.add(writer);
    writer.whenClosed(() => this.#clients.delete(writer));
    try {
      const body = this.#clientConnected(new StreamReader(socket, this.#limit), writer);
      if (!isGenerator(body)) return;
      const task = this.#loop.createTask(body);
      task.addDoneCallback(() => {
        if (task.cancelled()) writer.close();
        else if (task.exception() !== null) this.#failed(writer, task.exception());
      });
    } catch (error) {
      this.#failed(writer, error);
    }
  }

  /** It goes on by itself when there are descriptors again. */
  #short(exception: unknown): void {
    this.#loop.callExceptionHandler({ message: "socket.accept() out of system resource", exception, server: this });
  }

  #stopped(exception: unknown): void {
    this.#loop.callExceptionHandler({ message: `Accepting has failed for ${this}`, exception, server: this });
  }

  #failed(writer: StreamWriter, exception: unknown): void {
    writer.close();
    this.#loop.callExceptionHandler({ message: `Unhandled error for a client of ${this}`, exception, writer });
  }
}

/**
 * Starts a server: every connection is given to a function, with a reader and a writer.
 *
 * @param clientConnected A generator function, which runs as a task of its own for each connection, or a plain
 * function. What it throws goes to the loop's exception handler, and the connection is closed; so it is if its task is
 * cancelled.
 * @param hostname Host name or address to listen on.
 * @param port Port; 0 is any that is free.
 * @param options See {@linkcode StreamOptions}; `tls` is the certificate and key.
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
/** The same at any place to listen: `{ hostname, port }`, with `tls`, or `{ path }`. */
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

// Listening does not wait, but it is an operation as in asyncio, so that it may one day.
function* start(
  clientConnected: ClientConnected,
  target: ListenTarget,
  limit: number,
): Generator<unknown, Server, unknown> {
  return new Server(getRunningLoop(), target, clientConnected, limit);
}

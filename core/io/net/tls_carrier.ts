import type { Duplex } from "node:stream";
import { builtin } from "../../host/capability.ts";

type Stream = typeof import("node:stream");
type Done = (error?: Error | null) => void;

/** Callbacks of a {@linkcode TlsCarrier}. */
export interface TlsCarrierEvents {
  /** The engine gives bytes to the host. */
  sending(): void;
  /** The host has taken the bytes of one write of the engine. */
  sent(): void;
  /** The host cannot send. */
  failed(error: unknown): void;
}

/** Carries the encrypted bytes of a TLS engine: a stream of Node's over a connection of Deno's. */
export class TlsCarrier {
  /** The stream that the engine reads from and writes to. */
  readonly duplex: Duplex;
  /** The engine has nothing more to send. */
  finished = false;
  readonly #conn: Deno.Conn;
  readonly #events: TlsCarrierEvents;
  #closing = false;

  constructor(conn: Deno.Conn, events: TlsCarrierEvents) {
    const { Duplex } = builtin("node:stream", "start TLS") as Stream;
    this.#conn = conn;
    this.#events = events;
    this.duplex = new Duplex({
      autoDestroy: false,
      read() {},
      write: (data: Uint8Array, _encoding: unknown, done: Done) => this.#send(data, done),
      final: (done: Done) => this.#finish(done),
    });
  }

  /**
   * Whether bytes were pushed that the engine has not taken yet: it takes them at once, except before it has started.
   */
  get holdsBytes(): boolean {
    return this.duplex.readableLength > 0;
  }

  /** Gives the engine encrypted bytes. */
  push(bytes: Uint8Array): void {
    this.duplex.push(bytes);
  }

  /**
   * From now on it is enough that the engine has finished: the connection is closed without ending its writing side.
   */
  closing(): void {
    this.#closing = true;
  }

  #send(data: Uint8Array, done: Done): void {
    this.#events.sending();
    this.#conn.write(data).then((count) => {
      if (count < data.length) return this.#send(data.subarray(count), done);
      done();
      this.#events.sent();
    }, (error) => this.#failed(error, done));
  }

  #finish(done: Done): void {
    this.finished = true;
    if (this.#closing) return done();
    this.#conn.closeWrite().then(() => done(), (error) => this.#failed(error, done));
  }

  #failed(error: unknown, done: Done): void {
    this.#events.failed(error);
    done(error as Error);
  }
}

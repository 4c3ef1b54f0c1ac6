/**
 * TLS over a connection, as either side, by the engine of `node:tls`.
 *
 * Deno's own `TlsConn` keeps the descriptor of a handshake until the peer has spoken or gone, whatever is called. Here
 * the connection beneath stays ours: closing it frees its descriptor at once.
 *
 * The engine speaks to the connection through a stream of Node's. The host is read from only while a read or the
 * handshake needs it, as with any other connection, so nothing is read ahead, and an idle connection has no host
 * operation under way.
 */
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { Fifo } from "../../base/fifo.ts";
import { macrotask } from "../../host/macrotask.ts";
import { builtin } from "../../host/capability.ts";
import type { TlsClientOptions } from "./tls.ts";
import { clientEngine, type Engine } from "../tls_engine.ts";

type Stream = typeof import("node:stream");

/** A read that waits for the engine. */
interface Request {
  readonly buffer: Uint8Array;
  resolve(count: number | null): void;
  reject(error: unknown): void;
}

/** A write that is under way. */
interface Delivery {
  readonly size: number;
  /** The engine has given the host something since it began. */
  sent: boolean;
  resolve(size: number): void;
  reject(error: unknown): void;
}

type Done = (error?: Error | null) => void;

const MIN_READ = 2048;
const MAX_READ = 65_536;
// So many small reads in a row, and a large buffer is given up.
const SMALL_READS = 8;
// The engine encrypts all it is given at once.
const MAX_WRITE = 65_536;
// What goes into one record of TLS.
const RECORD = 16_384;
// Within so many turns the engine has said good-bye, unless the peer takes nothing.
const FAREWELL_TURNS = 8;

/** See the head of this file. */
export class TlsConn {
  readonly #conn: Deno.Conn;
  readonly #carrier: Duplex;
  readonly #engine: TLSSocket;
  readonly #destroyEngine: () => void;
  readonly #secured: Promise<void>;
  #resolveSecured!: () => void;
  #rejectSecured!: (error: unknown) => void;
  #handshaking = true;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(MIN_READ);
  #smallReads = 0;
  // The host is reading.
  #reading = false;
  // The engine is given what the host has read.
  #feeding = false;
  // Decrypted and not read yet.
  readonly #pieces = new Fifo<Uint8Array>();
  #request: Request | null = null;
  // The write that is under way.
  #delivery: Delivery | null = null;
  // The engine has nothing more to send.
  #finished = false;
  // The peer has said that nothing more comes.
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  // The engine has refused what the peer sent, and tells it why.
  #refused = false;
  #closed = false;

  private constructor(conn: Deno.Conn, engine: Engine, ready: "secure" | "secureConnect") {
    this.#conn = conn;
    this.#carrier = this.#newCarrier();
    this.#secured = new Promise((resolve, reject) => {
      this.#resolveSecured = resolve;
      this.#rejectSecured = reject;
    });
    // Whoever waits for the handshake is told; if nobody does, it is no uncaught error.
    this.#secured.catch(() => {});
    this.#engine = (engine(this.#carrier) as TLSSocket)
      .on(ready, () => this.#established())
      .on("data", (piece: unknown) => this.#decrypted(piece as Uint8Array))
      .on("end", () => this.#end())
      .on("error", (error) => this.#refuse(error))
      .on("close", () => this.#end());
    this.#destroyEngine = this.#keepEngine();
  }

  /**
   * The engine lives until it is closed, and returned is the function that ends it. By itself it would end at once when
   * it refuses what the peer sent, or when both directions have ended, and lose the last record: that which tells the
   * peer.
   *
   * The name of a server is compared after the keys were agreed on. That has no alert, and what is on its way would tell
   * the server that all is well.
   */
  #keepEngine(): () => void {
    const engine = this.#engine;
    const destroy = engine.destroy;
    engine.destroy = (error?: Error): TLSSocket => {
      if ((error as { code?: string } | undefined)?.code === "ERR_TLS_CERT_ALTNAME_INVALID") {
        destroy.call(engine, error);
      } else if (error !== undefined) this.#refuse(error);
      return engine;
    };
    return () => destroy.call(engine);
  }

  /** Begins TLS as the client. `name` is the host to verify. */
  static client(conn: Deno.Conn, name: string, options: TlsClientOptions): TlsConn {
    return new TlsConn(conn, clientEngine(name, options), "secureConnect");
  }

  /** Begins TLS as the server. */
  static server(conn: Deno.Conn, engine: Engine): TlsConn {
    return new TlsConn(conn, engine, "secure");
  }

  /** The address of this side. */
  get localAddr(): Deno.Addr {
    return this.#conn.localAddr;
  }

  /** The address of the peer. */
  get remoteAddr(): Deno.Addr {
    return this.#conn.remoteAddr;
  }

  /** Resolves when the peer is verified and the keys are agreed on. */
  handshake(): Promise<void> {
    this.#fill();
    return this.#secured;
  }

  /** Reads into the buffer; one read at a time. Returns how many bytes, or `null` at the end of the stream. */
  read(buffer: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.#request = { buffer, resolve, reject };
      this.#serve();
    });
  }

  /** Writes some of the bytes; one write at a time. Returns how many. */
  write(data: Uint8Array): Promise<number> {
    const piece = data.length > MAX_WRITE ? data.subarray(0, MAX_WRITE) : data;
    return this.#perform(piece.length, (done) => this.#engine.write(piece, done));
  }

  /** Tells the peer that nothing more comes; reading goes on. */
  async closeWrite(): Promise<void> {
    await this.#perform(Infinity, (done) => this.#engine.end(done));
  }

  /**
   * Closes it. The descriptor is free when this returns or, if the peer is to be told first, some turns of the host's
   * loop later, whether or not the peer takes it.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const open = !this.#handshaking && this.#failure === null;
    this.#fail(new Deno.errors.Interrupted("The connection is closed"));
    if (this.#delivery !== null || !(open || this.#refused)) return this.#release();
    if (open) this.#engine.end();
    this.#releaseSoon(FAREWELL_TURNS);
  }

  #releaseSoon(turns: number): void {
    if (turns === 0 || this.#finished) this.#release();
    else macrotask(() => this.#releaseSoon(turns - 1));
  }

  /** Lets a pending read keep the process alive. */
  ref(): void {
    (this.#conn as Deno.TcpConn).ref();
  }

  /** Lets the process end in spite of a pending read. */
  unref(): void {
    (this.#conn as Deno.TcpConn).unref();
  }

  #release(): void {
    try {
      this.#conn.close();
    } catch {
      // Somebody has closed it beneath us.
    }
    this.#destroyEngine();
    this.#carrier.destroy();
  }

  // --- what the engine says -----------------------------------------------------------------------------------

  #established(): void {
    this.#handshaking = false;
    this.#resolveSecured();
  }

  #decrypted(piece: Uint8Array): void {
    this.#pieces.push(piece);
    // A host read may hold several records: they are handed over together.
    if (!this.#feeding) this.#serve();
  }

  #end(): void {
    if (this.#handshaking) this.#fail(new Deno.errors.UnexpectedEof("The peer has left during the TLS handshake"));
    this.#ended = true;
    this.#serve();
  }

  #refuse(error: Error): void {
    if (this.#failure !== null) return;
    this.#refused = true;
    this.#fail(engineError(error));
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { error };
    this.#rejectSecured(error);
    this.#serve();
  }

  // --- reading ------------------------------------------------------------------------------------------------

  #serve(): void {
    const request = this.#request;
    if (request === null) return;
    const waiting = this.#pieces.length > 0;
    if (!waiting && this.#failure === null && !this.#ended) return this.#fill();
    this.#request = null;
    if (waiting) request.resolve(this.#take(request.buffer));
    else if (this.#failure !== null) request.reject(this.#failure.error);
    else request.resolve(null);
  }

  #take(buffer: Uint8Array): number {
    let count = 0;
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift()) {
      const room = buffer.length - count;
      if (piece.length > room) {
        this.#pieces.unshift(piece.subarray(room));
        piece = piece.subarray(0, room);
      }
      buffer.set(piece, count);
      count += piece.length;
      if (count === buffer.length) break;
    }
    return count;
  }

  /** Asks the host for more, if it is not at it. */
  #fill(): void {
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    this.#conn.read(this.#buffer).then(this.#arrived, this.#broken);
  }

  readonly #arrived = (count: number | null): void => {
    this.#reading = false;
    if (this.#closed) return;
    if (count === null) return this.#cut();
    this.#feeding = true;
    this.#carrier.push(this.#buffer.subarray(0, count));
    this.#feeding = false;
    this.#adapt(count);
    if (this.#handshaking && this.#failure === null) this.#fill();
    else this.#serve();
  };

  readonly #broken = (error: unknown): void => {
    this.#reading = false;
    this.#fail(error);
  };

  /** The connection has ended, but not TLS: somebody may have cut it. The engine is still to tell of an end that came just before. */
  #cut(): void {
    macrotask(() => {
      if (!this.#ended) {
        this.#fail(new Deno.errors.UnexpectedEof("The peer has left without ending TLS (no close_notify)"));
      }
    });
  }

  #adapt(count: number): void {
    const size = this.#buffer.length;
    if (count > MIN_READ) this.#smallReads = 0;
    else this.#smallReads++;
    if (count === size && size < MAX_READ) this.#buffer = new Uint8Array(Math.min(MAX_READ, size * 8));
    else if (size > MIN_READ && this.#smallReads > SMALL_READS) this.#buffer = new Uint8Array(MIN_READ);
    // The engine has taken what came already, except at its very beginning.
    else if (this.#carrier.readableLength > 0) this.#buffer = new Uint8Array(size);
  }

  // --- writing ------------------------------------------------------------------------------------------------

  #perform(size: number, start: (done: Done) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure.error);
      const delivery = this.#delivery = { size, sent: false, resolve, reject };
      start((error) => {
        if (this.#delivery !== delivery) return;
        this.#delivery = null;
        if (error === undefined || error === null) resolve(size);
        else reject(this.#failure === null ? engineError(error) : this.#failure.error);
      });
    });
  }

  #newCarrier(): Duplex {
    const { Duplex } = builtin("node:stream", "start TLS") as Stream;
    return new Duplex({
      autoDestroy: false,
      read() {},
      write: (data: Uint8Array, _encoding: unknown, done: Done) => this.#send(data, done),
      final: (done: Done) => this.#finish(done),
    });
  }

  #send(data: Uint8Array, done: Done): void {
    if (this.#delivery !== null) this.#delivery.sent = true;
    this.#conn.write(data).then((count) => {
      if (count < data.length) return this.#send(data.subarray(count), done);
      done();
      this.#delivered();
    }, (error) => this.#unsent(error, done));
  }

  /**
   * The host has taken what the engine gave it. That is all there is of a write of a single record; the engine itself
   * tells of it some turns later.
   */
  #delivered(): void {
    const delivery = this.#delivery;
    if (delivery === null || !delivery.sent || delivery.size > RECORD) return;
    this.#delivery = null;
    delivery.resolve(delivery.size);
  }

  #finish(done: Done): void {
    this.#finished = true;
    // Who closes needs no more than that the engine is done.
    if (this.#closed) return done();
    this.#conn.closeWrite().then(() => done(), (error) => this.#unsent(error, done));
  }

  #unsent(error: unknown, done: Done): void {
    this.#fail(error);
    done(error as Error);
  }
}

/** An error of the engine's, as one of Deno's: it is about what the peer has sent, such as its certificate. */
function engineError(error: Error): Error {
  return new Deno.errors.InvalidData(error.message, { cause: error });
}

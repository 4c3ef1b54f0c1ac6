/**
 * TLS over a connection, as the client or the server, by the engine of `node:tls`.
 *
 * During a handshake Deno's own `TlsConn` keeps its descriptor until the peer has sent something or left, even if it is
 * closed. Here the connection beneath stays ours: closing it frees its descriptor at once.
 *
 * The engine reads from and writes to the connection through a stream of Node's. As with any other connection, there is
 * a host read only while a read or the handshake needs bytes. So nothing is read ahead, and an idle connection has no
 * host operation under way.
 */
import type { TLSSocket } from "node:tls";
import { macrotask } from "../../host/macrotask.ts";
import { ReadSize } from "../stream/read_size.ts";
import { PieceQueue } from "./piece_queue.ts";
import type { TlsClientOptions } from "./tls.ts";
import { TlsCarrier } from "./tls_carrier.ts";
import { clientEngine, deferDestroy, engineError, type TlsEngine } from "./tls_engine.ts";

/** A read that waits for decrypted bytes. */
interface PendingRead {
  readonly buffer: Uint8Array;
  resolve(count: number | null): void;
  reject(error: unknown): void;
}

/** A write that is under way. */
interface PendingWrite {
  readonly size: number;
  /** The engine has given bytes to the host since it began. */
  sent: boolean;
  resolve(size: number): void;
  reject(error: unknown): void;
}

type Done = (error?: Error | null) => void;

// The greatest number of bytes that the engine is given to encrypt at once.
const MAX_WRITE = 65_536;
// The room of the first host reads.
const LEAST_READ = 2048;
// The greatest number of bytes in one record of TLS.
const RECORD = 16_384;
// Within this many macrotasks the engine has sent its last record, unless the peer takes nothing.
const CLOSING_TURNS = 8;

/** See the head of this file. */
export class TlsConn {
  readonly #conn: Deno.Conn;
  readonly #carrier: TlsCarrier;
  readonly #engine: TLSSocket;
  readonly #destroyEngine: () => void;
  readonly #secured: Promise<void>;
  #resolveSecured!: () => void;
  #rejectSecured!: (error: unknown) => void;
  #handshaking = true;
  readonly #readSize = new ReadSize(LEAST_READ);
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(LEAST_READ);
  // A host read is under way.
  #reading = false;
  // The engine is being given the bytes of a host read.
  #feeding = false;
  // Decrypted bytes that were not read yet.
  readonly #decrypted = new PieceQueue();
  #pendingRead: PendingRead | null = null;
  #pendingWrite: PendingWrite | null = null;
  // The peer has ended the stream.
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  // The engine has refused the bytes of the peer, and sends it an alert.
  #refused = false;
  #closed = false;

  private constructor(conn: Deno.Conn, engine: TlsEngine, ready: "secure" | "secureConnect") {
    this.#conn = conn;
    this.#carrier = new TlsCarrier(conn, {
      sending: () => this.#sending(),
      sent: () => this.#sent(),
      failed: (error) => this.#sendFailed(error),
    });
    this.#secured = new Promise((resolve, reject) => {
      this.#resolveSecured = resolve;
      this.#rejectSecured = reject;
    });
    // `handshake` returns this promise. If it is never called, a failure must not become an uncaught error.
    this.#secured.catch(() => {});
    this.#engine = (engine(this.#carrier.duplex) as TLSSocket)
      .on(ready, () => this.#established())
      .on("data", (piece: unknown) => this.#addDecrypted(piece as Uint8Array))
      .on("end", () => this.#end())
      .on("error", (error) => this.#refuse(error))
      // After the handshake, an engine of a server that no `tls.Server` has made emits this event alone.
      .on("_tlsError", (error) => this.#refuse(error))
      .on("close", () => this.#end());
    this.#destroyEngine = deferDestroy(this.#engine, (error) => this.#refuse(error));
  }

  /** Begins TLS as the client. `name` is the host name to verify. */
  static client(conn: Deno.Conn, name: string, options: TlsClientOptions): TlsConn {
    return new TlsConn(conn, clientEngine(name, options), "secureConnect");
  }

  /** Begins TLS as the server. */
  static server(conn: Deno.Conn, engine: TlsEngine): TlsConn {
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
    this.#startRead();
    return this.#secured;
  }

  /** Reads into the buffer; one read at a time. Returns how many bytes, or `null` at the end of the stream. */
  read(buffer: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.#pendingRead = { buffer, resolve, reject };
      this.#serve();
    });
  }

  /** Writes some of the bytes; one write at a time. Returns how many. */
  write(data: Uint8Array): Promise<number> {
    const piece = data.length > MAX_WRITE ? data.subarray(0, MAX_WRITE) : data;
    return this.#perform(piece.length, (done) => this.#engine.write(piece, done));
  }

  /** Ends the stream to the peer; reading goes on. */
  async closeWrite(): Promise<void> {
    await this.#perform(Infinity, (done) => this.#engine.end(done));
  }

  /**
   * Closes it. The descriptor is free when this returns or, if a last record has to be sent to the peer, some
   * macrotasks later, whether or not the peer takes it.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const open = !this.#handshaking && this.#failure === null;
    this.#fail(new Deno.errors.Interrupted("The connection is closed"));
    if (this.#pendingWrite !== null || !(open || this.#refused)) return this.#release();
    if (open) this.#engine.end();
    this.#carrier.flush();
    this.#releaseSoon(CLOSING_TURNS);
  }

  #releaseSoon(turns: number): void {
    if (turns === 0) this.#release();
    else macrotask(() => this.#releaseSoon(turns - 1));
  }

  /** Makes a pending read keep the process alive. */
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
      // The connection beneath was closed already.
    }
    this.#destroyEngine();
    this.#carrier.duplex.destroy();
  }

  // --- events of the engine -----------------------------------------------------------------------------------

  #established(): void {
    this.#handshaking = false;
    this.#resolveSecured();
  }

  #addDecrypted(piece: Uint8Array): void {
    this.#decrypted.push(piece);
    // A host read may bring several records: they are handed over together.
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

  /** Settles the pending read if it can; otherwise starts a host read. */
  #serve(): void {
    const read = this.#pendingRead;
    if (read === null) return;
    const { empty } = this.#decrypted;
    if (empty && this.#failure === null && !this.#ended) return this.#startRead();
    this.#pendingRead = null;
    if (!empty) read.resolve(this.#decrypted.takeInto(read.buffer));
    else if (this.#failure !== null) read.reject(this.#failure.error);
    else read.resolve(null);
  }

  /** Starts a host read, unless one is under way. */
  #startRead(): void {
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    this.#conn.read(this.#buffer).then(this.#arrived, this.#readFailed);
  }

  readonly #arrived = (count: number | null): void => {
    this.#reading = false;
    if (this.#closed) return;
    if (count === null) return this.#connEnded();
    this.#feeding = true;
    this.#carrier.deliver(this.#buffer.subarray(0, count));
    this.#feeding = false;
    // The engine may have to reply to what was no data, such as a request to change the keys.
    if (this.#decrypted.empty || this.#failure !== null) this.#carrier.flush();
    this.#readSize.adapt(count, count === this.#buffer.length);
    this.#buffer = this.#readSize.fit(this.#buffer);
    if (this.#handshaking && this.#failure === null) this.#startRead();
    else this.#serve();
  };

  readonly #readFailed = (error: unknown): void => {
    this.#reading = false;
    this.#fail(error);
  };

  /**
   * The connection has ended. If TLS has not, the connection may have been cut by a third party. The engine reports an
   * end of TLS that came just before a little later.
   */
  #connEnded(): void {
    macrotask(() => {
      if (!this.#ended) {
        this.#fail(new Deno.errors.UnexpectedEof("The peer has left without ending TLS (no close_notify)"));
      }
    });
  }

  // --- writing ------------------------------------------------------------------------------------------------

  #perform(size: number, start: (done: Done) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure.error);
      const write = this.#pendingWrite = { size, sent: false, resolve, reject };
      start((error) => {
        if (this.#pendingWrite !== write) return;
        this.#pendingWrite = null;
        if (error === undefined || error === null) resolve(size);
        else reject(this.#failure === null ? engineError(error) : this.#failure.error);
      });
      this.#carrier.flush();
    });
  }

  #sending(): void {
    if (this.#pendingWrite !== null) this.#pendingWrite.sent = true;
  }

  /**
   * The host has taken the bytes of the engine. If the pending write is a single record it is done; the engine reports
   * that only some macrotasks later. Returns whether the engine has nothing more to send at present.
   */
  #sent(): boolean {
    const write = this.#pendingWrite;
    if (write === null || !write.sent || write.size > RECORD) return false;
    this.#pendingWrite = null;
    write.resolve(write.size);
    // It has more if a write is unfinished that came before, or if the peer has to get an alert.
    return this.#engine.writableLength === write.size && this.#failure === null;
  }

  #sendFailed(error: unknown): void {
    this.#fail(error);
    const write = this.#pendingWrite;
    this.#pendingWrite = null;
    write?.reject(error);
  }
}

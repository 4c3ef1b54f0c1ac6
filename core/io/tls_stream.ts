/**
 * TLS over any source and sink of bytes, as the client. `Deno.startTls` takes a connection only when no read of it is
 * under way; here the read goes on, and brings the first bytes of TLS.
 */
import type { Duplex, DuplexOptions } from "node:stream";
import type { SecureContext, TLSSocket } from "node:tls";
import { builtin } from "./capability.ts";
import type { ByteSource } from "./intake.ts";
import type { ByteSink } from "./outlet.ts";
import type { TlsClientOptions } from "./tls.ts";

type Tls = typeof import("node:tls");
type Stream = typeof import("node:stream");

const MAX_READ = 65_536;

/** See the head of this file. */
export class TlsStream implements ByteSource, ByteSink {
  readonly #source: ByteSource;
  readonly #socket: TLSSocket;
  #failure: { readonly error: unknown } | null = null;
  #ended = false;
  #rest: Uint8Array | null = null;
  // Called when something has happened that a read may wait for.
  #wake: () => void = () => {};

  /** Begins the handshake. `name` is the host name to verify. */
  constructor(source: ByteSource, sink: ByteSink, name: string, options: TlsClientOptions) {
    const tls = builtin("node:tls", "start TLS") as Tls;
    const { Duplex } = builtin("node:stream", "start TLS") as Stream;
    this.#source = source;
    this.#socket = tls.connect({
      socket: new Duplex(duplexOf(source, sink)) as Duplex,
      host: name,
      // A name for the server to choose its certificate by; an address is none.
      servername: /^[\d.]+$|:/.test(name) ? "" : name,
      secureContext: contextOf(tls, options),
      ALPNProtocols: options.alpnProtocols,
      ...(options.unsafelyDisableHostnameVerification ? { checkServerIdentity: () => undefined } : {}),
    });
    this.#socket.on("readable", () => this.#wake());
    this.#socket.on("end", () => this.#end());
    this.#socket.on("close", () => this.#end());
    this.#socket.on("error", (error) => {
      this.#failure ??= { error };
      this.#wake();
    });
  }

  /** Waits until the certificate is verified and TLS is agreed on. */
  handshake(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once("secureConnect", resolve);
      this.#socket.once("error", reject);
      this.#socket.once("close", () => reject(new Error("Cannot start TLS as the connection ended in the handshake")));
    });
  }

  /** See {@linkcode ByteSource.read}. */
  async read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure.error;
      const piece = this.#rest ?? this.#socket.read() as Uint8Array | null;
      if (piece !== null) return this.#give(piece, buffer);
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #give(piece: Uint8Array, buffer: Uint8Array): number {
    const count = Math.min(piece.length, buffer.length);
    buffer.set(piece.subarray(0, count));
    this.#rest = count < piece.length ? piece.subarray(count) : null;
    return count;
  }

  /** See {@linkcode ByteSink.write}. */
  write(data: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(data, (error) => error ? reject(error) : resolve(data.length));
    });
  }

  /** See {@linkcode ByteSink.closeWrite}. */
  closeWrite(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once("error", reject);
      this.#socket.end(resolve);
    });
  }

  /** See {@linkcode ByteSource.ref}. */
  ref(): void {
    this.#source.ref?.();
  }

  /** See {@linkcode ByteSource.unref}. */
  unref(): void {
    this.#source.unref?.();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }
}

function contextOf(tls: Tls, { cert, key, caCerts = [] }: TlsClientOptions): SecureContext {
  const secure = tls.createSecureContext({ cert, key });
  // As the option `ca` they would take the place of the authorities that are trusted otherwise.
  for (const authority of caCerts) secure.context.addCACert(authority);
  return secure;
}

/** What makes a stream of Node's of a source and a sink. Whoever made these closes them. */
function duplexOf(source: ByteSource, sink: ByteSink): DuplexOptions {
  const buffer = new Uint8Array(MAX_READ);
  return {
    read(this: Duplex): void {
      source.read(buffer).then(
        (count) => void this.push(count === null ? null : buffer.slice(0, count)),
        (error) => void this.destroy(error),
      );
    },
    write(data: Uint8Array, _encoding: unknown, done: (error?: Error | null) => void): void {
      writeAll(sink, data).then(() => done(), done);
    },
    final(done: (error?: Error | null) => void): void {
      // TLS has told its end; that of the connection would cut off what the peer still sends.
      done();
    },
  };
}

async function writeAll(sink: ByteSink, data: Uint8Array): Promise<void> {
  for (let sent = 0; sent < data.length;) sent += await sink.write(data.subarray(sent));
}

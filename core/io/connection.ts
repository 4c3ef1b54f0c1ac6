import type { ByteSource } from "./intake.ts";
import type { ByteSink } from "./outlet.ts";

/** What is beneath a socket: a connection of Deno's, or TLS over one. */
export interface Connection extends ByteSource, ByteSink {
  /** The address of this side. */
  readonly localAddr: Deno.Addr;
  /** The address of the peer. */
  readonly remoteAddr: Deno.Addr;
  /** Closes it. */
  close(): void;
}

/** TLS over a connection. */
export interface SecureConnection extends Connection {
  /** Resolves when the peer is verified and the keys are agreed on. */
  handshake(): Promise<void>;
}

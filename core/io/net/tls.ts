import { describe } from "../../base/describe.ts";
import type { Timeout } from "../../base/duration.ts";

/** TLS options of a client. The certificate and the host name are verified. */
export interface TlsClientOptions {
  /** Certificates of authorities to trust in addition to the default ones, in PEM. */
  readonly caCerts?: string[];
  /** The name to verify, if it is not the host name of the target. */
  readonly serverName?: string;
  /** The client's own certificate chain, in PEM. */
  readonly cert?: string;
  /** The private key of that certificate, in PEM. */
  readonly key?: string;
  /** Protocols to offer, preferred first. */
  readonly alpnProtocols?: string[];
  /** Verifies the certificate, but not that its name is that of the host. */
  readonly unsafelyDisableHostnameVerification?: boolean;
}

/** TLS options of a server. */
export interface TlsServerOptions {
  /** Certificate chain, in PEM. */
  readonly cert: string;
  /** Private key, in PEM. */
  readonly key: string;
  /** Protocols to accept, preferred first. */
  readonly alpnProtocols?: string[];
  /** How long the handshake of a client may take; 10 seconds by default. After that its descriptor is freed. */
  readonly handshakeTimeout?: Timeout;
  /**
   * Called for each client whose handshake failed, or took too long (a `TimeoutError`). `accept` returns only clients
   * whose handshake has succeeded.
   */
  readonly onHandshakeError?: (error: unknown, addr: Deno.Addr) => void;
}

/** Seconds that a handshake may take by default. */
export const HANDSHAKE_SECONDS = 10;

/** How many handshakes of clients may be under way at once. */
export const MAX_HANDSHAKES = 1000;

/** Returns the options; `true` means an empty object. */
export function checkTls<O extends object>(tls: unknown, action: string): O {
  if (tls === true) return {} as O;
  if (typeof tls === "object" && tls !== null) return tls as O;
  throw new TypeError(`Cannot ${action} as 'tls' must be an object of options: current value is ${describe(tls)}`);
}

import { describe } from "../../base/describe.ts";
import type { Timeout } from "../../base/duration.ts";

/** TLS, seen from the client. Certificate and host name are verified. */
export interface TlsClientOptions {
  /** Certificates of authorities to trust beside the usual ones, in PEM. */
  readonly caCerts?: string[];
  /** The name to verify, if it is not the host name connected to. */
  readonly serverName?: string;
  /** The client's own certificate chain, in PEM. */
  readonly cert?: string;
  /** Its private key, in PEM. */
  readonly key?: string;
  /** Protocols to offer, preferred first. */
  readonly alpnProtocols?: string[];
  /** Verifies the certificate but not that it is made out to this host. */
  readonly unsafelyDisableHostnameVerification?: boolean;
}

/** TLS, seen from the server. */
export interface TlsServerOptions {
  /** Certificate chain, in PEM. */
  readonly cert: string;
  /** Private key, in PEM. */
  readonly key: string;
  /** Protocols to accept, preferred first. */
  readonly alpnProtocols?: string[];
  /** How long a client may take for its handshake; 10 seconds by default. When it is over its descriptor is free. */
  readonly handshakeTimeout?: Timeout;
  /**
   * Told of clients whose handshake failed, or took too long (a `TimeoutError`); `accept` only sees those that have
   * succeeded.
   */
  readonly onHandshakeError?: (error: unknown, addr: Deno.Addr) => void;
}

/** The options themselves: `true` stands for none. */
export function checkTls<O extends object>(tls: unknown, action: string): O {
  if (tls === true) return {} as O;
  if (typeof tls === "object" && tls !== null) return tls as O;
  throw new TypeError(`Cannot ${action} as 'tls' must be an object of options: current value is ${describe(tls)}`);
}

import type { X509Certificate } from "node:crypto";
import type { ConnectionOptions, SecureContext, TLSSocketOptions } from "node:tls";
import { describe } from "../describe.ts";
import type { Timeout } from "../time.ts";
import { builtin } from "./capability.ts";

/** The engine. */
export type Tls = typeof import("node:tls");

/** What every connection of a listener shares. */
export interface ServerContext {
  /** The engine. */
  readonly tls: Tls;
  /** What it is told of each connection. */
  readonly options: TLSSocketOptions;
}

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

/** What a client tells the engine. `name` is the host to verify. */
export function clientOptions(tls: Tls, name: string, options: TlsClientOptions): ConnectionOptions {
  const { caCerts, cert, key, alpnProtocols, unsafelyDisableHostnameVerification: anyName } = options;
  return {
    host: name,
    // An address is verified, but no server is chosen by it.
    servername: isAddress(name) ? "" : name,
    secureContext: clientContext(tls, cert, key, caCerts ?? []),
    ALPNProtocols: alpnProtocols,
    ...anyName ? { checkServerIdentity: () => undefined } : {},
  };
}

function clientContext(tls: Tls, cert: string | undefined, key: string | undefined, caCerts: string[]): SecureContext {
  if (cert !== undefined || key !== undefined) checkPair(cert, key, "connect");
  const secure = tls.createSecureContext({ cert, key });
  // The option `ca` would replace the authorities that are trusted otherwise, those of `deno --cert` among them.
  for (const authority of caCerts) secure.context.addCACert(authority);
  return secure;
}

/**
 * Prepares for the connections of a listener.
 *
 * @throws {Deno.errors.InvalidData} If certificate and key cannot be read or do not belong together.
 */
export function serverContext({ cert, key, alpnProtocols }: TlsServerOptions): ServerContext {
  const tls = builtin("node:tls", "listen") as Tls;
  checkPair(cert, key, "listen");
  const secureContext = tls.createSecureContext({ cert, key });
  return { tls, options: { isServer: true, secureContext, ALPNProtocols: alpnProtocols } };
}

/** The engine would find it out at the first handshake only. */
function checkPair(cert: string | undefined, key: string | undefined, action: string): void {
  const crypto = builtin("node:crypto", action) as typeof import("node:crypto");
  let certificate: X509Certificate;
  try {
    certificate = new crypto.X509Certificate(cert ?? "");
  } catch (cause) {
    throw new Deno.errors.InvalidData(`Cannot ${action} as 'cert' is not a certificate in PEM`, { cause });
  }
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(crypto.createPrivateKey(key ?? ""));
  } catch (cause) {
    throw new Deno.errors.InvalidData(`Cannot ${action} as 'key' is not a private key in PEM`, { cause });
  }
  if (!matches) throw new Deno.errors.InvalidData(`Cannot ${action} as 'key' does not belong to the certificate`);
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^[\d.]+$/.test(name);
}

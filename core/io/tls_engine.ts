/** What the engine of TLS, `node:tls`, is told of either side. */
import type { X509Certificate } from "node:crypto";
import type { ConnectionOptions, SecureContext, TLSSocketOptions } from "node:tls";
import { builtin } from "./capability.ts";
import type { TlsClientOptions, TlsServerOptions } from "./tls.ts";

/** The engine. */
export type Tls = typeof import("node:tls");

/** What every connection of a listener shares. */
export interface ServerContext {
  /** The engine. */
  readonly tls: Tls;
  /** What it is told of each connection. */
  readonly options: TLSSocketOptions;
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

/**
 * What makes TLS of a stream: `node:tls`, prepared for one side. No type of Node.js is in a signature, so that programs
 * need none to be compiled with this package.
 */
import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import type { ConnectionOptions, SecureContext } from "node:tls";
import { builtin } from "../host/capability.ts";
import type { TlsClientOptions, TlsServerOptions } from "./net/tls.ts";

type Tls = typeof import("node:tls");

/** Makes a `TLSSocket` over a `Duplex` that carries what is encrypted. */
export type Engine = (carrier: object) => object;

/**
 * Prepares the engine of a client's connection.
 *
 * @param name The host to verify.
 * @throws {Deno.errors.InvalidData} If certificate and key cannot be read or do not belong together.
 */
export function clientEngine(name: string, options: TlsClientOptions): Engine {
  const tls = builtin("node:tls", "start TLS") as Tls;
  const given = clientOptions(tls, name, options);
  return (carrier) => tls.connect({ ...given, socket: carrier as Duplex });
}

/**
 * Prepares the engines of a listener's connections.
 *
 * @throws {Deno.errors.InvalidData} If certificate and key cannot be read or do not belong together.
 */
export function serverEngine({ cert, key, alpnProtocols }: TlsServerOptions): Engine {
  const tls = builtin("node:tls", "listen") as Tls;
  checkPair(cert, key, "listen");
  const options = {
    isServer: true,
    secureContext: tls.createSecureContext({ cert, key }),
    ALPNProtocols: alpnProtocols,
  };
  return (carrier) => new tls.TLSSocket(carrier as never, options);
}

function clientOptions(tls: Tls, name: string, options: TlsClientOptions): ConnectionOptions {
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

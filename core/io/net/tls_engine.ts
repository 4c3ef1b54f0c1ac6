/**
 * TLS over a stream, by `node:tls`, prepared for one side. The signatures have no types of Node.js, so that a program
 * can be compiled with this package without them.
 */
import type { X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import type { ConnectionOptions, SecureContext } from "node:tls";
import { builtin } from "../../host/capability.ts";
import type { TlsClientOptions, TlsServerOptions } from "./tls.ts";

type Tls = typeof import("node:tls");

/** Makes a `TLSSocket` over a `Duplex` that carries the encrypted bytes. */
export type TlsEngine = (carrier: object) => object;

/**
 * Prepares the engine of a client's connection.
 *
 * @param name The host name to verify.
 * @throws {Deno.errors.InvalidData} If the certificate or the key cannot be read, or they do not belong together.
 */
export function clientEngine(name: string, options: TlsClientOptions): TlsEngine {
  const tls = builtin("node:tls", "start TLS") as Tls;
  const connectOptions = clientOptions(tls, name, options);
  return (carrier) => tls.connect({ ...connectOptions, socket: carrier as Duplex });
}

/**
 * Prepares the engines of a listener's connections.
 *
 * @throws {Deno.errors.InvalidData} If the certificate or the key cannot be read, or they do not belong together.
 */
export function serverEngine({ cert, key, alpnProtocols }: TlsServerOptions): TlsEngine {
  const tls = builtin("node:tls", "listen") as Tls;
  checkPair(cert, key, "listen");
  const options = {
    isServer: true,
    secureContext: tls.createSecureContext({ cert, key }),
    ALPNProtocols: alpnProtocols,
  };
  return (carrier) => new tls.TLSSocket(carrier as never, options);
}

/**
 * Keeps an engine alive until its connection is closed, and returns the function that destroys it. By itself it would
 * be destroyed as soon as it refuses the bytes of the peer, or when both directions have ended, and its last record,
 * such as an alert for the peer, would be lost.
 *
 * It is destroyed at once if the name of the server is wrong. The name is checked when the keys are agreed on; there is
 * no alert for it, and the records that are on their way would tell the server that the handshake has succeeded.
 *
 * @param refused Called with the error with which the engine would have been destroyed.
 */
export function deferDestroy(
  engine: { destroy(error?: Error): unknown },
  refused: (error: Error) => void,
): () => void {
  const destroy = engine.destroy;
  engine.destroy = (error?: Error & { readonly code?: string }): unknown => {
    if (error?.code === "ERR_TLS_CERT_ALTNAME_INVALID") destroy.call(engine, error);
    else if (error !== undefined) refused(error);
    return engine;
  };
  return () => void destroy.call(engine);
}

/** Converts an error of the engine, which is about the bytes of the peer such as its certificate, to one of Deno's. */
export function engineError(error: Error): Error {
  return new Deno.errors.InvalidData(error.message, { cause: error });
}

function clientOptions(tls: Tls, name: string, options: TlsClientOptions): ConnectionOptions {
  const { caCerts, cert, key, alpnProtocols, unsafelyDisableHostnameVerification: acceptAnyName } = options;
  return {
    host: name,
    // The certificate is verified for an address, too, but an address must not be sent as the name of the server.
    servername: isAddress(name) ? "" : name,
    secureContext: clientContext(tls, cert, key, caCerts ?? []),
    ALPNProtocols: alpnProtocols,
    ...acceptAnyName ? { checkServerIdentity: () => undefined } : {},
  };
}

function clientContext(tls: Tls, cert: string | undefined, key: string | undefined, caCerts: string[]): SecureContext {
  if (cert !== undefined || key !== undefined) checkPair(cert, key, "connect");
  const secure = tls.createSecureContext({ cert, key });
  // The option `ca` would replace the authorities that are trusted by default, including those of `deno --cert`.
  for (const authority of caCerts) secure.context.addCACert(authority);
  return secure;
}

/** Without this check, a wrong pair would fail only at the first handshake. */
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

import { describe } from "../../base/describe.ts";
import { UnsupportedError } from "../../base/errors.ts";
import { checkOptions } from "../../base/options.ts";
import { isHostname, isIpv4 } from "./tcp_address.ts";

/** Options of {@linkcode tcp}. */
export interface TcpOptions {
  /**
   * The host name or address to listen at, and under which others dial this peer; `"127.0.0.1"` by default. With
   * `"0.0.0.0"` or `"::"` it listens at all addresses of the machine, and others are told the first that is not a
   * loopback one, for which Deno asks the permission `--allow-sys=networkInterfaces`.
   */
  readonly hostname?: string;
  /** The port to listen at; 0, the default, takes any free one. */
  readonly port?: number;
  /** Encrypts the links. Both sides of a link need it. */
  readonly tls?: TcpTls;
  /** The IPv4 multicast group for discovery; `"239.255.97.5"` by default. */
  readonly group?: string;
  /** The UDP port for discovery; 9705 by default. */
  readonly discoveryPort?: number;
}

/**
 * TLS of a TCP engine. A peer that is dialed shows its certificate; the dialer verifies that, and that it is for the host
 * name or address that it has dialed.
 */
export interface TcpTls {
  /** The certificate chain of this peer, in PEM. */
  readonly cert: string;
  /** The private key of that certificate, in PEM. */
  readonly key: string;
  /** Certificates of authorities to trust in addition to the default ones, in PEM. */
  readonly caCerts?: string[];
  /** Must not be `true`: servers in Deno cannot request certificates of clients. Peers prove the network's secret. */
  readonly requestClientCertificates?: boolean;
}

/** Options that are checked and complete. */
export interface TcpPlan {
  readonly hostname: string;
  readonly port: number;
  readonly tls: TcpTls | null;
  readonly group: string;
  readonly discoveryPort: number;
}

/**
 * Checks options.
 *
 * @throws {TypeError} If an option is of the wrong type, or there is no such option.
 * @throws {RangeError} If a port or the group is out of range.
 * @throws {UnsupportedError} If client certificates are to be requested.
 */
export function checkTcpOptions(options: TcpOptions): TcpPlan {
  checkOptions(options, ["hostname", "port", "tls", "group", "discoveryPort"], MAKE);
  const { hostname = "127.0.0.1", port = 0, tls, group = "239.255.97.5", discoveryPort = 9705 } = options;
  if (typeof hostname !== "string" || !isHostname(hostname)) {
    throw new TypeError(
      `Cannot ${MAKE} as 'hostname' must be a host name or an address: current value is ${describe(hostname)}`,
    );
  }
  return {
    hostname,
    port: checkPort(port, "port", 0),
    tls: tls === undefined ? null : checkTls(tls),
    group: checkGroup(group),
    discoveryPort: checkPort(discoveryPort, "discoveryPort", 1),
  };
}

const MAKE = "make a TCP engine";

function checkPort(port: unknown, name: string, least: number): number {
  const isNumber = typeof port === "number";
  if (isNumber && Number.isInteger(port) && port >= least && port <= 65_535) return port;
  const text = `Cannot ${MAKE} as '${name}' must be an integer from ${least} to 65535: current value is ${
    describe(port)
  }`;
  throw isNumber ? new RangeError(text) : new TypeError(text);
}

function checkGroup(group: unknown): string {
  const isString = typeof group === "string";
  if (isString && isIpv4(group) && /^2(?:2[4-9]|3\d)\./.test(group)) return group;
  const text = `Cannot ${MAKE} as 'group' must be an IPv4 multicast address: current value is ${describe(group)}`;
  throw isString ? new RangeError(text) : new TypeError(text);
}

function checkTls(tls: unknown): TcpTls {
  if (typeof tls !== "object" || tls === null) {
    throw new TypeError(`Cannot ${MAKE} as 'tls' must be { cert, key, caCerts? }: current value is ${describe(tls)}`);
  }
  checkOptions(tls, ["cert", "key", "caCerts", "requestClientCertificates"], MAKE);
  const { cert, key, caCerts, requestClientCertificates } = tls as { readonly [name in keyof TcpTls]: unknown };
  for (const [name, pem] of Object.entries({ cert, key })) {
    if (typeof pem === "string") continue;
    throw new TypeError(`Cannot ${MAKE} as 'tls.${name}' must be a text in PEM: current value is ${describe(pem)}`);
  }
  if (caCerts !== undefined && !(Array.isArray(caCerts) && caCerts.every((pem) => typeof pem === "string"))) {
    throw new TypeError(
      `Cannot ${MAKE} as 'tls.caCerts' must be an array of texts in PEM: current value is ${describe(caCerts)}`,
    );
  }
  checkNoClientCertificates(requestClientCertificates);
  return tls as TcpTls;
}

function checkNoClientCertificates(requested: unknown): void {
  if (requested === undefined || requested === false) return;
  if (requested === true) {
    throw new UnsupportedError(
      `Cannot ${MAKE} as servers in Deno cannot request certificates of their clients: ` +
        "leave 'requestClientCertificates' out, peers are authenticated by the network's secret",
    );
  }
  throw new TypeError(
    `Cannot ${MAKE} as 'tls.requestClientCertificates' must be a boolean: current value is ${describe(requested)}`,
  );
}

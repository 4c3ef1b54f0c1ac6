/**
 * The addresses of TCP engines: `tcp://127.0.0.1:9705`, `tcp://[::1]:9705`, `tcp://node.example:9705`.
 */
import { describe } from "../../base/describe.ts";
import type { NetEndpoint } from "../../io/net/endpoint.ts";

const NAME = String.raw`[^\s:/?#@[\]]+`;
const IPV6 = String.raw`[\da-f]*:[\da-f]*:[\da-f:.]*`;
const HOSTNAME = new RegExp(`^(?:${NAME}|${IPV6})$`, "i");
// An IPv6 address is in brackets. The scheme may be left out.
const ADDRESS = new RegExp(String.raw`^(?:tcp://)?(?:(${NAME})|\[(${IPV6})\]):(\d{1,5})/?$`, "i");

/** The address of a host and a port. */
export function tcpAddress(hostname: string, port: number): string {
  return `tcp://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/**
 * Takes an address apart.
 *
 * @throws {TypeError} If it is not an address.
 * @throws {RangeError} If its port is not one.
 */
export function parseTcpAddress(address: unknown): Required<NetEndpoint> {
  const parts = typeof address === "string" ? ADDRESS.exec(address) : null;
  if (parts === null) {
    throw new TypeError(
      `Cannot dial as the address must be like tcp://host:port, host:port or [::1]:port: ` +
        `current value is ${describe(address)}`,
    );
  }
  const port = Number(parts[3]);
  if (port < 1 || port > 65_535) {
    throw new RangeError(`Cannot dial as the port must be an integer from 1 to 65535: current value is ${port}`);
  }
  return { hostname: parts[1] ?? parts[2], port };
}

/** Whether it may be a host name or an address, without a port and without brackets. */
export function isHostname(text: string): boolean {
  return HOSTNAME.test(text);
}

/** Whether a host name or an address is that of this machine alone. */
export function isLoopback(hostname: string): boolean {
  return hostname === "::1" || hostname.toLowerCase() === "localhost" ||
    (isIpv4(hostname) && hostname.startsWith("127."));
}

/** Whether listening there means listening at all addresses of the machine. */
export function isWildcard(hostname: string): boolean {
  return hostname === "0.0.0.0" || /^[0:]*:[0:]*$/.test(hostname);
}

/** Whether it is an IPv4 address in its usual form. */
export function isIpv4(hostname: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(hostname) && hostname.split(".").every((part) => Number(part) < 256);
}

/**
 * The host name under which others reach what listens at `hostname`. For a wildcard it is the first address of the
 * machine, of the same family, that is not a loopback one; if there is none, the loopback address.
 *
 * @throws {Deno.errors.NotCapable} If the addresses of the machine are needed and must not be read.
 */
export function reachableHost(hostname: string): string {
  if (!isWildcard(hostname)) return hostname;
  const family = hostname.includes(":") ? "IPv6" : "IPv4";
  const found = Deno.networkInterfaces().find((network) =>
    network.family === family && !isLoopback(network.address) && !isLinkLocal(network.address)
  );
  return found?.address ?? (family === "IPv6" ? "::1" : "127.0.0.1");
}

/** Addresses that are only unique on one link need the name of the interface beside them. */
function isLinkLocal(address: string): boolean {
  return address.startsWith("169.254.") || /^fe[89ab]/i.test(address);
}

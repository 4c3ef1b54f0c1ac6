import { describe } from "../../base/describe.ts";

/** A host and a port. */
export interface NetEndpoint {
  /** The host name or address. */
  readonly hostname?: string;
  /** The port. */
  readonly port: number;
}

/** A path of a socket in the file system. */
export interface PathEndpoint {
  /** The path. */
  readonly path: string;
}

/**
 * Checks the target of a connection, or the place to listen at.
 *
 * @throws {TypeError} If it is neither `{ hostname?, port }` nor `{ path }`.
 * @throws {RangeError} If the port is out of range.
 */
export function checkEndpoint(where: unknown, leastPort: number, action: string): void {
  if (typeof where !== "object" || where === null) {
    throw new TypeError(
      `Cannot ${action} as { hostname, port } or { path } is needed: current value is ${describe(where)}`,
    );
  }
  const { hostname, port, path } = where as { hostname?: unknown; port?: unknown; path?: unknown };
  if (path !== undefined) {
    if (typeof path === "string" && path !== "") return;
    throw new TypeError(`Cannot ${action} as 'path' must be a path: current value is ${describe(path)}`);
  }
  if (hostname !== undefined && typeof hostname !== "string") {
    throw new TypeError(`Cannot ${action} as 'hostname' must be a string: current value is ${describe(hostname)}`);
  }
  checkPort(port, leastPort, action);
}

function checkPort(port: unknown, least: number, action: string): void {
  if (typeof port !== "number") {
    throw new TypeError(`Cannot ${action} as 'port' must be a number: current value is ${describe(port)}`);
  }
  if (!Number.isInteger(port) || port < least || port > 65_535) {
    throw new RangeError(
      `Cannot ${action} as 'port' must be an integer from ${least} to 65535: current value is ${port}`,
    );
  }
}

/** Describes an address in words. */
export function describeAddress(address: Deno.Addr): string {
  if ("hostname" in address) {
    const { hostname, port } = address;
    return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  }
  return "path" in address && address.path ? address.path : `a ${address.transport} peer`;
}

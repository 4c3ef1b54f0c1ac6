import { describe } from "../../base/describe.ts";

/** Options of a connection's streams. */
export interface StreamOptions {
  /**
   * The number of bytes in which `readline` and `readuntil` look for a separator; 65,536 by default. The reader reads
   * ahead about twice as many.
   */
  readonly limit?: number;
}

/** The default limit, as in CPython. */
export const DEFAULT_LIMIT = 65_536;

/** The options of a target with a host name and a port, such as `tls`. */
export type EndpointOptions<T> = T extends { readonly port: number } ? Omit<T, "hostname" | "port"> : never;

/** The target and the options of a call: `(hostname, port, options)` or `(target, options)`. */
export function targetOf<T>(args: unknown[]): StreamOptions & { readonly target: T } {
  const [first, second] = args;
  if (typeof first === "object" && first !== null) return { ...check(second), target: first as T };
  const { limit, ...rest } = check(args[2]);
  return { limit, target: { ...rest, ...first === undefined ? {} : { hostname: first }, port: second } as T };
}

function check(options: unknown): StreamOptions {
  const given = (options ?? {}) as StreamOptions;
  if (given.limit !== undefined) checkLimit(given.limit);
  return given;
}

/**
 * Returns the limit unchanged.
 *
 * @throws {RangeError} If it is not a positive integer.
 */
export function checkLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new RangeError(
    `Cannot make streams as 'limit' must be a positive integer: current value is ${describe(limit)}`,
  );
}

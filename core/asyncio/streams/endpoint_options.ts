import { describe } from "../../base/describe.ts";

/** Options of a connection's streams. */
export interface StreamOptions {
  /**
   * How many bytes `readline` and `readuntil` look for the end in; 65,536 by default. About twice as many are read
   * ahead.
   */
  readonly limit?: number;
}

/** How many bytes a reader looks for a separator in, unless it is told otherwise; as in CPython. */
export const DEFAULT_LIMIT = 65_536;

/** What else a place with a host name and a port may say, such as `tls`. */
export type EndpointOptions<T> = T extends { readonly port: number } ? Omit<T, "hostname" | "port"> : never;

/** The place and the options of a call: `(hostname, port, options)` or `(target, options)`. */
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

/** The limit itself, if it is one. */
export function checkLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new RangeError(
    `Cannot make streams as 'limit' must be a positive integer: current value is ${describe(limit)}`,
  );
}

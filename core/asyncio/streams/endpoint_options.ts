import { describe } from "../../describe.ts";

/** Options of a connection's streams. */
export interface StreamOptions {
  /** How many bytes `readline` and `readuntil` look for the end in; 65,536 by default. */
  readonly limit?: number;
}

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
  const { limit } = (options ?? {}) as StreamOptions;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new RangeError(
      `Cannot make streams as 'limit' must be a positive integer: current value is ${describe(limit)}`,
    );
  }
  return options ?? {};
}

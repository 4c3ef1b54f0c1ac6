/**
 * Listening: on a TCP port, or at a path in the file system.
 */
import { denoWith } from "../../host/capability.ts";
import { checkEndpoint, type NetEndpoint, type PathEndpoint } from "./endpoint.ts";
import type { TlsServerOptions } from "./tls.ts";

/** Where to listen: on a TCP port (0 takes any free one), with or without TLS, or at a path. */
export type ListenTarget =
  | NetEndpoint & {
    readonly tls?: TlsServerOptions;
    /** The number of connections that may wait to be accepted. */
    readonly backlog?: number;
    /** Lets several processes listen on the same port (Linux). */
    readonly reusePort?: boolean;
  }
  | PathEndpoint;

/** Listens. The host accepts plain connections; TLS begins after that. */
export function hostListen(target: ListenTarget): Deno.Listener {
  checkEndpoint(target, 0, "listen");
  const deno = denoWith("listen", "listen");
  if ("path" in target) return deno.listen({ transport: "unix", path: target.path });
  const { hostname, port, backlog, reusePort } = target;
  return deno.listen(withoutUndefined({ hostname, port, tcpBacklog: backlog, reusePort }));
}

/** Removes the entries that are `undefined`: the host would take them for values. */
function withoutUndefined<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}

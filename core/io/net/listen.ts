/**
 * Listening, as the host does it.
 */
import { denoWith } from "../../host/capability.ts";
import { checkEndpoint, type NetEndpoint, type PathEndpoint } from "./endpoint.ts";
import type { TlsServerOptions } from "./tls.ts";

/** Where to listen: on a TCP port (0: any that is free), with or without TLS, or at a path. */
export type ListenTarget =
  | NetEndpoint & {
    readonly tls?: TlsServerOptions;
    /** Connections that may wait for being accepted. */
    readonly backlog?: number;
    /** Lets several processes listen on the same port (Linux). */
    readonly reusePort?: boolean;
  }
  | PathEndpoint;

/** Listens. What becomes of TLS is the listener's own affair: the host accepts plain connections. */
export function hostListen(target: ListenTarget): Deno.Listener {
  checkEndpoint(target, 0, "listen");
  const deno = denoWith("listen", "listen");
  if ("path" in target) return deno.listen({ transport: "unix", path: target.path });
  const { hostname, port, backlog, reusePort } = target;
  return deno.listen(given({ hostname, port, tcpBacklog: backlog, reusePort }));
}

/** Without the entries that are `undefined`, which the host would take for values. */
function given<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}

/**
 * Which JavaScript host this is: Deno, Node.js, Bun, a browser or an edge runtime.
 *
 * Hosts are told apart by what they have, at the first use. Importing the package only looks for the means to reach the
 * asynchronous context (`async_context.ts`).
 */

/** The globals of hosts that this package uses beside the standard ones. */
export interface HostGlobals {
  readonly Deno?: {
    readonly version?: { readonly deno?: string };
    refTimer(id: number): void;
    unrefTimer(id: number): void;
    exitCode: number;
    exit(code: number): never;
    addSignalListener(signal: string, handler: () => void): void;
    removeSignalListener(signal: string, handler: () => void): void;
  };
  readonly process?: {
    readonly versions?: { readonly node?: string };
    exitCode?: number;
    exit(code: number): never;
    on(event: string, handler: () => void): void;
    off(event: string, handler: () => void): void;
  };
  readonly navigator?: { readonly userAgent?: string };
  readonly setImmediate?: (callback: () => void) => unknown;
  addEventListener?(type: string, listener: (event: Event) => void): void;
}

/** The globals of this host. */
export const host = globalThis as unknown as HostGlobals;

/** Whether this is Deno, whose event loop polls sockets only now and then while it has macrotasks to run. */
export function isDeno(): boolean {
  return host.Deno?.version?.deno !== undefined;
}

/**
 * Whether this is Cloudflare's runtime.
 *
 * Host objects belong to one request there: a callback of another request's timer or port must not run it. Its clock and
 * its timers have a resolution of a millisecond and may stand still while code runs. CPU time is billed.
 */
export function isWorkerd(): boolean {
  return workerd ??= host.navigator?.userAgent === "Cloudflare-Workers";
}

let workerd: boolean | undefined;

/** The name of this host, for messages. */
export function hostName(): string {
  const agent = host.navigator?.userAgent;
  if (agent?.startsWith("Bun/")) return "Bun";
  // Node.js 20 has no navigator.
  const isNode = agent === undefined ? host.process?.versions?.node !== undefined : agent.startsWith("Node.js/");
  return isNode ? "Node.js" : "this runtime";
}

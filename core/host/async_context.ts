/**
 * The host's asynchronous context: what `AsyncLocalStorage`, `AsyncContext` and OpenTelemetry keep for a chain of calls.
 *
 * The host passes it on with its own promises and timers, but does not know coroutines. So a coroutine captures the
 * context in which it is created, and the run loop enters that context before a step if another one is current.
 *
 * This file finds out by which means a host's context is reached:
 *
 * - Deno: internal functions that get and set it (`by_internals.ts`).
 * - Node.js, Bun and Cloudflare's runtime: `AsyncResource` (`by_resources.ts`); in Node.js before version 24 in a way that
 *   costs nothing as long as the process stores nothing (`by_stores.ts`).
 * - Hosts with the proposed `AsyncContext` only: its snapshots (`by_snapshots.ts`).
 * - Others (browsers; Cloudflare's runtime with `nodejs_als` alone and an older compatibility date): no means. A step runs
 *   in the context of the code that woke the scheduler. With a scheduler for each request that is the request's.
 */
import { byInternals, type Internals } from "./contexts/by_internals.ts";
import { byResources } from "./contexts/by_resources.ts";
import { bySnapshots, type Snapshot } from "./contexts/by_snapshots.ts";
import { byStores, keepsStores } from "./contexts/by_stores.ts";
import { type HostContext, type HostContexts, RESOURCE_TYPE, type ResourceClass } from "./contexts/host_contexts.ts";

export type { HostContext };

/** The globals that show which host this is. */
export interface ContextGlobals {
  /** Deno's. */
  // deno-lint-ignore no-explicit-any -- its internals are behind a symbol
  readonly Deno?: any;
  /** That of Node.js, which other hosts have too. */
  readonly process?: { getBuiltinModule?(name: string): unknown };
  /** The proposed standard. */
  readonly AsyncContext?: { readonly Snapshot?: new () => Snapshot };
}

/** Returns the contexts of a host with these globals. */
export function contextsOf(globals: ContextGlobals): HostContexts {
  const { Deno, AsyncContext } = globals;
  const internals = Deno?.[Deno.internal]?.core as Partial<Internals> | undefined;
  if (typeof internals?.getAsyncContext === "function" && typeof internals.setAsyncContext === "function") {
    return byInternals(internals as Internals);
  }
  const AsyncResource = resourceClass(globals);
  if (AsyncResource !== undefined) {
    return keepsStores(new AsyncResource(RESOURCE_TYPE)) ? byStores(AsyncResource) : byResources(AsyncResource);
  }
  return AsyncContext?.Snapshot === undefined ? byNothing() : bySnapshots(AsyncContext.Snapshot);
}

function resourceClass(globals: ContextGlobals): ResourceClass | undefined {
  try {
    const hooks = globals.process?.getBuiltinModule?.("node:async_hooks");
    return (hooks as { AsyncResource?: ResourceClass } | undefined)?.AsyncResource;
  } catch {
    // A host's stand-in for `process` may throw: importing the package must not fail for that.
    return undefined;
  }
}

function byNothing(): HostContexts {
  const none = () => undefined;
  return {
    capture: none,
    current: none,
    enter: (_, step) => step.run(),
    restore: none,
    within: (_, fn) => fn(),
  };
}

/** The contexts of this host. */
export const hostContexts: HostContexts = contextsOf(globalThis as ContextGlobals);

/** See {@linkcode HostContexts.capture}. */
export const captureContext: HostContexts["capture"] = hostContexts.capture;
/** See {@linkcode HostContexts.current}. */
export const currentContext: HostContexts["current"] = hostContexts.current;
/** See {@linkcode HostContexts.enter}. */
export const enterContext: HostContexts["enter"] = hostContexts.enter;
/** See {@linkcode HostContexts.restore}. */
export const restoreContext: HostContexts["restore"] = hostContexts.restore;
/** See {@linkcode HostContexts.within}. */
export const withinContext: HostContexts["within"] = hostContexts.within;

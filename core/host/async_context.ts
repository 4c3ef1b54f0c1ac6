/**
 * The host's asynchronous context: what `AsyncLocalStorage`, `AsyncContext` and OpenTelemetry keep for a chain of calls.
 *
 * The host passes it on with its own promises and timers and knows nothing of coroutines. So a coroutine keeps the one
 * in which it was created, and the run loop enters that before a step if another one is current.
 *
 * - Deno has functions to get and set it, which are internal and cost next to nothing. The context is one value, never
 *   changed in place, and `undefined` as long as nothing is stored.
 * - Node.js, Bun and Cloudflare's runtime have `AsyncResource`, which captures the context where it is constructed and
 *   calls functions in it. What is current cannot be told, so every step is entered; but not in Node.js before version
 *   24 as long as the process stores nothing.
 * - Where there is only `AsyncContext`, coroutines share the snapshot of their outermost creator, as one is expensive.
 * - Where nothing of these can be found (browsers; an older date of Cloudflare's runtime with `nodejs_als` alone), a step
 *   runs in the context of whoever woke the scheduler. With a scheduler for each request that is the request's.
 */

/** A context; `undefined` is the empty one. What else it is, the host decides. */
export type HostContext = unknown;

/** Something with a step to run. */
export interface Step {
  /** Runs it. */
  run(): void;
}

/** What can be done with contexts. */
export interface HostContexts {
  /** What the host has. */
  readonly by: "internals" | "resources" | "stores" | "snapshots" | "nothing";
  /** The context to keep for what is created now. */
  capture(): HostContext;
  /** The context that is current, or something else if that cannot be told: a step with this very one need not enter it. */
  current(): HostContext;
  /** Runs a step in a context. What was current is restored by then, or else at the end of the slice. */
  enter(context: HostContext, step: Step): void;
  /** The slice has ended: restores what {@linkcode current} gave at its beginning. */
  restore(context: HostContext): void;
  /** Calls a function in a context and restores what was current. */
  within<T>(context: HostContext, fn: () => T): T;
}

// Equal to no context: what is current cannot be told. An object, as contexts are: V8 compares two of a kind faster.
const UNKNOWN: HostContext = Object.freeze({});

// How a debugger of asynchronous hooks names the resources.
const NAME = "asyncoro";

interface Internals {
  getAsyncContext(): HostContext;
  setAsyncContext(context: HostContext): void;
}

interface Resource {
  runInAsyncScope<T, S>(fn: (this: S) => T, self?: S): T;
}

type ResourceClass = new (name: string) => Resource;

interface Snapshot {
  run<T>(fn: () => T): T;
}

/** The globals that are looked at. */
export interface ContextGlobals {
  /** Deno's. */
  // deno-lint-ignore no-explicit-any -- its internals are behind a symbol
  readonly Deno?: any;
  /** That of Node.js, which others have too. */
  readonly process?: { getBuiltinModule?(name: string): unknown };
  /** The proposed standard. */
  readonly AsyncContext?: { readonly Snapshot?: new () => Snapshot };
}

/** Finds out what a host has. */
export function contextsOf(globals: ContextGlobals): HostContexts {
  const { Deno, AsyncContext } = globals;
  const internals = Deno?.[Deno.internal]?.core as Partial<Internals> | undefined;
  if (typeof internals?.getAsyncContext === "function" && typeof internals.setAsyncContext === "function") {
    return byInternals(internals as Internals);
  }
  const AsyncResource = resourceClass(globals);
  if (AsyncResource !== undefined) {
    return keepsStores(new AsyncResource(NAME)) ? byStores(AsyncResource) : byResources(AsyncResource);
  }
  return AsyncContext?.Snapshot === undefined ? nothing() : bySnapshots(AsyncContext.Snapshot);
}

function resourceClass(globals: ContextGlobals): ResourceClass | undefined {
  try {
    const hooks = globals.process?.getBuiltinModule?.("node:async_hooks");
    return (hooks as { AsyncResource?: ResourceClass } | undefined)?.AsyncResource;
  } catch {
    // Whatever a host has there, the package can be imported.
    return undefined;
  }
}

function byInternals({ getAsyncContext, setAsyncContext }: Internals): HostContexts {
  return {
    by: "internals",
    capture: getAsyncContext,
    current: getAsyncContext,
    // The next step compares, whatever is left current here: restoring it would be in vain.
    enter(context, step) {
      setAsyncContext(context);
      step.run();
    },
    restore: setAsyncContext,
    within(context, fn) {
      const outer = getAsyncContext();
      setAsyncContext(context);
      try {
        return fn();
      } finally {
        setAsyncContext(outer);
      }
    },
  };
}

function byResources(AsyncResource: ResourceClass): HostContexts {
  // The package is loaded before there are requests.
  const empty = new AsyncResource(NAME);
  let entered: HostContext = UNKNOWN;
  return {
    by: "resources",
    capture: () => new AsyncResource(NAME),
    current: () => entered,
    enter(context, step) {
      const outer = entered;
      entered = context;
      try {
        (context === undefined ? empty : context as Resource).runInAsyncScope(step.run, step);
      } finally {
        entered = outer;
      }
    },
    restore() {},
    within: (context, fn) => (context === undefined ? empty : context as Resource).runInAsyncScope(fn),
  };
}

function bySnapshots(Snapshot: new () => Snapshot): HostContexts {
  const empty = new Snapshot();
  let entered: HostContext = UNKNOWN;
  const within = <T>(context: HostContext, fn: () => T): T => {
    const outer = entered;
    entered = context;
    try {
      return (context === undefined ? empty : context as Snapshot).run(fn);
    } finally {
      entered = outer;
    }
  };
  return {
    by: "snapshots",
    capture: () => entered === UNKNOWN ? new Snapshot() : entered,
    current: () => entered,
    enter: (context, step) => within(context, () => step.run()),
    restore() {},
    within,
  };
}

function nothing(): HostContexts {
  const none = () => undefined;
  return {
    by: "nothing",
    capture: none,
    current: none,
    enter: (_, step) => step.run(),
    restore: none,
    within: (_, fn) => fn(),
  };
}

// --- Node.js before version 24 ----------------------------------------------------------------------------------

// What a resource has as long as the process stores nothing.
const IDS = ["async_id_symbol", "trigger_async_id_symbol"];

function symbolsOf(resource: Resource): (string | undefined)[] {
  return Object.getOwnPropertySymbols(resource).map((symbol) => symbol.description);
}

/** Whether stores are properties of the resource, as before version 24, and not in a frame that it refers to. */
function keepsStores(resource: Resource): boolean {
  const symbols = symbolsOf(resource);
  return IDS.every((id) => symbols.includes(id)) && !symbols.includes("context_frame");
}

/**
 * A store is a property of the resource that runs: every new resource gets those of the one in which it is made, and
 * what is stored without an end, with `enterWith`, stays.
 *
 * As long as the process stores nothing, steps run side by side in one resource, which notices when that changes. From
 * then on each step runs in a resource of its own, made in that of its coroutine.
 */
function byStores(AsyncResource: ResourceClass): HostContexts {
  let stores = false;
  // `undefined` while nothing is stored in the step that runs, or in the slice.
  let entered: HostContext = UNKNOWN;
  const watching = watcher(new AsyncResource(NAME), () => {
    stores = true;
    if (entered === undefined) entered = UNKNOWN;
  });
  const empty = withoutStores(new AsyncResource(NAME));
  const call = <T, O>(context: HostContext, fn: (this: O) => T, self: O, entering: HostContext): T => {
    const outer = entered;
    const alone = !stores && context === undefined;
    entered = alone ? undefined : entering;
    try {
      if (alone) return watching.runInAsyncScope(fn, self);
      const scope = context === undefined ? empty : context as Resource;
      return scope.runInAsyncScope(() => new AsyncResource(NAME).runInAsyncScope(fn, self));
    } finally {
      entered = outer;
    }
  };
  return {
    by: "stores",
    capture() {
      if (!stores && entered === undefined) return undefined;
      const resource = new AsyncResource(NAME);
      stores ||= symbolsOf(resource).length > IDS.length;
      return stores ? resource : undefined;
    },
    current: () => entered,
    enter: (context, step) => call(context, step.run, step, context),
    restore() {},
    within: (context, fn) => call(context, fn, undefined, UNKNOWN),
  };
}

/** Calls back when something is stored in the resource: the property is new to it, so its prototype is asked. */
function watcher(resource: Resource, onStore: () => void): Resource {
  withoutStores(resource);
  return Object.setPrototypeOf(
    resource,
    new Proxy(Object.getPrototypeOf(resource), {
      set(_prototype, key, value, receiver) {
        onStore();
        return Reflect.defineProperty(receiver, key, { value, writable: true, enumerable: true, configurable: true });
      },
    }),
  );
}

/** The library may be loaded when something is stored already. */
function withoutStores(resource: Resource): Resource {
  for (const symbol of Object.getOwnPropertySymbols(resource)) {
    if (!IDS.includes(symbol.description!)) delete (resource as unknown as Record<symbol, unknown>)[symbol];
  }
  return resource;
}

// --- this host --------------------------------------------------------------------------------------------------

/** Those of this host. */
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

/**
 * Contexts of Node.js before version 24.
 *
 * There an `AsyncLocalStorage` keeps its value as a property of the *current resource*: the object that stands for the
 * asynchronous operation that runs. A new `AsyncResource` copies these properties from the resource that is current when
 * it is made. `run()` sets the property until the end of its call, and `enterWith()` sets it for good.
 *
 * - A step must not run in the resource of its coroutine itself, where an `enterWith()` would change the context of all
 *   later steps. It runs in a new resource that is made, and so copied, from that one.
 * - A new resource a step is expensive, and most programs store nothing. So as long as the process has stored nothing,
 *   all steps run in one shared resource, and nothing is captured.
 * - The first property that is set on the shared resource ends that. Assigning a property that an object does not have
 *   looks for a setter in its prototype first: the shared resource has a `Proxy` as its prototype, whose `set` trap is
 *   called. That costs nothing as long as nothing is stored.
 */
import {
  type HostContext,
  type HostContexts,
  type Resource,
  RESOURCE_TYPE,
  type ResourceClass,
  UNKNOWN,
} from "./host_contexts.ts";

// The properties of a resource in which nothing is stored: `async_id_symbol` and `trigger_async_id_symbol`.
const OWN_PROPERTY = /async_id_symbol/;

function storesOf(resource: Resource): symbol[] {
  return Object.getOwnPropertySymbols(resource).filter((symbol) => !OWN_PROPERTY.test(symbol.description!));
}

/** Whether a host's stores are properties of the resource. Since version 24 they are in a frame that it refers to. */
export function keepsStores(resource: Resource): boolean {
  const properties = Object.getOwnPropertySymbols(resource).map(String).join();
  return OWN_PROPERTY.test(properties) && !properties.includes("context_frame");
}

/** Makes contexts from the resources of such a host. */
export function byStores(AsyncResource: ResourceClass): HostContexts {
  // Whether the process has stored something, ever.
  let used = false;
  // The context of the step that runs; `undefined` in the shared resource as long as nothing is stored.
  let entered: HostContext = UNKNOWN;
  const shared = onFirstStore(new AsyncResource(RESOURCE_TYPE), () => {
    used = true;
    // A step in the shared resource has just stored something: what it creates must capture that.
    if (entered === undefined) entered = UNKNOWN;
  });
  const empty = removeStores(new AsyncResource(RESOURCE_TYPE));
  const call = <T, O>(context: HostContext, fn: (this: O) => T, self: O, entering: HostContext): T => {
    const outer = entered;
    const inShared = !used && context === undefined;
    entered = inShared ? undefined : entering;
    try {
      if (inShared) return shared.runInAsyncScope(fn, self);
      const captured = context === undefined ? empty : context as Resource;
      return captured.runInAsyncScope(() => new AsyncResource(RESOURCE_TYPE).runInAsyncScope(fn, self));
    } finally {
      entered = outer;
    }
  };
  return {
    capture() {
      if (!used && entered === undefined) return undefined;
      const resource = new AsyncResource(RESOURCE_TYPE);
      used ||= storesOf(resource).length > 0;
      return used ? resource : undefined;
    },
    current: () => entered,
    enter: (context, step) => call(context, step.run, step, context),
    restore() {},
    // The function may be the program's and store something, so the context inside counts as unknown.
    within: (context, fn) => call(context, fn, undefined, UNKNOWN),
  };
}

/** Calls back when a property is first set on the resource. Returns the resource. */
function onFirstStore(resource: Resource, callback: () => void): Resource {
  removeStores(resource);
  const prototype = new Proxy(Object.getPrototypeOf(resource), {
    set(prototype, key, value, receiver) {
      callback();
      // The trap has served its purpose: the assignment goes on without it.
      return Reflect.set(Object.setPrototypeOf(receiver, prototype), key, value);
    },
  });
  return Object.setPrototypeOf(resource, prototype);
}

/** Removes what was copied into a new resource, as the package may be loaded while something is stored. */
function removeStores(resource: Resource): Resource {
  for (const symbol of storesOf(resource)) delete (resource as unknown as Record<symbol, unknown>)[symbol];
  return resource;
}

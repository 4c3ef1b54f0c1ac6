import {
  type HostContext,
  type HostContexts,
  type Resource,
  RESOURCE_TYPE,
  type ResourceClass,
  UNKNOWN,
} from "./host_contexts.ts";

/**
 * Contexts of Node.js, Bun and Cloudflare's runtime: each is an `AsyncResource`. The host does not tell which context is
 * current. So the context of a coroutine is entered for every step, unless the step runs inside another one of the same
 * context.
 */
export function byResources(AsyncResource: ResourceClass): HostContexts {
  // Made when the package is loaded, before there are requests whose context it could capture.
  const empty = new AsyncResource(RESOURCE_TYPE);
  let entered: HostContext = UNKNOWN;
  return {
    capture: () => new AsyncResource(RESOURCE_TYPE),
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

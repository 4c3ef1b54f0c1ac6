import type { HostContext, HostContexts } from "./host_contexts.ts";

/** Deno's functions. */
export interface Internals {
  /** The current context: a value that is never changed in place, `undefined` if nothing is stored. */
  getAsyncContext(): HostContext;
  /** Makes a context current. */
  setAsyncContext(context: HostContext): void;
}

/** Contexts of Deno, whose internal functions get and set the current one and cost next to nothing. */
export function byInternals({ getAsyncContext, setAsyncContext }: Internals): HostContexts {
  return {
    capture: getAsyncContext,
    current: getAsyncContext,
    // Not restored here, but once at the end of the slice: the next step compares its context with the current one.
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

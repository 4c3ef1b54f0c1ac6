import { type HostContext, type HostContexts, UNKNOWN } from "./host_contexts.ts";

/** The proposed standard's `AsyncContext.Snapshot`. */
export interface Snapshot {
  /** Calls a function in the captured context. */
  run<T>(fn: () => T): T;
}

/**
 * Contexts of a host with the proposed `AsyncContext` only. A snapshot is expensive, so coroutines that are created in a
 * step share the one of that step.
 */
export function bySnapshots(Snapshot: new () => Snapshot): HostContexts {
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
    capture: () => entered === UNKNOWN ? new Snapshot() : entered,
    current: () => entered,
    enter: (context, step) => within(context, () => step.run()),
    restore() {},
    within,
  };
}

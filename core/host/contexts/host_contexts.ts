/**
 * The contract between coroutines and the host's asynchronous context, whatever the means by which it is reached.
 */

/** A captured context. `undefined` is the empty one; the type of others depends on the host. */
export type HostContext = unknown;

/** Something that runs in a context. */
export interface Step {
  /** Runs it. */
  run(): void;
}

/** What can be done with contexts. */
export interface HostContexts {
  /** The context to keep for something that is created now. */
  capture(): HostContext;
  /**
   * The current context, or {@linkcode UNKNOWN} if the host cannot tell. A step whose context is identical need not be
   * entered.
   */
  current(): HostContext;
  /** Runs a step in a context. The outer context is restored when it returns, or by {@linkcode restore}. */
  enter(context: HostContext, step: Step): void;
  /** Called at the end of a slice with the value of {@linkcode current} at its beginning: restores that context. */
  restore(context: HostContext): void;
  /** Calls a function in a context and restores the outer one. */
  within<T>(context: HostContext, fn: () => T): T;
}

/** Stands for a context that the host cannot tell: identical to no other. An object, as V8 compares two objects faster. */
export const UNKNOWN: HostContext = Object.freeze({});

/** Node.js' `AsyncResource`: captures the current context when it is constructed and runs functions in it. */
export interface Resource {
  /** Calls a function in the captured context. */
  runInAsyncScope<T, S>(fn: (this: S) => T, self?: S): T;
}

/** Its class. */
export type ResourceClass = new (name: string) => Resource;

/** The type that resources have for debuggers that use asynchronous hooks. */
export const RESOURCE_TYPE = "asyncoro";

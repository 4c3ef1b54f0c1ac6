/**
 * Where a new coroutine is placed: a scheduler, and the options of `spawnWith`.
 *
 * `new Coro(target, ...args)` has no room for them in its arguments, so they stand here for the moment of the call.
 */
import { callbackContext } from "./callback_scheduler.ts";
import { runningCoro } from "./coro_of.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Body } from "../base/generator.ts";

/** Options of a new coroutine, checked. */
export interface Placement {
  readonly scheduler: Scheduler;
  /** `null`: all defaults. */
  readonly options: PlacementOptions | null;
}

/** Something that a coroutine may have its name from, such as a function. */
export interface Named {
  /** The name. */
  readonly name: string;
}

/** What a new coroutine is to be. */
export interface PlacementOptions {
  /** Its name, or what has its name. */
  readonly name?: string | Named;
  /** Its priority. */
  readonly priority: number;
  /** Whether it is a daemon. */
  readonly daemon: boolean;
  /** The generator object that it runs, in place of one made by its target. */
  readonly body?: Body;
}

let chosen: Placement | null = null;
let defaultScheduler: () => Scheduler = () => {
  throw new Error("Cannot create a coroutine as no scheduler module is loaded: import from the package's entry point");
};

/** Says how the default scheduler is found. */
export function setDefaultScheduler(find: () => Scheduler): void {
  defaultScheduler = find;
}

/** Makes the coroutine that `create` constructs at the given place. */
export function placed<T>(placement: Placement, create: () => T): T {
  chosen = placement;
  try {
    return create();
  } finally {
    chosen = null;
  }
}

/** The same for the coroutine that is constructed next: nothing may come between this and its constructor. */
export function placeNext(placement: Placement): void {
  chosen = placement;
}

/** The place for the coroutine that is being constructed. Taken once, so that nested ones do not inherit it. */
export function placement(): Placement {
  if (chosen !== null) {
    const place = chosen;
    chosen = null;
    return place;
  }
  const scheduler = runningCoro()?.scheduler ?? callbackContext.scheduler ?? defaultScheduler();
  return { scheduler, options: null };
}

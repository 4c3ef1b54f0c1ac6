/**
 * The run loop and the options of the coroutine that is created next.
 *
 * `new Coro(target, ...args)` has no argument for them, so the caller sets them here right before the constructor runs.
 */
import { callbackContext } from "./callback_loop.ts";
import * as coroOf from "./coro_of.ts";
import { describe } from "../base/describe.ts";
import type { Mailbox } from "./mailbox.ts";
import type { CoroLoop } from "./coro_loop.ts";
import { isGeneratorFunction } from "../base/generator.ts";

/** The run loop and the options of a new coroutine. */
export interface SpawnRequest {
  readonly loop: CoroLoop;
  /** `null`: all defaults. */
  readonly options: CheckedSpawnOptions | null;
}

/** Something from which a coroutine may take its name, such as a function. */
export interface Named {
  /** The name. */
  readonly name: string;
}

/** Options of a new coroutine, checked. */
export interface CheckedSpawnOptions {
  /** Its name, or what has its name. */
  readonly name?: string | Named;
  /** Its priority. */
  readonly priority: number;
  /** Whether it is a daemon. */
  readonly daemon: boolean;
  /** Its mailbox, if that is bounded. */
  readonly mailbox?: Mailbox | null;
}

/** The priority of a coroutine that is given none. */
export const DEFAULT_PRIORITY = 4;

// V8 compiles the constants of this module into its code, and looks imported ones up at each use.
const runningCoro = coroOf.runningCoro;

let next: SpawnRequest | null = null;
let defaultLoop: () => CoroLoop;

/** Sets the function that returns the run loop of the default scheduler. */
export function setDefaultLoop(find: () => CoroLoop): void {
  defaultLoop = find;
}

/**
 * Sets the options of the coroutine that is constructed next: nothing may run between this and its constructor. `null`
 * withdraws them, in case the constructor could not begin at the end of the engine's stack.
 */
export function setNextSpawn(request: SpawnRequest | null): void {
  next = request;
}

/** The options for the coroutine under construction, taken once, so that coroutines created by it do not inherit them. */
export function takeSpawnRequest(): SpawnRequest {
  const request = next ?? currentLoop().defaultSpawn;
  next = null;
  return request;
}

/** The run loop of the code that runs now: that of its coroutine or callback, or else that of the default scheduler. */
export function currentLoop(): CoroLoop {
  return runningCoro()?.loop ?? callbackContext.loop ?? defaultLoop();
}

/** Throws unless `target` is a generator function. */
export function checkTarget(target: unknown): void {
  if (isGeneratorFunction(target)) return;
  const hint = typeof target === "function" ? ", write function* and yield* until(promise)" : "";
  throw new TypeError(
    `Cannot create a coroutine as 'target' must be a generator function: current value is ${describe(target)}${hint}`,
  );
}

/** Returns the priority, if it is valid. */
export function checkPriority(priority: unknown): number {
  if (Number.isInteger(priority) && priority as number >= 0 && priority as number <= 7) return priority as number;
  throw new RangeError(
    `Cannot set the priority as 'priority' must be an integer from 0 to 7: ` +
      `current value is ${describe(priority)}`,
  );
}

/** The name of a function, which the program may have replaced by any value. */
export function nameOf(named: Named): string {
  try {
    const name: unknown = named.name;
    return typeof name === "string" && name !== "" ? name : "anonymous";
  } catch {
    return "anonymous";
  }
}

import type { CoroFunction } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import { Scheduler } from "../coroutine/scheduler.ts";
import { VirtualClock } from "./virtual_clock.ts";

/**
 * Runs a coroutine in virtual time, on a scheduler of its own, and waits for its result.
 *
 * When it has ended, coroutines on the same scheduler that still run are terminated.
 *
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @returns A promise of its result; rejected with the error that ended it, unchanged.
 *
 * @example
 * ```ts
 * import { runVirtual } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const answer = await runVirtual(function* (coro) {
 *   yield* coro.sleep({ days: 365 });
 *   return "a year later";
 * });
 * assertEquals(answer, "a year later");
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function runVirtual<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Promise<R> {
  return runVirtualWith({}, target, ...args);
}

/** Options of {@linkcode runVirtualWith}. */
export interface RunVirtualOptions {
  /** A seed for the order in which coroutines run that are ready together; one seed always gives the same order. */
  readonly shuffle?: number;
  /** Reports operations that are never yielded, and records where coroutines are created. */
  readonly debug?: boolean;
}

/**
 * The same as {@linkcode runVirtual}, with options.
 *
 * @param options See {@linkcode RunVirtualOptions}.
 * @param target A generator function.
 * @param args Its arguments after the coroutine.
 * @returns A promise of its result; rejected with the error that ended it, unchanged, and with a `TypeError` if
 * `target` is not a generator function or an option is wrong.
 *
 * @example
 * ```ts
 * import { Coro } from "@asyncoro/asyncoro";
 * import { runVirtualWith } from "@asyncoro/asyncoro/testing";
 * import { assertEquals } from "@std/assert";
 *
 * for (let seed = 1; seed <= 10; seed++) {
 *   await runVirtualWith({ shuffle: seed }, function* () {
 *     const order: string[] = [];
 *     const all = ["a", "b"].map((name) => new Coro(function* () {
 *       order.push(name);
 *     }));
 *     for (const each of all) yield* each.finish();
 *     assertEquals(order.sort(), ["a", "b"]);
 *   });
 * }
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export async function runVirtualWith<A extends readonly any[], R>(
  options: RunVirtualOptions,
  target: CoroFunction<A, R>,
  ...args: A
): Promise<R> {
  const scheduler = new Scheduler({ ...checkOptions(options), name: "virtual", clock: new VirtualClock() });
  try {
    return await scheduler.spawn(target, ...args).value();
  } finally {
    await scheduler.terminate();
  }
}

function checkOptions(options: RunVirtualOptions): RunVirtualOptions {
  if (typeof options !== "object" || options === null) throw wrong("'options' must be an object", options);
  const { shuffle, debug, ...others } = options;
  for (const key of Object.keys(others)) throw wrong("the options are shuffle, debug and nothing else", key);
  if (debug !== undefined && typeof debug !== "boolean") throw wrong("'debug' must be a boolean", debug);
  return { shuffle, debug };
}

function wrong(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot run in virtual time as ${reason}: current value is ${describe(value)}`);
}

import { describe } from "../base/describe.ts";
import { isGeneratorFunction } from "../base/generator.ts";
import { Coro, type CoroFunction } from "../coroutine/coro.ts";
import type { SpawnOptions } from "../coroutine/scheduler.ts";
import type { Operation } from "../fiber/operation.ts";
import { ChildGroup, GroupCall } from "./child_group.ts";

/** A scope that is open, as its body gets it: see {@linkcode scope}. Its children may use it too. */
export class Scope {
  readonly #group: ChildGroup;

  /** @internal */
  constructor(group: ChildGroup) {
    this.#group = group;
  }

  /**
   * Creates a coroutine in the scope, which does not end before it.
   *
   * While the scope ends early, what is created in it is terminated before its first step.
   *
   * @param target A generator function.
   * @param args Its arguments after the coroutine.
   * @throws {TypeError} If `target` is not a generator function.
   * @throws {Error} If the scope has ended.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  spawn<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Coro<R> {
    const group = this.#group;
    group.beginSpawn();
    return group.add(group.children, new Coro<R, A>(target, ...args));
  }

  /**
   * The same with a name, a priority and so on.
   *
   * @param options See {@linkcode SpawnOptions}.
   * @param target A generator function.
   * @param args Its arguments after the coroutine.
   * @throws {TypeError} If `target` is not a generator function, or an option is of the wrong type.
   * @throws {RangeError} If the priority is not an integer from 0 to 7.
   * @throws {Error} If the scope has ended.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  spawnWith<A extends readonly any[], R>(options: SpawnOptions, target: CoroFunction<A, R>, ...args: A): Coro<R> {
    return this.#group.spawnWith(options, target, args);
  }

  /**
   * Creates a coroutine that serves the others: it is terminated when the body and all other children have ended.
   *
   * @param target A generator function.
   * @param args Its arguments after the coroutine.
   * @throws {TypeError} If `target` is not a generator function.
   * @throws {Error} If the scope has ended.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  service<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Coro<R> {
    const group = this.#group;
    group.beginSpawn();
    return group.add(group.services, new Coro<R, A>(target, ...args));
  }

  /**
   * Terminates the body and all children. The scope then ends normally, with `undefined`.
   *
   * It has no effect if the scope ends already: what began first stands.
   *
   * @param reason The reason of {@linkcode Scope.signal}; an error by default.
   */
  cancel(reason?: unknown): void {
    this.#group.cancel(reason);
  }

  /**
   * A signal that is aborted when the scope begins to end early. Its reason is that of `cancel()`, or the failure, or an
   * error that tells that the scope was cancelled or cut short.
   */
  get signal(): AbortSignal {
    return this.#group.signal;
  }

  /** How many children have not ended, services included. */
  get size(): number {
    return this.#group.size;
  }
}

/**
 * Runs a body of code that creates coroutines, and ends when the body and all of them have ended: nothing that it began
 * goes on behind it.
 *
 * - If the body or a child fails, the others are terminated and their cleanup is waited for. Then the failure is thrown:
 *   the very error, or an `AggregateError` if there are several. The failure of a child is not reported elsewhere.
 * - A child that is terminated is no failure. Nor is an error in the cleanup of what the scope has terminated; it is
 *   reported as uncaught.
 * - When its coroutine is terminated, runs out of time or loses a race in it, the children are terminated, too.
 * - Children that wait for each other fail the scope with a `DeadlockError`, unless a deadline or a signal may end the
 *   scope: then that is waited for.
 * - A child cannot be restarted by a monitor.
 *
 * Cleanup may wait for up to five seconds, or as long as that of the coroutine itself may.
 *
 * @param body A generator function, called with the {@linkcode Scope}, in which it creates coroutines.
 * @returns What the body returns; `undefined` if the scope was cancelled.
 * @throws {TypeError} If `body` is not a generator function.
 *
 * @example
 * ```ts
 * import { run, scope, sleep } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * function* fetchPart(_coro: unknown, part: number) {
 *   try {
 *     yield* sleep(0.01 * part);
 *     if (part === 2) throw new Error("no part 2");
 *     log.push(`part ${part}`);
 *   } finally {
 *     log.push(`end of ${part}`);
 *   }
 * }
 * const message = await run(function* () {
 *   try {
 *     yield* scope(function* (scope) {
 *       for (const part of [1, 2, 3]) scope.spawn(fetchPart, part);
 *     });
 *   } catch (error) {
 *     return (error as Error).message;
 *   }
 * });
 * assertEquals(message, "no part 2");
 * assertEquals(log, ["part 1", "end of 1", "end of 2", "end of 3"]);
 * ```
 */
// deno-lint-ignore no-explicit-any -- a generator that uses plain `yield` is sent `any`
export function scope<R>(body: (scope: Scope) => Generator<unknown, R, any>): Operation<R | undefined> {
  if (!isGeneratorFunction(body)) {
    throw new TypeError(
      `Cannot open a scope as 'body' must be a generator function: current value is ${describe(body)}`,
    );
  }
  const group = new ChildGroup("scope");
  return new GroupCall(group, group.run(() => body(new Scope(group))));
}

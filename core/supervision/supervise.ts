import { Coro, type CoroFunction } from "../coroutine/coro.ts";
import { checkChildren, checkOptions, type ChildSpec, type ResultOf, type SuperviseOptions } from "./options.ts";
import { Supervisor } from "./supervisor.ts";

/**
 * Starts children, restarts those that fail, and ends when every child has ended without failing.
 *
 * - A child that returns or is terminated has ended normally. It is not restarted, unless the strategy restarts it
 *   after the failure of another child.
 * - The child that failed is restarted in place: it keeps its id, mailbox, monitors, subscriptions and registered
 *   names. Other children that the strategy restarts are terminated first, one after the other, the last in the list
 *   first; new coroutines replace them.
 * - `backoff` doubles, as a child that fails at once after every restart needs time rather than attempts. The pauses do
 *   not count towards `within`, so that the supervisor gives up on a child that never starts, however long they are.
 * - Whatever ends the supervisor, its children are terminated first, and it waits for their `finally` blocks.
 *
 * A child that another monitor has restarted already is not restarted again. The supervisor ignores messages other than
 * those that it gets as a monitor.
 *
 * @param children The children, started in this order.
 * @param options See {@linkcode SuperviseOptions}: `"one-for-one"`, 3 restarts within 5 seconds, no backoff.
 * @returns The supervisor. Its result is an array of the children's results, `undefined` for a child that was
 * terminated. It fails with `SupervisionError` when it gives up, after stopping the other children.
 * @throws {TypeError} If a child has no generator function, or an option is of the wrong type.
 * @throws {RangeError} If `maxRestarts` is not an integer of 0 or more (or `Infinity`), `within` is not more than 0,
 * or `backoff` is negative or infinite.
 *
 * @example
 * ```ts
 * import { supervise } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * let attempts = 0;
 * const supervisor = supervise([{
 *   target: function* flaky() {
 *     if (++attempts < 3) throw new Error("not yet");
 *     return "done";
 *   },
 * }]);
 * assertEquals(await supervisor.value(), ["done"]);
 * assertEquals(attempts, 3);
 * ```
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export function supervise<const F extends readonly CoroFunction<any[], unknown>[]>(
  children: readonly [...{ [K in keyof F]: ChildSpec<F[K]> }],
  options: SuperviseOptions = {},
): Coro<{ -readonly [K in keyof F]: ResultOf<F[K]> | undefined }> {
  const specs = checkChildren(children);
  const checked = checkOptions(options);
  return new Coro(function* supervisor(coro: Coro): Generator<unknown, unknown, unknown> {
    return yield* new Supervisor(coro, specs, checked).run();
  }) as Coro<unknown> as Coro<{ -readonly [K in keyof F]: ResultOf<F[K]> | undefined }>;
}

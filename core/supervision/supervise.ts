import type { CoroFunction } from "../coroutine/coro.ts";
import { checkChildren, checkOptions, type ChildSpec, type ResultOf, type SuperviseOptions } from "./options.ts";
import { Supervisor } from "./supervisor.ts";

/**
 * Starts children, restarts those that fail, and ends when every child has ended and none is to be restarted.
 *
 * - A child's `restart` decides when it is restarted: `"permanent"` always, `"transient"` (the default) after a failure,
 *   `"temporary"` never. The strategy may restart other children with it, also those that have ended normally, but no
 *   temporary ones and none that was stopped with `stopChild`.
 * - Without the option `onRestart` each restart is a line on stderr, and so is the failure of a temporary child.
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
 * @returns The supervisor, a coroutine. Children can be added to it and stopped. Its result is an array of the children's results, `undefined` for a child that was
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
): Supervisor<{ -readonly [K in keyof F]: ResultOf<F[K]> | undefined }> {
  return new Supervisor(checkChildren(children), checkOptions(options));
}

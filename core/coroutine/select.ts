import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { Race } from "./race.ts";
import { isRecord, type Waitable, type Waited } from "./waitable.ts";

/** The result of {@linkcode select}: the key of the case that ended first, and its value. */
export type Selected<S> = {
  [K in keyof S & (string | number)]: [key: `${K}`, value: Waited<S[K]>];
}[keyof S & (string | number)];

/**
 * Waits for the first of several named cases, like `race`, and tells which it was.
 *
 * Operations and generators that lose are cancelled: their `finally` blocks run before `select` ends, and whatever they
 * had been granted (a message, a lock) goes back. Coroutines and promises that lose go on. If several operations need not
 * wait, the first of them, in the order of the cases, wins.
 *
 * @param cases A plain object of operations, generator objects, coroutines and promises.
 * @returns The key and the value of the case that ended first. If it failed, its error is thrown.
 * @throws {TypeError} If `cases` is not a plain object or is empty, or if a case cannot be waited for.
 *
 * @example
 * ```ts
 * import { run, select } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * await run(function* (coro) {
 *   coro.send("hello");
 *   const [key, value] = yield* select({
 *     message: coro.receive<string>(),
 *     pause: coro.sleep(10, 0),
 *   });
 *   if (key === "message") log.push(value.toUpperCase());
 *   else log.push("nothing came");
 * });
 * assertEquals(log, ["HELLO"]);
 * ```
 */
export function select<const S extends Readonly<Record<string, Waitable<unknown>>>>(cases: S): Operation<Selected<S>> {
  if (!isRecord(cases)) {
    throw new TypeError(
      `Cannot select as 'cases' must be a plain object of waits: current value is ${describe(cases)}`,
    );
  }
  const keys = Object.keys(cases);
  if (keys.length === 0) throw new TypeError("Cannot select as 'cases' is empty: give at least one case");
  const race: Operation<unknown> = new Race(keys.map((key) => cases[key]), "select", (value, at) => [keys[at], value]);
  return race as Operation<Selected<S>>;
}

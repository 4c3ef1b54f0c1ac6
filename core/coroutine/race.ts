import { BranchGroup } from "./branches.ts";
import type { Operation } from "../fiber/operation.ts";
import type { Grant } from "../operations/parts.ts";
import { listItems, type Waitable, type Waited } from "./waitable.ts";

/** Ends with the first branch that ends. */
export class Race extends BranchGroup {
  readonly label: string;
  readonly #shape: (value: unknown, index: number) => unknown;
  #winner: { index: number; value: unknown } | null = null;

  /** `shape` makes the result from the value of the item with this index. */
  constructor(items: readonly unknown[], label: string, shape: (value: unknown, index: number) => unknown) {
    super(items);
    this.label = label;
    this.#shape = shape;
  }

  protected override returned(index: number, value: unknown): void {
    this.#winner = { index, value };
    this.decide(false, this.#shape(value, index), index);
  }

  protected override granted(): Grant[] {
    return this.#winner === null ? [] : this.grant(this.#winner.index, this.#winner.value);
  }
}

/**
 * Waits for the first of several; returns its value, or throws its error.
 *
 * Operations and generators that lose are cancelled: their `finally` blocks run before the race returns its value. What
 * an operation that loses was granted (a message, a lock) goes back. A generator that loses gives back in `finally` what
 * it had received or acquired. Coroutines and promises that lose go on, but the race no longer waits for them.
 *
 * @param items Operations, generator objects, coroutines and promises.
 * @throws {TypeError} If there are no items, or if an item cannot be waited for.
 *
 * @example
 * ```ts
 * import { race, run, sleep, until } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const first = await run(function* () {
 *   return yield* race(until(Promise.resolve("promise")), sleep(10));
 * });
 * assertEquals(first, "promise");
 * ```
 */
export function race<const W extends readonly Waitable<unknown>[]>(items: W): Operation<Waited<W[number]>>;
/** The same with the items one by one. */
export function race<const W extends readonly Waitable<unknown>[]>(...items: W): Operation<Waited<W[number]>>;
export function race(...args: unknown[]): Operation<unknown> {
  const items = listItems(args);
  if (items.length === 0) throw new TypeError("Cannot race nothing: give at least one operation, generator or promise");
  return new Race(items, "race", (value) => value);
}

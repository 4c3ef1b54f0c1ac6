import { BranchGroup } from "./branches.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { Operation } from "../fiber/operation.ts";
import type { Grant } from "../operations/parts.ts";
import { isRecord, listItems, type Waitable, type Waited } from "./waitable.ts";

/** Ends when all branches have returned, or with the first that fails. */
class All extends BranchGroup {
  #values: unknown[] = [];
  #returned: number[] = [];
  #shape: (values: unknown[]) => unknown;

  /** `shape` makes the result from the values of the items. */
  constructor(items: readonly unknown[], shape: (values: unknown[]) => unknown) {
    super(items);
    this.#shape = shape;
  }

  get label(): string {
    return "all";
  }

  override begin(fiber: Fiber): boolean {
    if (this.parts.length === 0) return this.give(this.#shape([]));
    return super.begin(fiber);
  }

  protected override returned(index: number, value: unknown): void {
    this.#values[index] = value;
    this.#returned.push(index);
    if (this.#returned.length === this.parts.length) this.decide(false, this.#shape(this.#values), index);
  }

  protected override granted(): Grant[] {
    return this.#returned.flatMap((index) => this.grant(index, this.#values[index]));
  }
}

/**
 * Waits for all of several; returns their values in the shape of the arguments: a tuple, or a record.
 *
 * The first failure fails the whole: the remaining operations and generators are cancelled, and their `finally` blocks
 * run before the error is thrown. Coroutines and promises go on, but `all` no longer waits for them.
 *
 * @param items Operations, generator objects, coroutines and promises: one by one, as an array, or as a record.
 * @throws {TypeError} If an item cannot be waited for.
 *
 * @example
 * ```ts
 * import { all, run, sleep, until } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* (coro) {
 *   const [one, two] = yield* all(coro.sleep(0.01, "one"), until(Promise.resolve(2)));
 *   assertEquals([one, two], ["one", 2]);
 *   const { left } = yield* all({ left: coro.sleep(0.01, "left"), pause: sleep(0.01) });
 *   assertEquals(left, "left");
 * });
 * ```
 */
export function all<const W extends readonly Waitable<unknown>[]>(
  items: W,
): Operation<{ -readonly [K in keyof W]: Waited<W[K]> }>;
/** The same with the items one by one. */
export function all<const W extends readonly Waitable<unknown>[]>(
  ...items: W
): Operation<{ -readonly [K in keyof W]: Waited<W[K]> }>;
/** The same with named items. */
export function all<const W extends Readonly<Record<string, Waitable<unknown>>>>(
  items: W,
): Operation<{ -readonly [K in keyof W]: Waited<W[K]> }>;
export function all(...args: unknown[]): Operation<unknown> {
  const [first] = args;
  if (args.length === 1 && isRecord(first)) {
    const keys = Object.keys(first);
    const shape = (values: unknown[]) => Object.fromEntries(keys.map((key, index) => [key, values[index]]));
    return new All(keys.map((key) => first[key]), shape);
  }
  return new All(listItems(args), (values) => values);
}

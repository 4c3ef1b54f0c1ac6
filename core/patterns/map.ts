import { describe } from "../base/describe.ts";
import { isGeneratorFunction } from "../base/generator.ts";
import { checkOptions } from "../base/options.ts";
import { Coro } from "../coroutine/coro.ts";
import type { Operation } from "../fiber/operation.ts";
import type { WaitQueue } from "../fiber/wait_queue.ts";
import { Child, ChildGroup, GroupCall } from "./child_group.ts";
import { ChildrenWait } from "./children_wait.ts";
import { isIterable, Source } from "./source.ts";

/** Options of {@linkcode map}. */
export interface ConcurrencyOptions {
  /** How many items may be in work at once: a positive integer or `Infinity`; 8 by default. */
  readonly concurrency?: number;
}

/** What {@linkcode map} calls for each item: a generator function, as the coroutine that works on it. */
export type Mapper<T, R> = (
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  coro: Coro<any>,
  item: T,
  index: number,
  // deno-lint-ignore no-explicit-any -- a generator that uses plain `yield` is sent `any`
) => Generator<unknown, R, any>;

/** The child that works on an item. */
class Worker extends Child {
  declare readonly group: Mapping<unknown, unknown>;
  readonly #index: number;

  constructor(coro: Coro, group: Mapping<unknown, unknown>, queue: WaitQueue<Child>) {
    super(coro, group, queue);
    this.#index = group.results.push(undefined) - 1;
  }

  override resolve(): void {
    this.group.results[this.#index] = this.coro.returned;
    super.resolve();
  }
}

/** Takes items from a source and starts a child for each, as long as there is room. */
class Mapping<T, R> extends ChildGroup {
  /** What the children have returned, in the order of the items. */
  readonly results: R[] = [];
  readonly #source: Source<T>;
  readonly #mapper: Mapper<T, R>;
  readonly #concurrency: number;

  constructor(source: Source<T>, mapper: Mapper<T, R>, concurrency: number) {
    super("map");
    this.#source = source;
    this.#mapper = mapper;
    this.#concurrency = concurrency;
  }

  protected override createChild(coro: Coro, queue: WaitQueue<Child>): Child {
    return new Worker(coro, this as Mapping<unknown, unknown>, queue);
  }

  // However many fail, there is one error for the result that is missing.
  protected override failure(): unknown {
    return this.failures.values().next().value;
  }

  /** The body: goes through the source. */
  *feed(): Generator<unknown, R[], unknown> {
    try {
      for (let index = 0;; index++) {
        while (this.children.length >= this.#concurrency) yield* new ChildrenWait(this, this.#concurrency - 1, false);
        const { done, value } = yield* this.#source.next();
        if (done) return this.results;
        this.beginSpawn();
        this.add(this.children, new Coro(this.#mapper, value, index));
      }
    } finally {
      yield* this.#source.close();
    }
  }
}

/**
 * Runs a coroutine for each item, several at a time, and waits for all results.
 *
 * No item is taken before its coroutine can run. The first failure, or that of the source, terminates the coroutines that
 * run, closes the source (`return()`) and is thrown after their cleanup; later failures are not. The source is also
 * closed if the wait is cut short.
 *
 * @param items Something iterable, or asynchronously iterable.
 * @param fn A generator function, called with the coroutine, the item and its index.
 * @param options See {@linkcode ConcurrencyOptions}.
 * @returns What `fn` has returned, in the order of the items; `undefined` for one that was terminated.
 * @throws {TypeError} If `items` is not iterable, `fn` is not a generator function, or an option is not known.
 * @throws {RangeError} If `concurrency` is neither a positive integer nor `Infinity`.
 *
 * @example
 * ```ts
 * import { map, run, sleep } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const squares = await run(function* () {
 *   return yield* map([3, 1, 2], function* (_coro, n) {
 *     yield* sleep(0.01 * n);
 *     return n * n;
 *   }, { concurrency: 2 });
 * });
 * assertEquals(squares, [9, 1, 4]);
 * ```
 */
export function map<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: Mapper<T, R>,
  options: ConcurrencyOptions = {},
): Operation<R[]> {
  if (!isIterable(items)) {
    throw new TypeError(`Cannot map as 'items' must be iterable: current value is ${describe(items)}`);
  }
  if (!isGeneratorFunction(fn)) {
    throw new TypeError(`Cannot map as 'fn' must be a generator function: current value is ${describe(fn)}`);
  }
  checkOptions(options, ["concurrency"], "map");
  const { concurrency = 8 } = options;
  if (concurrency !== Infinity && !(Number.isInteger(concurrency) && concurrency > 0)) {
    throw new RangeError(
      `Cannot map as 'concurrency' must be a positive integer or Infinity: current value is ${describe(concurrency)}`,
    );
  }
  const mapping = new Mapping(new Source(items), fn, concurrency);
  // Nothing cancels it, so there is a result.
  return new GroupCall(mapping, mapping.run(() => mapping.feed())) as Operation<unknown> as Operation<R[]>;
}

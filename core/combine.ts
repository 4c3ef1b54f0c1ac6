/**
 * `race` and `all`: several waits in one coroutine.
 *
 * Every item runs on a branch, a strand that shares the coroutine's identity: `current()`, `receive()` and the rest
 * mean the coroutine itself. When the outcome is certain, the branches that are left are unwound, and only when the
 * last of them has ended does the coroutine go on: nothing of it runs behind its back.
 */
import { Coro } from "./coro.ts";
import { CANCELLING, Operation, SPENT, WAITING } from "./operation.ts";
import { type Body, type Ending, isGenerator, Strand } from "./strand.ts";
import { attend } from "./operations/attend.ts";
import { Finish } from "./operations/finish.ts";
import { GRACE_SECONDS } from "./operations/with_timeout.ts";

/** What `race` and `all` take: an operation, a generator object, a coroutine or a promise. */
// deno-lint-ignore no-explicit-any -- a generator that uses `yield operation` is sent `any`
export type Waitable<T> = Operation<T> | Generator<unknown, T, any> | Coro<T> | PromiseLike<T>;

/** The type of value that waiting for `W` gives. */
// deno-lint-ignore no-explicit-any -- matches generators of every kind
export type Waited<W> = W extends Operation<infer T> ? T : W extends Generator<any, infer T, any> ? T
: W extends Coro<infer T> ? T
: W extends PromiseLike<infer T> ? T
: never;

/** A line of execution of one item. */
class Branch extends Strand {
  readonly #group: Group;
  readonly index: number;

  constructor(group: Group, parent: Strand, index: number, body: Body) {
    super(parent.loop, parent.level);
    this.initialize(body);
    this.#group = group;
    this.index = index;
  }

  override get owner(): Coro {
    return this.#group.strand!.owner;
  }

  override get parent(): Strand {
    return this.#group.strand!;
  }

  protected override ended(kind: Ending, value: unknown): void {
    this.loop.leave(this);
    this.#group.branchEnded(this, kind, value);
  }

  protected override report(error: unknown): void {
    this.owner.scheduler.reportError(error, this.owner);
  }
}

// Waits that a description lists.
const MAX_SHOWN = 10;

/** What the branches of one `race` or `all` have in common. */
abstract class Group extends Operation<unknown> {
  protected readonly items: readonly unknown[];
  protected readonly branches = new Set<Branch>();
  readonly #operations: readonly (Operation<unknown> | null)[];
  readonly #bodies: readonly Body[];
  #live = 0;
  #decided: { failed: boolean; outcome: unknown } | null = null;

  constructor(items: readonly unknown[]) {
    super();
    this.items = items;
    this.#operations = items.map(asOperation);
    this.#bodies = items.map((item, index) => isGenerator(item) ? item : attend(this.#operations[index] ?? item));
  }

  /** A branch has returned. */
  protected abstract returned(index: number, value: unknown): void;

  override begin(strand: Strand): boolean {
    // The rejection of a promise that loses before its branch has looked at it is nobody's business either.
    for (const item of this.items) if (item instanceof Promise) item.catch(() => {});
    this.#enterBranches(strand);
    for (const branch of this.branches) strand.loop.submit(branch);
    return false;
  }

  /** All get a place in the scheduler, or none does, if there is no room for all. */
  #enterBranches(strand: Strand): void {
    try {
      this.#bodies.forEach((body, index) => {
        const branch = new Branch(this, strand, index, body);
        strand.loop.enter(branch);
        this.branches.add(branch);
        this.#live++;
      });
    } catch (error) {
      for (const branch of this.branches) strand.loop.leave(branch);
      this.branches.clear();
      throw error;
    }
  }

  branchEnded(branch: Branch, kind: Ending, value: unknown): void {
    this.#live--;
    this.branches.delete(branch);
    const closing = this.#decided !== null || this.state === CANCELLING;
    if (closing) {
      // A loser that ends by itself at the last moment has lost all the same.
      if (kind === "throw") this.strand!.owner.scheduler.reportError(value, this.strand!.owner);
      else if (kind === "return") this.giveBack(branch.index, value);
    } else if (kind === "throw") {
      this.decide(true, value);
    } else {
      this.returned(branch.index, value);
    }
    if (this.#live === 0) this.#settle();
  }

  /** The outcome is certain: closes the other branches. */
  protected decide(failed: boolean, outcome: unknown): void {
    this.#decided = { failed, outcome };
    this.#closeBranches();
  }

  #closeBranches(): void {
    if (this.branches.size === 0) return;
    const grace = this.strand!.graceLeft() ?? GRACE_SECONDS;
    // Last first: messages that several of them hold go back to the mailbox in their order.
    for (const branch of [...this.branches].reverse()) branch.requestUnwind(-1, grace, null);
  }

  #settle(): void {
    const strand = this.strand!;
    if (this.state === CANCELLING) {
      this.giveAllBack();
      this.state = SPENT;
      strand.wait = null;
      strand.loop.submit(strand);
      return;
    }
    const { failed, outcome } = this.#decided!;
    if (!failed) return this.resolve(outcome);
    this.giveAllBack();
    this.reject(outcome);
  }

  /** What a branch's operation brought will reach nobody: it goes back where it came from. */
  protected giveBack(index: number, value: unknown): void {
    const operation = this.#operations[index];
    if (operation === null || operation.state !== SPENT) return;
    operation.give(value);
    operation.cancel();
  }

  /** Gives back what was granted to branches that have returned. */
  protected abstract giveAllBack(): void;

  override detach(): void {
    this.#closeBranches();
  }

  override reclaim(): void {
    this.giveAllBack();
  }

  override cancel(): boolean {
    if (this.state !== WAITING && this.state !== CANCELLING) return super.cancel();
    if (this.#live === 0) return super.cancel();
    this.state = CANCELLING;
    this.#closeBranches();
    return false;
  }

  override sleeper(): Operation<unknown> | null {
    for (const branch of this.branches) {
      const sleeper = branch.wait?.sleeper();
      if (sleeper) return sleeper;
    }
    return null;
  }

  // Any branch that can go on may fail the whole, or release what another waits for.
  override hopeless(dead: (coro: Coro) => boolean): boolean {
    for (const branch of this.branches) if (!branch.hopeless(dead)) return false;
    return true;
  }

  override levelChanged(level: number): void {
    for (const branch of this.branches) branch.setLevel(level);
  }

  override swappable(): boolean {
    for (const branch of this.branches) if (branch.frames !== null || branch.wait?.swappable() === false) return false;
    return true;
  }

  override get waitsFor(): string {
    const waits: string[] = [];
    for (const branch of this.branches) {
      if (waits.length === MAX_SHOWN) {
        waits.push(`and ${this.branches.size - MAX_SHOWN} more`);
        break;
      }
      waits.push(branch.wait?.waitsFor ?? "its turn");
    }
    return `${this.label} of ${waits.join(", ")}`;
  }
}

class Race extends Group {
  #winner: { index: number; value: unknown } | null = null;

  get label(): string {
    return "race";
  }

  protected override returned(index: number, value: unknown): void {
    this.#winner = { index, value };
    this.decide(false, value);
  }

  protected override giveAllBack(): void {
    if (this.#winner !== null) this.giveBack(this.#winner.index, this.#winner.value);
  }
}

class All extends Group {
  #values: unknown[] = [];
  #returned: number[] = [];
  #shape: (values: unknown[]) => unknown;

  constructor(items: readonly unknown[], shape: (values: unknown[]) => unknown) {
    super(items);
    this.#shape = shape;
  }

  get label(): string {
    return "all";
  }

  override begin(strand: Strand): boolean {
    if (this.items.length === 0) return this.give(this.#shape([]));
    return super.begin(strand);
  }

  protected override returned(index: number, value: unknown): void {
    this.#values[index] = value;
    this.#returned.push(index);
    if (this.#returned.length === this.items.length) this.decide(false, this.#shape(this.#values));
  }

  protected override giveAllBack(): void {
    for (const index of this.#returned.toReversed()) this.giveBack(index, this.#values[index]);
  }
}

function asOperation(item: unknown): Operation<unknown> | null {
  if (item instanceof Coro) return new Finish(item, Infinity);
  return item instanceof Operation ? item : null;
}

/**
 * Waits for the first of several; its value comes back, or its error is thrown.
 *
 * Operations and generators that lose are cancelled: their `finally` blocks run before the race gives its value, and
 * what they had been granted (a message, a lock) goes back. Coroutines and promises that lose go on, nobody waits for
 * them any more.
 *
 * @param items Operations, generator objects, coroutines and promises.
 * @throws {TypeError} If there is none, or one is nothing to wait for.
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
  const items = listOf(args);
  if (items.length === 0) throw new TypeError("Cannot race nothing: give at least one operation, generator or promise");
  return new Race(items);
}

/**
 * Waits for all of several; their values come back in the shape of the arguments: a tuple, or a record.
 *
 * The first failure fails the whole: operations and generators that are left are cancelled, and their `finally`
 * blocks run before the error is thrown. Coroutines and promises go on, nobody waits for them any more.
 *
 * @param items Operations, generator objects, coroutines and promises: one by one, as an array, or as a record.
 * @throws {TypeError} If one is nothing to wait for.
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
  return new All(listOf(args), (values) => values);
}

function listOf(args: unknown[]): unknown[] {
  return args.length === 1 && Array.isArray(args[0]) ? [...args[0]] : args;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * `race` and `all`: several waits in one coroutine.
 *
 * Every item runs on a branch, a fiber that shares the coroutine's identity: `current()`, `receive()` and the rest
 * mean the coroutine itself. When the outcome is certain, the branches that are left are unwound, and only when the
 * last of them has ended does the coroutine go on: nothing of it runs behind its back.
 */
import { coroOf } from "./coro_of.ts";
import { Coro } from "./coro.ts";
import type { WaitingFiber } from "../fiber/context.ts";
import type { Owner } from "../fiber/owner.ts";
import { DepthFirst } from "../base/depth_first.ts";
import { CANCELLING, Operation, SPENT, WAITING } from "../fiber/operation.ts";
import { type Ending, Fiber } from "../fiber/fiber.ts";
import { type Body, isGenerator } from "../base/generator.ts";
import { asBody, operationFor } from "../operations/as_body.ts";
import { Finish } from "../operations/finish.ts";
import { discard, giveBack, type Grant, takeOver } from "../operations/parts.ts";
import { GRACE_SECONDS } from "../operations/with_timeout.ts";

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
class Branch extends Fiber {
  /** It has made its first step. */
  declare begun: boolean;
  declare readonly owner: Coro;
  declare readonly index: number;
  declare private readonly group: Group;

  constructor(group: Group, parent: Fiber, index: number, body: Body) {
    super(parent.loop, parent.level);
    this.initialize(body, parent.hostContext);
    this.begun = false;
    // Looked up once: branches within branches may be many.
    this.owner = coroOf(parent);
    this.index = index;
    this.group = group;
  }

  override run(): void {
    this.begun = true;
    super.run();
  }

  /** Whether it has a step to make that depends on nothing but what combines it. */
  get moves(): boolean {
    return this.ready && (!this.begun || this.control !== null || this.wait instanceof Group);
  }

  /** It is needed no more. */
  close(): void {
    this.requestUnwind(-1, this.group.fiber!.graceLeft() ?? GRACE_SECONDS, null);
  }

  override get parent(): WaitingFiber {
    return this.group.fiber!;
  }

  protected override ended(kind: Ending, value: unknown): void {
    this.loop.freeSlot(this);
    this.group.branchEnded(this, kind, value);
  }

  protected override report(error: unknown): void {
    this.owner.scheduler.reportError(error, this.owner);
  }
}

const closing = new DepthFirst<Branch>((branch) => branch.close());

// Waits that a description lists.
const MAX_SHOWN = 10;

/** What the branches of one `race` or `all` have in common. */
abstract class Group extends Operation<unknown> {
  protected readonly branches = new Set<Branch>();
  readonly #parts: readonly (Operation<unknown> | null)[];
  readonly #bodies: readonly Body[];
  #live = 0;
  #decided: { failed: boolean; outcome: unknown; index: number } | null = null;

  constructor(items: readonly unknown[]) {
    super();
    this.#parts = items.map(operationOf);
    this.#bodies = this.#parts.map((operation, index) => operation === null ? items[index] as Body : asBody(operation));
  }

  /** One for each item; `null` for a generator. */
  override get parts(): readonly (Operation<unknown> | null)[] {
    return this.#parts;
  }

  /** A branch has returned. */
  protected abstract returned(index: number, value: unknown): void;

  override begin(fiber: Fiber): boolean {
    for (const part of this.#parts) if (part !== null) takeOver(part);
    this.#enterBranches(fiber);
    for (const branch of this.branches) fiber.loop.makeReady(branch);
    return false;
  }

  /** All get a place in the scheduler, or none does, if there is no room for all. */
  #enterBranches(fiber: Fiber): void {
    try {
      this.#bodies.forEach((body, index) => {
        const branch = new Branch(this, fiber, index, body);
        fiber.loop.allocateSlot(branch);
        this.branches.add(branch);
        this.#live++;
      });
    } catch (error) {
      for (const branch of this.branches) fiber.loop.freeSlot(branch);
      this.branches.clear();
      for (const part of this.#parts) if (part !== null) discard(part);
      throw error;
    }
  }

  branchEnded(branch: Branch, kind: Ending, value: unknown): void {
    this.#live--;
    this.branches.delete(branch);
    const part = this.#parts[branch.index];
    if (part !== null) discard(part);
    if (this.#decided !== null || this.state === CANCELLING) {
      // A loser that ends by itself at the last moment has lost all the same.
      if (kind === "throw") this.fiber!.owner.scheduler.reportError(value, coroOf(this.fiber!));
      else if (kind === "return") giveBack(this.grant(branch.index, value));
    } else if (kind === "throw") {
      this.decide(true, value, branch.index);
    } else {
      this.returned(branch.index, value);
    }
    if (this.#live === 0) this.#settle();
  }

  /** The outcome is certain: closes the other branches. */
  protected decide(failed: boolean, outcome: unknown, index: number): void {
    this.#decided = { failed, outcome, index };
    this.#closeBranches();
  }

  #closeBranches(): void {
    // Last first: messages that several of them hold go back to the mailbox in their order.
    for (const branch of this.branches) closing.add(branch);
    closing.run();
  }

  #settle(): void {
    const fiber = this.fiber!;
    if (this.state === CANCELLING) {
      giveBack(this.granted());
      this.state = SPENT;
      fiber.wait = null;
      fiber.loop.makeReady(fiber);
      return;
    }
    const { failed, outcome } = this.#decided!;
    if (!failed) return this.resolve(outcome);
    giveBack(this.granted());
    this.reject(outcome);
  }

  /** What a branch's operation brought, if it was one. */
  protected grant(index: number, value: unknown): Grant[] {
    const operation = this.#parts[index];
    return operation === null ? [] : [{ operation, value }];
  }

  /** What was granted to branches that have returned, in that order. */
  protected abstract granted(): Grant[];

  override detach(): void {
    this.#closeBranches();
  }

  override reclaim(): void {
    giveBack(this.granted());
  }

  /** The failure of a branch goes back to the coroutine whose it was; that of a generator is reported. */
  override errorLost(error: unknown): Operation<unknown> | null {
    // It may have had no room for its branches.
    if (this.#decided === null) return null;
    const part = this.#parts[this.#decided.index];
    const { owner } = this.fiber!;
    if (part === null) owner.scheduler.reportError(error, owner);
    return part;
  }

  override cancel(): boolean {
    if (this.state !== WAITING && this.state !== CANCELLING) return super.cancel();
    if (this.#live === 0) return super.cancel();
    this.state = CANCELLING;
    this.#closeBranches();
    return false;
  }

  /**
   * Whether something holds for all branches, and for those of groups that they wait for: each comes before those that
   * it waits for. Without recursion, as groups may be nested as deep as one likes.
   */
  #every(holds: (branch: Branch) => boolean): boolean {
    const pending: Iterator<Branch>[] = [this.branches.values()];
    while (pending.length > 0) {
      const { done, value: branch } = pending[pending.length - 1].next();
      if (done) {
        pending.pop();
        continue;
      }
      if (!holds(branch)) return false;
      if (branch.wait instanceof Group) pending.push(branch.wait.branches.values());
    }
    return true;
  }

  override sleeper(): Operation<unknown> | null {
    let sleeper: Operation<unknown> | null = null;
    this.#every(({ wait }) => {
      if (wait !== null && !(wait instanceof Group)) sleeper = wait.sleeper();
      return sleeper === null;
    });
    return sleeper;
  }

  // Any branch that can go on may fail the whole, or release what another waits for.
  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return this.#every((branch) => branch.stuck && (branch.wait instanceof Group || branch.wait!.isDeadlocked(dead)));
  }

  override advances(): boolean {
    return this.state !== WAITING || !this.#every((branch) => !branch.moves);
  }

  override waiterChanged(): void {
    for (const branch of this.branches) branch.wait?.waiterChanged();
  }

  override levelChanged(level: number): void {
    this.#every((branch) => {
      branch.loop.setLevel(branch, level);
      return true;
    });
  }

  override swappable(): boolean {
    return this.#every(({ frames, wait }) => {
      return frames === null && (wait === null || wait instanceof Group || wait.swappable());
    });
  }

  override get waitsFor(): string {
    return this.#describe({ left: MAX_SHOWN });
  }

  #describe(space: { left: number }): string {
    const waits: string[] = [];
    for (const { wait } of this.branches) {
      if (space.left === 0) {
        waits.push(`${waits.length > 0 ? "and " : ""}${this.branches.size - waits.length} more`);
        break;
      }
      space.left--;
      waits.push(wait instanceof Group ? wait.#describe(space) : wait?.waitsFor ?? "its turn");
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
    this.decide(false, value, index);
  }

  protected override granted(): Grant[] {
    return this.#winner === null ? [] : this.grant(this.#winner.index, this.#winner.value);
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

/** The operation that waits for an item, unless that is a generator. */
function operationOf(item: unknown): Operation<unknown> | null {
  if (isGenerator(item)) return null;
  return item instanceof Coro ? new Finish(item, Infinity) : operationFor(item);
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

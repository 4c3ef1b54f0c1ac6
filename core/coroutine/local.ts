/**
 * Values that belong to a coroutine.
 *
 * `local_values.ts` keeps the cost away: until a `Local` is first given a value, a new coroutine costs one comparison more.
 * Afterwards it costs a few look-ups in weak maps.
 */
import { describe } from "../base/describe.ts";
import { context, type WaitingFiber } from "../fiber/context.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { Operation } from "../fiber/operation.ts";
import type { Owner } from "../fiber/owner.ts";
import { isGenerator } from "../base/generator.ts";
import { asBody, operationFor } from "../operations/as_body.ts";
import { Call } from "../operations/call.ts";
import { type InheritedValues, locals } from "./local_values.ts";

/** Values by their `Local`. Never changed, as coroutines share it. */
type Values = ReadonlyMap<Local<unknown>, unknown>;

// Of the coroutines that have any.
const valuesOf = new WeakMap<Owner, Values>();
// The innermost `with` of the fibers that have begun one.
const scopes = new WeakMap<WaitingFiber, With<unknown>>();

/** A piece of work with a value of its own. */
class With<R> extends Call<R> {
  declare readonly local: Local<unknown>;
  declare value: unknown;
  /** The `with` around this one. */
  declare outer: With<unknown> | undefined;

  constructor(
    local: Local<unknown>,
    value: unknown,
    body: Generator<unknown, R, unknown>,
    work: Operation<unknown> | null,
  ) {
    super(body, work);
    this.local = local;
    this.value = value;
    this.outer = undefined;
  }

  override get label(): string {
    return "with";
  }

  override begin(fiber: Fiber): boolean {
    this.outer = innermost(fiber);
    scopes.set(fiber, this as With<unknown>);
    return super.begin(fiber);
  }

  override frameEnded(): void {
    super.frameEnded();
    if (this.outer === undefined) scopes.delete(this.fiber!);
    else scopes.set(this.fiber!, this.outer);
  }
}

/** The innermost `with` that a fiber is in: its own, or that around the `race` or `all` whose branch it is. */
function innermost(fiber: WaitingFiber): With<unknown> | undefined {
  let scope: With<unknown> | undefined;
  for (let at: WaitingFiber | null = fiber; at !== null && scope === undefined; at = at.parentFiber) {
    scope = scopes.get(at);
  }
  return scope;
}

/** The values of the code that runs now, in one map. */
function currentValues(): InheritedValues {
  const { fiber } = context;
  if (fiber === null) return null;
  const values = valuesOf.get(fiber.owner);
  let scope = innermost(fiber);
  if (scope === undefined) return values ?? null;
  const all = new Map(values);
  const done = new Set<Local<unknown>>();
  for (; scope !== undefined; scope = scope.outer) {
    if (!done.has(scope.local)) all.set(scope.local, scope.value);
    done.add(scope.local);
  }
  return all;
}

function give(coro: Owner, values: InheritedValues): void {
  if (values === null) valuesOf.delete(coro);
  else valuesOf.set(coro, values as Values);
}

/**
 * A variable with a value for each coroutine, such as the request that it serves or the transaction that it has open.
 *
 * - `get` gives the value of the coroutine that runs. A coroutine starts with the values that its creator has at that
 *   moment; one that is created outside coroutines starts with the initial value.
 * - `set` changes it for the coroutine that runs, from then on, and for no other: neither for its creator nor for
 *   coroutines that it has created. Values are not copied: an object is shared.
 * - `with` sets it for a piece of work.
 * - Branches of `race` and `all` share the values of their coroutine, except in the work of a `with` of their own.
 * - A coroutine that is swapped or restarted keeps its values.
 *
 * The tasks of `./asyncio` are coroutines: they start with the values of the coroutine that creates them, as with
 * Python's `contextvars`. Callbacks of `callSoon` and `callLater` run outside coroutines and have the initial values,
 * unlike those of Python.
 *
 * @example
 * ```ts
 * import { Coro, Local, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const user = new Local("nobody", "user");
 * function* greet() {
 *   return `hello, ${user.get()}`;
 * }
 * await run(function* () {
 *   user.set("Ann");
 *   assertEquals(yield* new Coro(greet).finish(), "hello, Ann");
 *   assertEquals(yield* user.with("Ben", greet()), "hello, Ben");
 *   assertEquals(user.get(), "Ann");
 * });
 * assertEquals(user.get(), "nobody");
 * ```
 */
export class Local<T> {
  /** Its name, for messages. */
  readonly name: string;
  readonly #initial: T;

  /**
   * Makes a local with a value that coroutines have until one is set.
   *
   * @param initial The value; `undefined` by default.
   * @param name For messages.
   * @throws {TypeError} If `name` is not a string.
   */
  constructor(initial?: T, name = "local") {
    if (typeof name !== "string") {
      throw new TypeError(`Cannot make a local as 'name' must be a string: current value is ${describe(name)}`);
    }
    this.#initial = initial as T;
    this.name = name;
  }

  /** The value of the coroutine that runs; outside coroutines the initial one. */
  get(): T {
    const { fiber } = context;
    if (fiber === null || locals.inheritance === null) return this.#initial;
    const scope = this.#scope(fiber);
    if (scope !== undefined) return scope.value as T;
    const values = valuesOf.get(fiber.owner);
    // A value may be `undefined`.
    return values !== undefined && values.has(this as Local<unknown>)
      ? values.get(this as Local<unknown>) as T
      : this.#initial;
  }

  /**
   * Sets the value of the coroutine that runs, from now on. Inside the work of a `with` of this local, it lasts until
   * that ends.
   *
   * @param value The value.
   * @throws {Error} Outside coroutines.
   */
  set(value: T): void {
    const { fiber } = context;
    if (fiber === null) {
      throw new Error(
        `Cannot set ${describe(this.name)} outside a coroutine: set it inside 'run(function* () { ... })', ` +
          "or give it an initial value",
      );
    }
    inherit();
    const scope = this.#scope(fiber);
    if (scope !== undefined) scope.value = value;
    else valuesOf.set(fiber.owner, new Map(valuesOf.get(fiber.owner)).set(this as Local<unknown>, value));
  }

  /**
   * Runs an operation or a generator with a value of its own. Coroutines that it creates start with that value.
   *
   * @param value The value, until the work has ended.
   * @param work An operation or a generator object.
   * @returns The value of `work`.
   * @throws {TypeError} If `work` cannot be waited for.
   */
  with<R>(value: T, work: Operation<R> | Generator<unknown, R, unknown>): Operation<R> {
    inherit();
    const local = this as Local<unknown>;
    if (isGenerator(work)) return new With<R>(local, value, work as Generator<unknown, R, unknown>, null);
    const operation = operationFor(work, "an operation or a generator object");
    return new With<R>(local, value, asBody<R>(operation as Operation<R>), operation);
  }

  /** The innermost `with` of this local that the fiber is in. */
  #scope(fiber: WaitingFiber): With<unknown> | undefined {
    let scope = innermost(fiber);
    while (scope !== undefined && scope.local !== this) scope = scope.outer;
    return scope;
  }
}

/** From now on new coroutines start with the values of their creator. */
function inherit(): void {
  locals.inheritance ??= { current: currentValues, give };
}

import { describe } from "../base/describe.ts";
import { Operation, WAITING } from "../fiber/operation.ts";
import { recordCaller } from "../base/error_report.ts";
import { type Body, type Fiber, isGenerator } from "../fiber/fiber.ts";
import { giveBack, letGo, takeOver } from "./parts.ts";

/** Runs a generator as a subroutine, on the fiber's own stack. */
export class Call<T = unknown> extends Operation<T> {
  declare private readonly body: Body;
  declare protected readonly work: Operation<unknown> | null;

  /** `work` is an operation that the generator does nothing but wait for, in whatever way, if it is one of that kind. */
  constructor(body: Body, work: Operation<unknown> | null = null) {
    super();
    this.body = body;
    this.work = work;
  }

  get label(): string {
    return "call";
  }

  override get parts(): readonly (Operation<unknown> | null)[] {
    return [this.work];
  }

  override begin(fiber: Fiber): boolean {
    // Something that is due may come before the first step of the subroutine, which is then never made.
    if (this.work !== null) takeOver(this.work);
    fiber.enter(this.body, this);
    return false;
  }

  // The fiber waits in the subroutine, not here.
  override start(fiber: Fiber): boolean {
    this.fiber = fiber;
    this.state = WAITING;
    return this.begin(fiber);
  }

  override frameEnded(): void {
    if (this.work !== null) letGo(this.work);
  }

  override detach(): void {}

  // It has been handed over here, but what that made fail has not.
  override errorLost(error: unknown): Operation<unknown> | null {
    const { owner } = this.fiber!;
    if (this.work === null) owner.scheduler.reportError(error, owner);
    return this.work;
  }

  override reclaim(): void {
    if (this.work !== null) giveBack([{ operation: this.work, value: this.outcome }]);
  }

  // The only moment at which the suspended caller is on the engine's stack: its place can be read now, for nothing.
  override throw(error: unknown): never {
    recordCaller(error, this.throw);
    throw error;
  }
}

/**
 * Calls a generator as a subroutine on the coroutine's own stack: typed, unwound exactly, at any depth.
 *
 * A switch costs the same at depth 1 and at depth 1,000, where `yield* generator` costs more with every level; and
 * when the coroutine is terminated, `finally` blocks of every frame run to their end, innermost first, even if they
 * wait.
 *
 * @param generator A generator object, not started.
 * @returns What the generator returns.
 * @throws {TypeError} If `generator` is not a generator object.
 *
 * @example
 * ```ts
 * import { call, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * function* sum(n: number): Generator<unknown, number, unknown> {
 *   return n === 0 ? 0 : n + (yield* call(sum(n - 1)));
 * }
 * assertEquals(await run(function* () {
 *   return yield* call(sum(20_000));
 * }), 200_010_000);
 * ```
 */
export function call<T>(generator: Generator<unknown, T, unknown>): Operation<T> {
  return new Call<T>(checkGenerator(generator, "call()"));
}

/** The generator itself, if it is one. */
function checkGenerator(generator: unknown, what: string): Body {
  if (isGenerator(generator)) return generator;
  const hint = typeof generator === "function" ? ", call the function to get its generator object" : "";
  throw new TypeError(
    `Cannot run a subroutine as ${what} takes a generator object: current value is ${describe(generator)}${hint}`,
  );
}

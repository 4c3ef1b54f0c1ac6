import { describe } from "../base/describe.ts";
import { Operation, WAITING } from "../fiber/operation.ts";
import { recordCaller } from "../base/error_report.ts";
import type { Fiber } from "../fiber/fiber.ts";
import { isGenerator } from "../base/generator.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import { discardParts, giveBack, takeOverParts } from "./parts.ts";
import { discard, takeOver } from "./taken_over.ts";

/** Runs a generator as a subroutine, on the fiber's own stack. */
export class Call<T> extends Operation<T> {
  declare private readonly body: Generator<unknown, T, unknown>;
  declare protected readonly work: Operation<unknown> | null;

  /** `work` is the operation that the generator waits for, if it does nothing else. */
  constructor(body: Generator<unknown, T, unknown>, work: Operation<unknown> | null = null) {
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

  override takenOver(): void {
    takeOverParts(this);
  }

  override discarded(): void {
    discardParts(this);
  }

  override get callsSubroutine(): boolean {
    return true;
  }

  override begin(fiber: Fiber): boolean {
    // Taken over now: an interrupt may come before the first step of the subroutine, which is then never made.
    if (this.work !== null) takeOver(this.work);
    fiber.pushFrame(this.body, this);
    return false;
  }

  // The fiber waits in the subroutine, not here.
  override park(fiber: Fiber): boolean {
    this.fiber = fiber;
    this.state = WAITING;
    return this.begin(fiber);
  }

  override frameEnded(): void {
    if (this.work !== null) discard(this.work);
  }

  override detach(): void {}

  // The subroutine is unwound, and then the reason is thrown. An outcome that what it waits for has already stands.
  override abort(reason: unknown): void {
    if (this.work !== null && this.work.hasOutcome) return;
    const fiber = this.fiber as Fiber;
    fiber.requestUnwind(fiber.frames!.findIndex(({ via }) => via === this), GRACE_SECONDS, reason);
  }

  // The error was thrown by the subroutine, whose work may have to report it.
  override errorLost(error: unknown): Operation<unknown> | null {
    const { owner } = this.fiber!;
    if (this.work === null) owner.loop.reportError(error, owner);
    return this.work;
  }

  override reclaim(): void {
    if (this.work !== null) giveBack([{ operation: this.work, value: this.outcome }]);
  }

  // The only moment at which the suspended caller is on the engine's stack: its call site costs nothing to read now.
  override throw(error: unknown): never {
    recordCaller(error, this.throw);
    throw error;
  }

  override thrownThrough(error: unknown, above: (error: unknown) => never): void {
    recordCaller(error, above);
  }
}

/**
 * Calls a generator as a subroutine on the coroutine's own stack: typed, unwound exactly, at any depth.
 *
 * A switch costs the same at depth 1 and at depth 1,000, whereas `yield* generator` costs more with every level. When
 * the coroutine is terminated, the `finally` blocks of every frame run to their end, innermost first, even if they wait.
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
  if (isGenerator(generator)) return new Call(generator);
  throw notAGenerator(generator);
}

function notAGenerator(value: unknown): TypeError {
  const hint = typeof value === "function" ? ", call the function to get its generator object" : "";
  return new TypeError(
    `Cannot run a subroutine as call() takes a generator object: current value is ${describe(value)}${hint}`,
  );
}

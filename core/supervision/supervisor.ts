import { Coro, type CoroFunction } from "../coroutine/coro.ts";
import { describe } from "../base/describe.ts";
import type { Operation } from "../fiber/operation.ts";
import { call } from "../operations/call.ts";
import type { ChildInfo } from "./child.ts";
import { checkChild, type CheckedOptions, type ChildSpec, type ResultOf } from "./options.ts";
import { Supervision } from "./supervision.ts";

/**
 * A coroutine that supervises others, made by {@linkcode supervise}. Children can be added and stopped while it runs.
 *
 * It ends when no child runs or is to be restarted, so a supervisor that is to wait for more children needs one that
 * goes on, such as the one that accepts connections.
 *
 * @typeParam R The results of the children that it was made with.
 *
 * @example
 * ```ts
 * import { run, supervise } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const supervisor = supervise([{
 *     name: "first",
 *     *target(coro) {
 *       yield* coro.sleep(10);
 *     },
 *   }]);
 *   const second = supervisor.startChild({
 *     name: "second",
 *     restart: "temporary",
 *     *target(coro) {
 *       yield* coro.sleep(0.001);
 *       return 2;
 *     },
 *   });
 *   assertEquals(yield* second.finish(), 2);
 *   assertEquals(yield* supervisor.stopChild("first"), true);
 *   assertEquals(yield* supervisor.finish(), [undefined]);
 * });
 * ```
 */
export class Supervisor<R = unknown> extends Coro<R> {
  readonly #supervision: Supervision;

  /** @internal */
  constructor(specs: readonly ChildSpec[], options: CheckedOptions) {
    super(function* supervisor(coro: Coro): Generator<unknown, R, unknown> {
      return (yield* (coro as Supervisor<R>).#supervision.run()) as R;
    });
    this.#supervision = new Supervision(this as Coro, specs, options);
  }

  /**
   * Starts another child, behind the others.
   *
   * A child that was added so is listed for some time after its end, and its result is not among those of the supervisor.
   *
   * @param spec The child.
   * @returns Its coroutine. If the child is restarted after an end that was no failure, or by the strategy, another
   * coroutine replaces it, with the values of `Local`s and the host's context of the code that called this.
   * @throws {TypeError} If the child has no generator function, or a field is of the wrong type.
   * @throws {Error} If the supervisor has ended or is ending.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  startChild<F extends CoroFunction<any[], unknown>>(spec: ChildSpec<F>): Coro<ResultOf<F>> {
    return this.#supervision.start(checkChild(spec as ChildSpec)) as Coro<unknown> as Coro<ResultOf<F>>;
  }

  /**
   * Terminates a child and waits for its cleanup; it is not restarted. The restart of one that waits for it is cancelled.
   *
   * @param child Its coroutine, also one that another has replaced; or its name: then the first child of that name that
   * runs or is to be restarted.
   * @returns Whether there was such a child, which ran or was to be restarted.
   * @throws {TypeError} If `child` is neither a coroutine nor a string.
   */
  stopChild(child: Coro | string): Operation<boolean> {
    if (typeof child !== "string" && !(child instanceof Coro)) {
      throw new TypeError(
        `Cannot stop a child as 'child' must be a coroutine or a name: current value is ${describe(child)}`,
      );
    }
    return call(this.#supervision.stop(child));
  }

  /** Lists its children, in their order: all that it was made with, and of those added later also some that have ended. */
  children(): ChildInfo[] {
    return this.#supervision.list();
  }
}

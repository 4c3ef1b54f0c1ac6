/** The meaning of a plain `yield`: the operation that stands for a value that is neither an operation nor a generator. */
import { isThenable } from "../base/generator.ts";
import type { WaitingFiber } from "./context.ts";
import { isWaitable, Operation, WAIT } from "./operation.ts";
import { PromiseWait } from "./promise_wait.ts";

/** The operation for a yielded value: a wait for a coroutine, a future or a promise; any other value comes straight back. */
export function operationForYielded(value: unknown): Operation<unknown> {
  if (isWaitable(value)) return value[WAIT]();
  return isThenable(value) ? new PromiseWait(value) : new YieldedValue(value);
}

/** Gives a value back after a turn. */
class YieldedValue extends Operation<unknown> {
  #value: unknown;

  constructor(value: unknown) {
    super();
    this.#value = value;
  }

  get label(): string {
    return "yield";
  }

  override begin(fiber: WaitingFiber): boolean {
    this.give(this.#value);
    // Settled, but it still waits for its turn.
    fiber.loop.makeReady(fiber);
    return false;
  }

  override detach(): void {}
}

import { Operation } from "./operation.ts";
import type { Fiber } from "./fiber.ts";

/** Any other value that was yielded: it comes straight back, after a turn. */
export class YieldedValue extends Operation<unknown> {
  #value: unknown;

  constructor(value: unknown) {
    super();
    this.#value = value;
  }

  get label(): string {
    return "yield";
  }

  override begin(fiber: Fiber): boolean {
    this.give(this.#value);
    // Settled, but waiting for its turn.
    fiber.loop.makeReady(fiber);
    return false;
  }

  override detach(): void {}
}

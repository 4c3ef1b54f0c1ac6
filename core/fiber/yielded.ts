import { Operation } from "./operation.ts";
import type { Strand } from "./fiber.ts";

/** Any other value that was yielded: it comes straight back, after a turn. */
export class Given extends Operation<unknown> {
  #value: unknown;

  constructor(value: unknown) {
    super();
    this.#value = value;
  }

  get label(): string {
    return "yield";
  }

  override begin(strand: Strand): boolean {
    this.give(this.#value);
    // Settled, but waiting for its turn.
    strand.loop.submit(strand);
    return false;
  }

  override detach(): void {}
}

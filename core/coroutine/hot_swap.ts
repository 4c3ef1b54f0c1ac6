import type { Body } from "../fiber/fiber.ts";
import { HotSwapException } from "./errors.ts";
import type { Named } from "./spawn_options.ts";

/** A requested hot swap. It keeps the function of the new generator, from which the coroutine takes its name. */
export class HotSwapProposal extends HotSwapException {
  readonly target: Named;

  constructor(generator: Body, target: Named) {
    super(generator);
    this.target = target;
  }
}

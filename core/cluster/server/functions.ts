/** The functions that a server has made or imported, so that it does so once. */
import type { CoroFunction } from "../../coroutine/coro.ts";
import type { Operation } from "../../fiber/operation.ts";
import type { JobTarget } from "../protocol.ts";

/** Makes the function of a target. */
export type Resolve = (target: JobTarget) => Operation<CoroFunction>;

// A program has a bounded number of functions, but it may also create functions from text.
const MAX_KEPT = 1000;

/** See the head of this file. */
export class Functions {
  readonly #resolve: Resolve;
  readonly #known: Map<string, CoroFunction> = new Map();

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  /** The function of a target, if it is known. */
  find(target: JobTarget): CoroFunction | undefined {
    return this.#known.get(keyOf(target));
  }

  /** The function of a target. Throws what making or importing it throws. */
  *make(target: JobTarget): Generator<unknown, CoroFunction, unknown> {
    const made = yield* this.#resolve(target);
    if (this.#known.size >= MAX_KEPT) {
      for (const [oldest] of this.#known) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(keyOf(target), made);
    return made;
  }
}

function keyOf(target: JobTarget): string {
  return "source" in target ? target.source : `${target.name} ${target.module}`;
}

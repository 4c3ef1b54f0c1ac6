import { captureContext, type HostContext, withinContext } from "../host/async_context.ts";
import type { Coro } from "./coro.ts";
import { type InheritedValues, locals } from "./local_values.ts";

/**
 * What a coroutine has from the code that asks for it, if it is created later or by other code: the host's asynchronous
 * context, and the values of `Local`s.
 */
export class Origin {
  readonly #context: HostContext = captureContext();
  readonly #values: InheritedValues = locals.inheritance === null ? null : locals.inheritance.current();

  /** Calls a function that creates a coroutine, as if the code that made this object had called it. */
  create<C extends Coro>(create: () => C): C {
    const coro = withinContext(this.#context, create);
    locals.inheritance?.give(coro, this.#values);
    return coro;
  }
}

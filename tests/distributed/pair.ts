/** Two peers that are connected. */
import { sleep, until } from "@asyncoro/asyncoro";
import { assert } from "@std/assert";
import type { NetworkOptions } from "../../core/distributed/network_options.ts";
import { type Program, together } from "./together.ts";

/** Sessions that end soon when a peer is not heard. */
export const QUICK: NetworkOptions = { heartbeat: 0.05, peerTimeout: 0.3 };

/** `a` runs on one peer, which is connected to `b` first; then `b` waits until `a` has ended. */
export function pair(
  a: Program,
  b: Program,
  options: (name: string) => NetworkOptions = () => QUICK,
): Promise<Record<string, unknown>> {
  return together({
    *a(coro, here) {
      yield* until(here.meet());
      yield* here.network.peer("memory:b");
      yield* until(here.meet());
      const result = yield* a(coro, here);
      yield* until(here.meet());
      return result;
    },
    *b(coro, here) {
      yield* until(here.meet());
      yield* until(here.meet());
      const result = yield* b(coro, here);
      yield* until(here.meet());
      return result;
    },
  }, options);
}

/** Waits until a condition holds. */
export function* eventually(condition: () => boolean): Generator<unknown, void, unknown> {
  for (let i = 0; !condition(); i++) {
    assert(i < 4000, `This does not come to hold: ${condition}`);
    yield* sleep(0.005);
  }
}

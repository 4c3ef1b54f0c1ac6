import type { Coro } from "@asyncoro/asyncoro";
import type { Resources } from "./resources.ts";
import type { Body, World } from "./world.ts";

/** Coroutines that live together for an epoch, and what must hold among them. It has one of the two ways to be run. */
export interface Society {
  readonly name: string;
  /** It needs the host, which knows no virtual time. */
  readonly host?: boolean;
  /** As a coroutine in the epoch's scheduler: ends when all of its members have. */
  conduct?(coro: Coro, world: World, resources: Resources): Body;
  /** In a loop of its own. */
  run?(world: World): Promise<void>;
}

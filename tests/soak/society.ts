import type { Coro } from "@asyncoro/asyncoro";
import type { Resources } from "./resources.ts";
import type { Body, World } from "./world.ts";

/** Coroutines that run together for an epoch, and the invariants that hold among them. It runs in one of two ways. */
export interface Society {
  readonly name: string;
  /** Whether it needs the host, which has no virtual time. */
  readonly host?: boolean;
  /** As a coroutine in the epoch's scheduler: ends when all of its members have ended. */
  conduct?(coro: Coro, world: World, resources: Resources): Body;
  /** In a loop of its own. */
  run?(world: World): Promise<void>;
}

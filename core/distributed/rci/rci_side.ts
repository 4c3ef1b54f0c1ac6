import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import type { Coro } from "../../coroutine/coro.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import type { Location } from "../location.ts";

/** What becomes of the coroutines that an RCI has created for a peer that is lost or leaves. */
export type Orphans = "terminate" | "keep";

/** Options of `register()`. */
export interface RCIOptions {
  /** Whether coroutines are terminated when the peer that created them is lost or leaves, as by default, or go on. */
  readonly orphans?: Orphans;
  /** How many of its coroutines may live at once, no matter which peer created them; 10,000 by default. */
  readonly limit?: number;
}

/** An RCI, where its function is or at a peer. */
export interface RciSide {
  /** Where it is registered. */
  readonly location: Location | null;
  register(options: RCIOptions): boolean;
  unregister(): boolean;
  run(args: readonly unknown[]): Operation<Coro>;
  call(args: readonly unknown[]): Operation<unknown>;
  outcome(args: readonly unknown[]): Operation<Outcome>;
}

/** A scheduler that has joined a network, where RCIs can be registered. */
export interface RciHost {
  readonly loop: CoroLoop;
  readonly location: Location;
}

/** The schedulers that have joined a network. */
export const rciHosts: WeakMap<CoroLoop, RciHost> = new WeakMap();

import type { Coro } from "../../coroutine/coro.ts";
import type { Location } from "../location.ts";

const creators: WeakMap<Coro, Location> = new WeakMap();

/** The peer for which an RCI has created a coroutine; `null` if none has. */
export function creatorOf(coro: Coro): Location | null {
  return creators.get(coro) ?? null;
}

/** An RCI has created a coroutine for a peer. */
export function setCreator(coro: Coro, creator: Location): void {
  creators.set(coro, creator);
}

import type { EndListener } from "../coroutine/end_listeners.ts";
import type { Coro } from "../coroutine/coro.ts";
import { IGNORES_CAPACITY } from "../coroutine/message_hooks.ts";
import type { Location } from "./location.ts";

/** The message about a peer that has come or gone, see {@linkcode Network.peerStatus}. */
export class PeerStatus {
  /** The peer. */
  readonly location: Location;
  /** Whether it is connected now. */
  readonly online: boolean;
  /** What has happened. */
  readonly reason: "joined" | "left" | "lost";

  /** @internal Messages are made by networks. */
  constructor(location: Location, reason: "joined" | "left" | "lost") {
    this.location = location;
    this.online = reason === "joined";
    this.reason = reason;
  }

  /** @internal */
  get [IGNORES_CAPACITY](): true {
    return true;
  }
}

/** The coroutines that are told of peers. */
export class StatusSubscribers implements EndListener {
  readonly #coros: Set<Coro> = new Set();

  /** Adds a coroutine. Returns whether it has not ended. */
  add(coro: Coro): boolean {
    if (!coro.acceptsMessages) return false;
    this.#coros.add(coro);
    coro.addEndListener(this);
    return true;
  }

  /** Sends to all. */
  tell(status: PeerStatus): void {
    for (const coro of this.#coros) coro.send(status);
  }

  /** A coroutine has ended. */
  onEnd(coro: Coro): void {
    this.#coros.delete(coro);
  }

  /** Removes all. */
  clear(): void {
    for (const coro of this.#coros) coro.removeEndListener(this);
    this.#coros.clear();
  }
}

import type { EndListener } from "../coroutine/end_listeners.ts";
import type { Coro } from "../coroutine/coro.ts";
import { IGNORES_CAPACITY } from "../coroutine/message_hooks.ts";
import { SerializationError } from "./errors.ts";
import type { HandleType } from "./handle_types.ts";
import { Location } from "./location.ts";

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

const REASONS: readonly unknown[] = ["joined", "left", "lost"];

/** How these messages are sent, as coroutines of other peers may be told of the peers of this one. */
export class PeerStatusHandleType implements HandleType {
  readonly name = "asyncoro.PeerStatus";

  pack(value: object): readonly unknown[] | null {
    return value instanceof PeerStatus ? [value.location, value.reason] : null;
  }

  unpack([location, reason]: readonly unknown[]): PeerStatus {
    if (location instanceof Location && REASONS.includes(reason)) {
      return new PeerStatus(location, reason as PeerStatus["reason"]);
    }
    throw new SerializationError("Cannot receive the status of a peer as its parts are not those of one");
  }
}

/** The coroutines that are told of peers. */
export class StatusSubscribers implements EndListener {
  readonly #coros: Set<Coro> = new Set();
  readonly #report: (error: unknown) => void;

  /** `report` is told why a coroutine of another peer cannot be. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Adds a coroutine. Returns whether it has not ended. */
  add(coro: Coro): boolean {
    if (!coro.acceptsMessages) return false;
    this.#coros.add(coro);
    coro.addEndListener(this);
    return true;
  }

  /** Sends to all. */
  tell(status: PeerStatus): void {
    for (const coro of this.#coros) {
      try {
        coro.send(status);
      } catch (error) {
        this.#report(error);
      }
    }
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

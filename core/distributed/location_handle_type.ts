import type { HandleType } from "./handle_types.ts";
import { Location } from "./location.ts";
import { packLocation, unpackLocation } from "./peers/handle_address.ts";
import type { Peers } from "./peers/peers.ts";

/** How locations are sent: the id, the name and the addresses. */
export class LocationHandleType implements HandleType {
  readonly name = "asyncoro.Location";
  private readonly peers: Peers;

  constructor(peers: Peers) {
    this.peers = peers;
  }

  pack(value: object): readonly unknown[] | null {
    return value instanceof Location ? packLocation(value) : null;
  }

  unpack(args: readonly unknown[]): Location {
    return unpackLocation(args, this.peers, "a location");
  }
}

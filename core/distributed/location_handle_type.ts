import { SerializationError } from "./errors.ts";
import type { HandleType } from "./handle_types.ts";
import { Location } from "./location.ts";
import { isListOfText } from "./peers/introduction.ts";
import type { Peers } from "./peers/peers.ts";
import { ID_BYTES } from "./session/handshake_frames.ts";

/** How locations are sent: the id, the name and the addresses. */
export class LocationHandleType implements HandleType {
  readonly name = "asyncoro.Location";
  private readonly peers: Peers;

  constructor(peers: Peers) {
    this.peers = peers;
  }

  pack(value: object): readonly unknown[] | null {
    return value instanceof Location ? [value.peerId.bytes.buffer, value.name, value.addresses] : null;
  }

  unpack([id, name, addresses]: readonly unknown[]): Location {
    if (
      id instanceof ArrayBuffer && id.byteLength === ID_BYTES && typeof name === "string" && isListOfText(addresses)
    ) {
      return this.peers.locationOf(new Uint8Array(id), name, addresses);
    }
    throw new SerializationError("Cannot receive a location as its parts are not those of one");
  }
}

import { withoutRelay } from "./relay/relayed_address.ts";
import type { PeerId } from "./session/peer_id.ts";

/**
 * Where coroutines are: one joining of a network by a scheduler.
 *
 * A peer that is restarted is another location, at the same address.
 */
export class Location {
  /** The id of the joining: 128 random bits as 32 hexadecimal digits. */
  readonly id: string;
  /** The name that it has given itself. Several locations may have the same. */
  readonly name: string;
  /** Where it can be dialed: a URL. For a server of a node, that of the node. */
  readonly address: string;
  /** @internal The same id. */
  readonly peerId: PeerId;
  /** @internal All its addresses, one an engine. */
  readonly addresses: readonly string[];

  /** @internal Locations are made by networks. */
  constructor(peerId: PeerId, name: string, addresses: readonly string[]) {
    this.id = peerId.text;
    this.name = name;
    this.address = withoutRelay(addresses[0] ?? "");
    this.peerId = peerId;
    this.addresses = addresses;
  }

  /** Whether both are the same joining. */
  equals(other: unknown): boolean {
    return other instanceof Location && other.id === this.id;
  }

  /** Its name and address: `"name@tcp://127.0.0.1:9705"`. */
  toString(): string {
    return `${this.name}@${this.address}`;
  }

  /** @internal */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Location ${this}`;
  }
}

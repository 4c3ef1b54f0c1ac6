import type { Engine } from "./engine.ts";
import { decodeBeacon, encodeBeacon } from "./peers/beacon.ts";
import type { LinkSecurity } from "./session/cryptography.ts";
import { PeerId } from "./session/peer_id.ts";

/** Is told of another peer of the network: where it can be dialed, and its id. */
export type PeerFound = (address: string, id: PeerId) => void;

/** Tells others that this peer is there, by one engine, and finds those that do the same. */
export class Discoverer {
  readonly #engine: Engine;
  readonly #own: PeerId;
  readonly #network: string;
  readonly #security: LinkSecurity;

  /** `own` is the id of this peer, and `network` the name of its network. */
  constructor(engine: Engine, own: PeerId, network: string, security: LinkSecurity) {
    this.#engine = engine;
    this.#own = own;
    this.#network = network;
    this.#security = security;
  }

  /** Begins. Beacons of other networks are ignored. Returns a function that ends it. */
  begin(found: PeerFound): () => void {
    const beacon = encodeBeacon(this.#own.bytes, this.#network, this.#security);
    return this.#engine.discover!(beacon, (address, bytes) => {
      const id = decodeBeacon(bytes, this.#network, this.#security);
      if (id === null) return;
      const peerId = new PeerId(id);
      if (!peerId.equals(this.#own)) found(address, peerId);
    });
  }
}

import { SerializationError } from "../errors.ts";
import type { Location } from "../location.ts";
import { ID_BYTES } from "../session/handshake_frames.ts";
import { isListOfText } from "./introduction.ts";
import type { Peers } from "./peers.ts";

/** What a handle refers to: something that a peer has given a number. */
export interface HandleAddress {
  readonly location: Location;
  readonly number: number;
  readonly name: string;
}

/** The arguments of a handle: the id of the peer, the number and the name, and by what others find the peer. */
export function packAddress({ location, number, name }: HandleAddress): readonly unknown[] {
  return [location.peerId.bytes.buffer, number, name, location.name, location.addresses];
}

/**
 * Reads them.
 *
 * @param what What the handle is, for the message: `"a coroutine"`.
 * @throws {SerializationError} If they are not those of a handle.
 */
export function unpackAddress(args: readonly unknown[], peers: Peers, what: string): HandleAddress {
  const [id, number, name, peerName, addresses] = args;
  if (
    !(id instanceof ArrayBuffer) || id.byteLength !== ID_BYTES || !Number.isSafeInteger(number) ||
    typeof name !== "string" || typeof peerName !== "string" || !isListOfText(addresses)
  ) {
    throw new SerializationError(`Cannot receive ${what} as its parts are not those of one`);
  }
  const location = peers.locationOf(new Uint8Array(id), peerName, addresses);
  return { location, number: number as number, name };
}

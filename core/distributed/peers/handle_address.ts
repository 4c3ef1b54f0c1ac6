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

/** A location as arguments: its id, and by what others find the peer. */
export function packLocation({ peerId, name, addresses }: Location): readonly unknown[] {
  return [peerId.bytes.buffer, name, addresses];
}

/**
 * Reads a location.
 *
 * @param what What it is a part of, for the message: `"a coroutine"`.
 * @throws {SerializationError} If the arguments are not those of a location.
 */
export function unpackLocation([id, name, addresses]: readonly unknown[], peers: Peers, what: string): Location {
  if (id instanceof ArrayBuffer && id.byteLength === ID_BYTES && typeof name === "string" && isListOfText(addresses)) {
    return peers.locationOf(new Uint8Array(id), name, addresses);
  }
  throw wrongParts(what);
}

/** The arguments of a handle: the id of the peer, the number and the name, and by what others find the peer. */
export function packAddress({ location, number, name }: HandleAddress): readonly unknown[] {
  const [id, ...others] = packLocation(location);
  return [id, number, name, ...others];
}

/**
 * Reads them.
 *
 * @param what What the handle is, for the message: `"a coroutine"`.
 * @throws {SerializationError} If they are not those of a handle.
 */
export function unpackAddress(args: readonly unknown[], peers: Peers, what: string): HandleAddress {
  const [id, number, name, ...others] = args;
  if (!Number.isSafeInteger(number) || typeof name !== "string") throw wrongParts(what);
  return { location: unpackLocation([id, ...others], peers, what), number: number as number, name };
}

function wrongParts(what: string): SerializationError {
  return new SerializationError(`Cannot receive ${what} as its parts are not those of one`);
}

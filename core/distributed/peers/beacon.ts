/**
 * What a peer broadcasts so that others find it: the id of its joining and a proof that it knows the secret. It carries
 * no name. A beacon that somebody repeats leads to a dial at most, and the handshake needs the secret.
 */
import { equalTags, type LinkSecurity } from "../session/cryptography.ts";
import { ID_BYTES } from "../session/handshake_frames.ts";

const text = new TextEncoder();
const LABEL = "asyncoro beacon";
const TAG_BYTES = 16;

/** Makes a beacon. */
export function encodeBeacon(id: Uint8Array, network: string, security: LinkSecurity): Uint8Array<ArrayBuffer> {
  const beacon = new Uint8Array(ID_BYTES + TAG_BYTES);
  beacon.set(id);
  beacon.set(tagOf(id, network, security), ID_BYTES);
  return beacon;
}

/** The id in a beacon of the same network; `null` if it is none. */
export function decodeBeacon(beacon: Uint8Array, network: string, security: LinkSecurity): Uint8Array | null {
  if (beacon.length !== ID_BYTES + TAG_BYTES) return null;
  const id = beacon.slice(0, ID_BYTES);
  return equalTags(beacon.subarray(ID_BYTES), tagOf(id, network, security)) ? id : null;
}

function tagOf(id: Uint8Array, network: string, security: LinkSecurity): Uint8Array {
  const parts = [text.encode(LABEL), id, text.encode(network)];
  const data = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return security.prove(data).subarray(0, TAG_BYTES);
}

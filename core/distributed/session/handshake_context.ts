/** What both sides of a handshake need. */
import type { LinkSecurity } from "./cryptography.ts";
import type { Hello, VersionRange } from "./handshake_frames.ts";

/** See the head of this file. */
export interface HandshakeContext {
  /** What this side says of itself. */
  readonly hello: Hello;
  /** The name of the network. It is not sent; the tags cover it. */
  readonly network: string;
  /** What this side says of itself once the other may know it. */
  readonly introduction: Uint8Array;
  /** How the link is protected. */
  readonly security: LinkSecurity;
}

/** The highest version that both sides speak; `undefined` if there is none. */
export function commonVersion(own: VersionRange, other: VersionRange): number | undefined {
  const highest = Math.min(own[1], other[1]);
  return highest >= Math.max(own[0], other[0]) ? highest : undefined;
}

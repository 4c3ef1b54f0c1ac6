/** How a dial ended. */
import type { CloseReason } from "./connection.ts";
import { Refusal, type VersionRange } from "./handshake_frames.ts";
import type { PeerId } from "./peer_id.ts";
import type { Session } from "./session.ts";

/** See the head of this file. */
export type DialOutcome =
  /** The link serves this session, or the peer was connected already by another link. */
  | { readonly kind: "connected"; readonly session: Session }
  /** Both dial each other, or this side dials twice: another link is about to connect them. Wait, then dial again. */
  | { readonly kind: "crossed" }
  /** Another joining than the expected one is there. */
  | { readonly kind: "another peer"; readonly id: PeerId }
  /** No version that both sides speak. */
  | { readonly kind: "versions"; readonly own: VersionRange; readonly other: VersionRange }
  /** The secret or the name of the network differs. */
  | { readonly kind: "authentication" }
  /** This side has dialed itself. */
  | { readonly kind: "self" }
  /** What is there says that it is this side, or that this side has dialed itself, which is not so. */
  | { readonly kind: "impostor" }
  /** The peer has as many peers as it takes. */
  | { readonly kind: "full" }
  /** The peer had left the session that was to be resumed. It has ended here too; dial again for a new one. */
  | { readonly kind: "left" }
  | CloseReason;

/** The outcome that a refusal means. */
export function outcomeOf(code: number, own: VersionRange, other: VersionRange): DialOutcome {
  if (code === Refusal.VERSION) return { kind: "versions", own, other };
  if (code === Refusal.AUTHENTICATION) return { kind: "authentication" };
  if (code === Refusal.SELF) return { kind: "self" };
  if (code === Refusal.FULL) return { kind: "full" };
  if (code === Refusal.CROSSING) return { kind: "crossed" };
  if (code === Refusal.LEFT) return { kind: "left" };
  return { kind: "closed" };
}

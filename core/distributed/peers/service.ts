import type { LossReason } from "../errors.ts";
import type { OperationReader } from "./operation_reader.ts";
import type { Peer } from "./peer.ts";

/** What peers do for each other in one area, such as coroutines or files: it reads the operations of some kinds. */
export interface Service {
  /** How many waits for peers it counts, beside requests. */
  readonly pending?: number;
  /**
   * An operation has arrived. What this throws is reported, and the operation is dropped: an authenticated peer has sent
   * what this side does not understand.
   */
  received(peer: Peer, kind: number, reader: OperationReader): void;
  /** A session with a peer has been opened: the peer knows nothing of those before. */
  met?(peer: Peer): void;
  /** The session with a peer has ended. Its requests have been settled. */
  parted?(peer: Peer, reason: LossReason): void;
  /** Whether a peer that is lost is to be dialed again: something refers to it. */
  needs?(peer: Peer): boolean;
}

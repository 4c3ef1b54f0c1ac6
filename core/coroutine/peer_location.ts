/** Where a coroutine or channel is that is not in this process: what the rooms below the network know of a location. */
export interface PeerLocation {
  /** The id of the joining. */
  readonly id: string;
  /** The name that the peer has given itself. */
  readonly name: string;
  /** Where the peer can be dialed: a URL. */
  readonly address: string;
  /** Whether both are the same joining. */
  equals(other: unknown): boolean;
  /** The name and the address. */
  toString(): string;
}

/** The error of a coroutine whose peer was lost. */
export interface LossError extends Error {
  /** The peer. */
  readonly location: PeerLocation;
  /** Whether it was not heard for too long, has said goodbye, or does not know the coroutine any more. */
  readonly reason: "lost" | "left" | "gone";
}

/** The errors of a network. */
import type { Location } from "./location.ts";

/** A peer does not know the secret of the network, or belongs to a network of another name. */
export class AuthenticationError extends Error {
  /** Always `"AuthenticationError"`. */
  override name = "AuthenticationError";
}

/** A peer does not speak the protocol: no common version, or bytes that the protocol does not allow. */
export class ProtocolError extends Error {
  /** Always `"ProtocolError"`. */
  override name = "ProtocolError";
}

/** A peer does not allow what was asked of it. */
export class PermissionError extends Error {
  /** Always `"PermissionError"`. */
  override name = "PermissionError";
}

/** More bytes wait to be acknowledged by a peer than the network queues. */
export class BackpressureError extends Error {
  /** Always `"BackpressureError"`. */
  override name = "BackpressureError";
}

/** A file could not be sent or deleted. */
export class FileTransferError extends Error {
  /** Always `"FileTransferError"`. */
  override name = "FileTransferError";
}

/** Ends a link whose peer will not be heard again, as its thread has ended: the peer is lost at once. */
export class PeerEndedError extends Error {
  /** Always `"PeerEndedError"`. */
  override name = "PeerEndedError";
}

/** A value cannot be sent to a peer, or cannot be made again from what a peer sent. */
export class SerializationError extends TypeError {
  /** Always `"SerializationError"`. */
  override name = "SerializationError";
  /**
   * Where the value is that cannot be sent, such as `message.items[3].socket`. An entry of a Map or Set is
   * `.keys()[0]` or `.values()[0]`. Empty when a value cannot be received.
   */
  readonly path: string;

  /**
   * Creates the error.
   *
   * @param message What cannot be sent.
   * @param path Where it is.
   */
  constructor(message: string, path = "") {
    super(message);
    this.path = path;
  }
}

/**
 * An error that was thrown by another peer and whose class is neither built in nor one of this package.
 *
 * It has the `name`, `message`, `stack` and `cause` of the original and its other own properties.
 */
export class RemoteError extends Error {
  /** The name of the original error. */
  override name: string;

  /**
   * Creates the error.
   *
   * @param message The message of the original error.
   * @param name Its name.
   */
  constructor(message: string, name = "RemoteError") {
    super(message);
    this.name = name;
  }

  /** The own enumerable properties of the original error, as a new object. */
  get data(): Readonly<Record<string, unknown>> {
    const { name: _, ...data } = this as unknown as Record<string, unknown>;
    return data;
  }
}

/** Why a peer cannot be reached any more; `"gone"`: the peer can, but does not know the coroutine any more. */
export type LossReason = "lost" | "left" | "gone";

/** A peer was not heard for too long, has said goodbye, or does not know a coroutine any more. */
export class PeerLostError extends Error {
  /** Always `"PeerLostError"`. */
  override name = "PeerLostError";
  /** The peer. */
  readonly location: Location;
  /** What happened. */
  readonly reason: LossReason;

  /**
   * Creates the error.
   *
   * @param location The peer.
   * @param reason What happened.
   */
  constructor(location: Location, reason: LossReason) {
    super(`${LOSSES[reason]}: ${location}`);
    this.location = location;
    this.reason = reason;
  }
}

const LOSSES: Readonly<Record<LossReason, string>> = {
  lost: "Peer was not heard for too long",
  left: "Peer has left the network",
  gone: "Peer does not know the coroutine any more",
};

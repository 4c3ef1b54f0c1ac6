import { Kind } from "../peers/operation_kind.ts";
import type { OperationWriter } from "../peers/operation_writer.ts";
import type { Peer } from "../peers/peer.ts";

/** Takes what comes out of a tunnel. */
export interface TunnelReceiver {
  /** Bytes have arrived. They are valid during the call. */
  arrived(bytes: Uint8Array): void;
  /** The other end has taken so many of the bytes that were sent. */
  taken(count: number): void;
  /** The tunnel has been closed, other than by this end. `peerEnded`: the peer behind it will not be heard again. */
  closed(peerEnded: boolean): void;
}

/** The tunnels of one peer. */
export interface TunnelOwner {
  /** Writes operations. */
  readonly writer: OperationWriter;
  /** A tunnel has been closed. */
  forget(tunnel: Tunnel): void;
}

/**
 * One end of a relayed link: what is sent goes to the peer that relays, or that is relayed to.
 *
 * It belongs to a session with that peer, which keeps the order and loses nothing. It ends with the session.
 */
export class Tunnel {
  /** The peer. */
  readonly peer: Peer;
  /** What it is called in operations to the peer: twice the number of the request, and 1 if the peer has made it. */
  readonly key: number;
  readonly #owner: TunnelOwner;
  #receiver: TunnelReceiver | null = null;
  #state: "open" | "closed" | "peer ended" = "open";

  constructor(peer: Peer, key: number, owner: TunnelOwner) {
    this.peer = peer;
    this.key = key;
    this.#owner = owner;
  }

  /** Has what arrives given to a receiver. To be called once, in the turn in which the tunnel was opened, or the next. */
  connect(receiver: TunnelReceiver): void {
    this.#receiver = receiver;
    if (this.#state !== "open") queueMicrotask(() => receiver.closed(this.#state === "peer ended"));
  }

  /** Sends bytes, which are copied. */
  send(bytes: Uint8Array): void {
    if (this.#isConnected) this.peer.post(this.#begin(Kind.TUNNEL).bytes(bytes));
  }

  /** Tells the other end that so many bytes have been taken. */
  tellTaken(count: number): void {
    if (this.#isConnected) this.peer.post(this.#begin(Kind.TAKEN).integer(count));
  }

  /** Closes it. `peerEnded`: the peer behind this end will not be heard again. */
  close(peerEnded: boolean): void {
    if (this.#state !== "open") return;
    if (this.#isConnected) this.peer.post(this.#begin(Kind.UNLINKED).integer(peerEnded ? 1 : 0));
    this.#end(peerEnded);
  }

  /** @internal Bytes have come from the peer. */
  arrived(bytes: Uint8Array): void {
    this.#receiver?.arrived(bytes);
  }

  /** @internal The peer has taken bytes. */
  taken(count: number): void {
    this.#receiver?.taken(count);
  }

  /** @internal The peer has closed it, or its session has ended. */
  closed(peerEnded: boolean): void {
    if (this.#state !== "open") return;
    this.#end(peerEnded);
    this.#receiver?.closed(peerEnded);
  }

  get #isConnected(): boolean {
    return this.#state === "open" && this.peer.isOnline;
  }

  #begin(kind: number): OperationWriter {
    return this.#owner.writer.begin(kind).integer(this.key);
  }

  #end(peerEnded: boolean): void {
    this.#state = peerEnded ? "peer ended" : "closed";
    this.#owner.forget(this);
  }
}

/** Joins two tunnels: what comes out of one goes into the other. */
export function splice(one: Tunnel, other: Tunnel): void {
  one.connect(new Splice(other));
  other.connect(new Splice(one));
}

class Splice implements TunnelReceiver {
  readonly #other: Tunnel;

  constructor(other: Tunnel) {
    this.#other = other;
  }

  arrived(bytes: Uint8Array): void {
    this.#other.send(bytes);
  }

  taken(count: number): void {
    this.#other.tellTaken(count);
  }

  closed(peerEnded: boolean): void {
    this.#other.close(peerEnded);
  }
}

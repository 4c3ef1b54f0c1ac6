import type { Coro } from "../../coroutine/coro.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationWriter } from "../peers/operation_writer.ts";
import type { Peer } from "../peers/peer.ts";
import type { OpenRequest } from "../peers/requests.ts";
import type { Tunnel } from "./tunnel.ts";

/** The answer to RELAY. */
export const Answer = {
  /** The link is open. */
  OPENED: 0,
  /** The peer that is to be reached has ended: it will never be reached. */
  ENDED: 1,
  /** This side relays no such link. */
  REFUSED: 2,
  /** The next peer on the way cannot be reached now. */
  UNREACHABLE: 3,
} as const;

/** A link that a peer wants to open through this one, or to this one; then the tunnel of it. */
export class RelayRequest implements OpenRequest {
  readonly peer: Peer;
  readonly number: number;
  readonly #writer: OperationWriter;
  #coro: Coro | null = null;
  #tunnel: Tunnel | null = null;

  constructor(peer: Peer, number: number, writer: OperationWriter) {
    this.peer = peer;
    this.number = number;
    this.#writer = writer;
  }

  /** It is being worked on by a coroutine, which ends if the peer does not want the link any more. */
  begin(coro: Coro): void {
    this.#coro = coro;
    this.peer.requests.addOpen(this.number, this);
  }

  /** The link is open. It stays open until the peer has cancelled the request, which may cross this answer. */
  open(tunnel: Tunnel): Tunnel {
    this.#tunnel = tunnel;
    this.peer.requests.addOpen(this.number, this);
    this.#post(Answer.OPENED);
    return tunnel;
  }

  /** It is not opened, for one of the reasons of `Answer`. */
  answer(answer: number): void {
    this.peer.requests.removeOpen(this.number);
    if (this.peer.isOnline) this.#post(answer);
  }

  cancelled(): void {
    if (this.#tunnel === null) this.#coro?.terminate();
    // With the session its tunnels end, and the service tells why.
    else if (this.peer.isOnline) this.#tunnel.closed(false);
  }

  #post(answer: number): void {
    this.peer.post(this.#writer.begin(Kind.ANSWER).integer(this.number).integer(answer));
  }
}

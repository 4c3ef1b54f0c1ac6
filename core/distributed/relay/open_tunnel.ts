import { type LossReason, PeerEndedError } from "../errors.ts";
import type { Peer } from "../peers/peer.ts";
import { RequestWait } from "../peers/request_wait.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { Answer } from "./relay_request.ts";
import type { Tunnel } from "./tunnel.ts";

/** Asks a peer to open a link to another, or to itself. The error says whether that other one has ended. */
export class OpenTunnel extends RequestWait<Tunnel> {
  readonly label = "relay";
  readonly #address: string;
  readonly #open: (number: number) => Tunnel;

  /** `open` makes the tunnel for the number of the request. */
  constructor(peer: Peer, request: PreparedRequest, address: string, open: (number: number) => Tunnel) {
    super(peer, request, Infinity);
    this.#address = address;
    this.#open = open;
  }

  override get waitsFor(): string {
    return `a link to ${this.#address} through ${this.peer}`;
  }

  protected override accept(answer: number): void {
    if (answer === Answer.OPENED) return this.settle(this.#open(this.number));
    if (answer === Answer.ENDED) throw new PeerEndedError(`Cannot connect to ${this.#address} as the peer has ended`);
    const reason = answer === Answer.REFUSED ? "does not relay to it" : "cannot reach it";
    throw new Error(`Cannot connect to ${this.#address} as ${this.peer} ${reason}`);
  }

  override reclaim(): void {
    (this.outcome as Tunnel).close(false);
  }

  protected override tooLarge(): void {
    throw new Error("A request to relay is small");
  }

  protected override unreachable(_reason: LossReason): void {
    this.settleError(new PeerEndedError(`Cannot connect to ${this.#address} as ${this.peer}, which relays, has ended`));
  }
}

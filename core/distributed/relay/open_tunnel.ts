import { TimeoutError } from "../../base/errors.ts";
import { type LossReason, PeerEndedError } from "../errors.ts";
import type { Peer } from "../peers/peer.ts";
import { RequestWait } from "../peers/request_wait.ts";
import type { PreparedRequest } from "../peers/requests.ts";
import { Answer } from "./relay_request.ts";
import type { Tunnel } from "./tunnel.ts";

/** What {@linkcode OpenTunnel} is to open. */
export interface TunnelToOpen {
  /** The address of the peer that is to be reached. */
  readonly address: string;
  /** How long it may take. */
  readonly seconds: number;
  /** Makes the tunnel for the number of the request. */
  readonly open: (number: number) => Tunnel;
}

/** Asks a peer to open a link to another, or to itself. The error says whether that other one has ended. */
export class OpenTunnel extends RequestWait<Tunnel> {
  readonly label = "relay";
  /** As with links of engines, what waits for one is counted, and not the dial. */
  readonly quiet = true;
  readonly #address: string;
  readonly #open: (number: number) => Tunnel;

  constructor(peer: Peer, request: PreparedRequest, { address, seconds, open }: TunnelToOpen) {
    super(peer, request, seconds);
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

  override timedOut(): void {
    this.fail(new TimeoutError(`Cannot connect to ${this.#address} through ${this.peer} in time`));
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

/**
 * What one joining remembers of another: the session, the offers, and what was left.
 *
 * Invariants: `offers` are numbers that this side has offered since its session last changed, and whose start it has
 * not seen. So the number in an offer is always newer than the session. The record is kept while a number in it can
 * still be named by the peer, which gives up a session in silence itself.
 */
import { type Claim, CLAIMED_NUMBERS } from "./handshake_frames.ts";
import type { Connection } from "./connection.ts";
import type { PeerId } from "./peer_id.ts";
import type { Session } from "./session.ts";

const MAX_OFFERS = CLAIMED_NUMBERS - 1;

/** See the head of this file. */
export class PeerRecord {
  /** The joining. */
  readonly id: PeerId;
  /** Its session, connecting or open. */
  session: Session | null = null;
  /** The handshake in which this side has sent a PROOF to it. */
  dialing: Connection | null = null;
  /** The number of the last session that was left; 0: none. */
  left = 0;
  private offers: number[] = [];
  /** Handshakes with it in which one side has proved itself, oldest first. */
  private handshakes: Connection[] = [];
  private keptUntil = -Infinity;
  private readonly ownIsLower: boolean;

  /** `own` is the id of this side. */
  constructor(own: PeerId, id: PeerId) {
    this.id = id;
    this.ownIsLower = own.isLowerThan(id);
  }

  /** Whether this side's link stays when both dial. */
  get keepsOwnDial(): boolean {
    return this.ownIsLower;
  }

  /** The number of the open session; 0: none. */
  get current(): number {
    return this.session?.number ?? 0;
  }

  /** The numbers that were offered and not started. */
  get offered(): readonly number[] {
    return this.offers;
  }

  /** Makes an offer, the nth of this side, and remembers it until then at the least. Returns its number. */
  addOffer(nth: number, until: number): number {
    const number = 2 * nth + this.parity;
    this.offers.push(number);
    if (this.offers.length > MAX_OFFERS) this.offers.shift();
    this.keep(until);
    return number;
  }

  /** Whether this is the session, or may become it as this side has offered it. */
  knows(number: number): boolean {
    return number === this.current || this.offers.includes(number);
  }

  /**
   * Whether this number, which is not known, is one that the peer has just offered. One of this side's own is of a session
   * that has ended. One of the peer's says that it does not know the session that this side has claimed: if that is
   * another by now, the peer has not been asked about it.
   */
  isNew(number: number, claimed: number): boolean {
    return number % 2 !== this.parity && this.current === claimed;
  }

  /** The session that both know, if the peer claims this; 0: none. */
  commonNumber({ current, offered }: Claim): number {
    if (current !== 0 && this.knows(current)) return current;
    return this.current !== 0 && offered.includes(this.current) ? this.current : 0;
  }

  /** Whether the peer claims a session that this side has left. */
  hasLeft({ current, offered }: Claim): boolean {
    return this.left !== 0 && (current === this.left || offered.includes(this.left));
  }

  /** Remembers a handshake in which one side has just proved itself. */
  addHandshake(connection: Connection): void {
    this.handshakes.push(connection);
  }

  /** A handshake is over, in whatever way. */
  removeHandshake(connection: Connection): void {
    if (this.dialing === connection) this.dialing = null;
    this.handshakes = this.handshakes.filter((other) => other !== connection);
  }

  /** Whether something was offered to it, and its next frame is awaited. */
  get isOffering(): boolean {
    return this.handshakes.some((connection) => !connection.dialed);
  }

  /** The handshakes that are older than this one. What comes of them is out of date when this one has succeeded. */
  olderHandshakes(connection: Connection): Connection[] {
    return this.handshakes.slice(0, Math.max(0, this.handshakes.indexOf(connection)));
  }

  /** The session has changed, or the offers are known to be in vain. */
  clearOffers(): void {
    this.offers = [];
  }

  /** Remembers the record until then at the least. */
  keep(until: number): void {
    this.keptUntil = Math.max(this.keptUntil, until);
  }

  /** When it may be forgotten; `Infinity` while it is in use. */
  get forgottenAt(): number {
    return this.session === null && this.handshakes.length === 0 ? this.keptUntil : Infinity;
  }

  /** Of the numbers that this side offers: the two sides never offer the same. */
  private get parity(): 0 | 1 {
    return this.ownIsLower ? 0 : 1;
  }
}

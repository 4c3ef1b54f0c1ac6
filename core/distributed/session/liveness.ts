/**
 * When a peer is lost, when to give a sign of life, and when to acknowledge.
 *
 * The peer is lost at the time it was last heard and `peerTimeout` after it, whatever is sent meanwhile: this is a
 * deadline of its own, not a part of the heartbeat. A sign of life is due after an interval in which nothing was
 * written. An ack that no frame has carried is due a little later than what it acknowledges.
 *
 * A lasting link loses nothing and reports its end: while it serves the session, the peer is not lost by silence, and
 * needs no sign of life. When it has gone, the time to lose the peer begins.
 */

/** Seconds that an ack waits for a frame that carries it. */
const ACK_DELAY = 0.04;

/** See the head of this file. */
export class Liveness {
  /** When the peer is lost. */
  declare lostAt: number;
  declare private interval: number;
  declare private peerTimeout: number;
  declare private pingAt: number;
  declare private ackAt: number;
  declare private isLasting: boolean;

  constructor(lostAt: number) {
    this.lostAt = lostAt;
    this.interval = Infinity;
    this.peerTimeout = Infinity;
    this.pingAt = Infinity;
    this.ackAt = Infinity;
    this.isLasting = false;
  }

  /** When something is due first. */
  get nextDeadline(): number {
    return Math.min(this.lostAt, this.pingAt, this.ackAt);
  }

  /** The session is open. */
  open(now: number, interval: number, peerTimeout: number): void {
    this.interval = interval;
    this.peerTimeout = peerTimeout;
    this.heard(now);
  }

  /** A link serves the session. */
  linked(now: number, isLasting: boolean): void {
    this.isLasting = isLasting;
    this.heard(now);
  }

  /** No link serves it any more. Only a lasting one has kept the peer from being lost. */
  unlinked(now: number): void {
    if (this.isLasting) this.linked(now, false);
  }

  /** A frame of the peer has come. */
  heard(now: number): void {
    this.lostAt = this.isLasting ? Infinity : now + this.peerTimeout;
  }

  /** A frame was written. It had an ack in it. */
  wrote(now: number): void {
    this.pingAt = this.isLasting ? Infinity : now + this.interval;
    this.ackAt = Infinity;
  }

  /** Something has come that is to be acknowledged. Returns whether this is the first since the last ack. */
  owesAck(now: number): boolean {
    if (this.ackAt !== Infinity) return false;
    this.ackAt = now + ACK_DELAY;
    return true;
  }
}

/**
 * What all peers of a simulation have seen, and whether it may be so.
 *
 * A session is named by its two joinings and its number, so both sides of it are found. Each operation that arrives is
 * compared with what the other side has sent next in this very session: this finds what is lost, doubled, out of order,
 * misrouted or changed.
 */
import type { PeerId } from "../../../core/distributed/session/peer_id.ts";
import type { Session } from "../../../core/distributed/session/session.ts";
import type { EndReason } from "../../../core/distributed/session/session_frames.ts";
import type { Sessions } from "../../../core/distributed/session/sessions.ts";

/** The first byte of what was sent in the background. */
const IN_BACKGROUND = 255;

/** One side of a session. */
interface Side {
  readonly owner: PeerId;
  readonly session: Session;
  readonly operations: Uint8Array[];
  /** What was sent in the background, on its own way. */
  readonly background: Uint8Array[];
  number: number;
  received: number;
  receivedBackground: number;
  acknowledged: number;
  leaving: boolean;
  ended: EndReason | null;
}

/** See the head of this file. */
export class Ledger {
  /** How many sessions ended because a peer was not heard. */
  losses = 0;
  /** How many operations arrived. */
  arrivals = 0;
  private readonly sides: Map<Session, Side> = new Map();
  private readonly byName: Map<string, Side> = new Map();
  private readonly crashes: Set<string> = new Set();

  crashed(id: PeerId): void {
    this.crashes.add(id.text);
  }

  sent(owner: PeerId, session: Session, operation: Uint8Array): void {
    if (operation[0] === IN_BACKGROUND) operation[0] = 0;
    this.sideOf(owner, session).operations.push(operation);
  }

  sentInBackground(owner: PeerId, session: Session, operation: Uint8Array): void {
    operation[0] = IN_BACKGROUND;
    this.sideOf(owner, session).background.push(operation);
  }

  withdrawn(owner: PeerId, session: Session, operation: Uint8Array): void {
    const { operations } = this.sideOf(owner, session);
    operations.splice(operations.indexOf(operation), 1);
  }

  opened(owner: PeerId, session: Session): void {
    const side = this.sideOf(owner, session);
    const name = nameOf(owner, session);
    check(side.number === 0, "A session is opened once");
    check(!this.byName.has(name), "The number of a session is never used again");
    side.number = session.number;
    this.byName.set(name, side);
  }

  received(owner: PeerId, session: Session, operation: Uint8Array): void {
    const side = this.sideOf(owner, session);
    check(side.ended === null, "Nothing arrives in a session that has ended");
    const other = this.otherOf(side);
    check(other !== undefined, "Nothing is misrouted");
    const expected = operation[0] === IN_BACKGROUND
      ? other!.background[side.receivedBackground++]
      : other!.operations[side.received++];
    check(expected !== undefined, "What was not sent does not arrive, nor twice");
    check(
      expected.length === operation.length && expected[0] === operation[0] && expected.at(-1) === operation.at(-1),
      "What arrives is what was sent next",
    );
    this.arrivals++;
  }

  acknowledged(owner: PeerId, session: Session, count: number): void {
    const side = this.sideOf(owner, session);
    side.acknowledged += count;
    const other = this.otherOf(side)!;
    check(other.received + other.receivedBackground >= side.acknowledged, "Only what was received is acknowledged");
  }

  leaving(owner: PeerId, session: Session): void {
    this.sideOf(owner, session).leaving = true;
  }

  ended(owner: PeerId, session: Session, reason: EndReason): void {
    const side = this.sideOf(owner, session);
    check(side.ended === null, "The end of a session is told once");
    if (reason === "left" && side.number !== 0) {
      check(side.leaving || this.otherOf(side)!.leaving, "A session is left by one of its sides");
    }
    if (reason === "lost" && side.number !== 0) this.losses++;
    side.ended = reason;
  }

  /** No fault has happened for a while: nothing is open on one side only, and nothing is under way. */
  checkSettled(): void {
    for (const side of this.sides.values()) {
      if (this.crashes.has(side.owner.text)) continue;
      if (side.ended !== null) continue;
      const other = this.otherOf(side);
      check(side.number !== 0, "A session that cannot be opened ends");
      check(other !== undefined && other.ended === null && !this.crashes.has(other.owner.text), "Losing is mutual");
      check(side.session.connected, "A session is connected again");
      const arrived = [other!.received, other!.receivedBackground];
      check(`${arrived}` === `${[side.operations.length, side.background.length]}`, "No operation is lost");
      check(side.acknowledged === side.operations.length + side.background.length, "Every operation is acknowledged");
      check(side.session.settled && side.session.queuedBytes === 0, "What is acknowledged is not kept");
    }
  }

  /** All have left. */
  checkEnded(): void {
    for (const side of this.sides.values()) {
      check(side.ended !== null || this.crashes.has(side.owner.text), "A session that was left ends on both sides");
    }
  }

  /** All has ended long ago. */
  checkForgotten(sessions: Sessions): void {
    const { peers, handshakes, flushes } = sessions.sizes;
    check(peers === 0 && handshakes === 0 && flushes === 0, `Nothing is kept: ${peers}, ${handshakes}, ${flushes}`);
  }

  private sideOf(owner: PeerId, session: Session): Side {
    let side = this.sides.get(session);
    if (side === undefined) {
      side = {
        owner,
        session,
        operations: [],
        background: [],
        number: 0,
        received: 0,
        receivedBackground: 0,
        acknowledged: 0,
        leaving: false,
        ended: null,
      };
      this.sides.set(session, side);
    }
    return side;
  }

  private otherOf(side: Side): Side | undefined {
    return this.byName.get(`${side.session.peer.text} ${side.owner.text} ${side.number}`);
  }
}

/** An invariant does not hold. */
export class Violation extends Error {
  override name = "Violation";
}

function check(holds: boolean, invariant: string): asserts holds {
  if (!holds) throw new Violation(invariant);
}

function nameOf(owner: PeerId, session: Session): string {
  return `${owner.text} ${session.peer.text} ${session.number}`;
}

/**
 * How messages go from the channels of this process to the peers that have subscribers for them: one SPREAD a peer and
 * channel.
 *
 * A broadcast that can reach a peer only once has no identity: it passes through one channel with subscribers on peers, and
 * these are coroutines. Any other one has, and every peer that it reaches acknowledges it, so that it is known when it has
 * come to its end (`broadcasts.ts`).
 */
import { countPeerWait } from "../../fiber/peer_wait.ts";
import type { Loop } from "../../fiber/schedulable.ts";
import type { Answers, ChannelDeliver } from "../../messages/channel_deliver.ts";
import type { RemotelyHeard } from "../../messages/remote_subscribers.ts";
import { Kind } from "../peers/operation_kind.ts";
import type { OperationReader } from "../peers/operation_reader.ts";
import type { Peer } from "../peers/peer.ts";
import type { PendingRequest } from "../peers/requests.ts";
import { Answer } from "./answer.ts";
import { Audience } from "./audience.ts";
import type { Broadcasts, Identity } from "./broadcasts.ts";
import { IncomingDeliver } from "./incoming_deliver.ts";
import { Tally, type TallyPart } from "./tally.ts";

/** What one channel passes on to peers. */
interface Part {
  readonly audience: Audience;
  /** The message, encoded. */
  readonly message: Uint8Array;
}

/** A `deliver` of this process, whatever its message. */
type Waiting = ChannelDeliver<unknown>;

/** See the head of this file. */
export class Spreading {
  private readonly broadcasts: Broadcasts;

  constructor(broadcasts: Broadcasts) {
    this.broadcasts = broadcasts;
  }

  /** See {@linkcode RemoteSubscribers.prepare}. */
  prepare<T>(
    versions: ReadonlyMap<RemotelyHeard, T>,
    seen: Set<object>,
    deliver: ChannelDeliver<T> | null,
  ): ((count: number) => number | null) | undefined {
    const incoming = deliver instanceof IncomingDeliver ? deliver : null;
    const seconds = incoming !== null ? incoming.seconds : deliver === null ? null : secondsOf(deliver);
    // What is not given any time is not sent to peers.
    if (seconds !== null && seconds <= 0) return undefined;
    const parts: Part[] = [];
    for (const [{ remote }, version] of versions) {
      if (!(remote instanceof Audience) || remote.isEmpty) continue;
      const message = this.encode(remote, version, incoming !== null);
      if (message !== null) parts.push({ audience: remote, message });
    }
    if (parts.length === 0) return undefined;
    for (const { audience, message } of parts) for (const outlet of audience.outlets) outlet.bytes = message.length;
    const identity = incoming?.identity ?? (mayComeAgain(parts) ? this.broadcasts.begin(seen) : null);
    const tally = incoming?.tally ?? new Tally();
    if (identity !== null && incoming?.identity == null) {
      tally.listen((_added, settled) => {
        if (settled) this.broadcasts.complete(identity.number);
      });
    }
    return (count) => {
      this.post(parts, seconds, identity, tally);
      if (incoming !== null) return count;
      return deliver === null ? this.sent(tally, count) : this.wait(deliver, tally, count);
    };
  }

  /** Encodes a message. What a peer has sent and cannot be passed on is reported, and `null`. */
  private encode(audience: Audience, message: unknown, reports: boolean): Uint8Array | null {
    const { peers } = audience.owner;
    let limit = peers.maxMessage;
    for (const { peer } of audience.outlets) limit = Math.min(limit, peer.maxMessage);
    try {
      return peers.writer.encodeMessage(message, limit);
    } catch (error) {
      if (!reports) throw error;
      peers.report(error);
      return null;
    }
  }

  private post(parts: readonly Part[], seconds: number | null, identity: Identity | null, tally: Tally): void {
    const isRequest = seconds !== null || identity !== null;
    for (const { audience, message } of parts) {
      const { writer } = audience.owner.peers;
      for (const outlet of audience.outlets) {
        const { peer } = outlet;
        outlet.bytes = 1;
        if (!peer.isOnline || seconds === null && !peer.hasRoom(message.length)) continue;
        const request = isRequest ? new SpreadRequest(peer, tally, seconds === null) : null;
        writer.begin(Kind.SPREAD).integer(request?.number ?? 0).integer(audience.number).value(seconds);
        writer.integer(identity === null ? 0 : 1);
        if (identity !== null) {
          writer.bytes(identity.origin).integer(identity.number).integer(identity.settled);
          this.broadcasts.passed(identity, peer);
        }
        const ticket = peer.post(writer.encoded(message));
        request?.sent(ticket);
      }
    }
  }

  private sent(tally: Tally, count: number): number {
    tally.begin(count);
    return count;
  }

  private wait(deliver: Waiting, tally: Tally, count: number): number | null {
    tally.begin(count);
    if (tally.isSettled) return tally.count;
    deliver.answers = new AwaitedAnswers(tally, deliver);
    return null;
  }
}

/** What a `deliver` waits for. The run loop counts it as a wait for a peer. */
class AwaitedAnswers implements Answers {
  private readonly tally: Tally;
  private loop: Loop | null;

  constructor(tally: Tally, deliver: Waiting) {
    this.tally = tally;
    this.loop = deliver.fiber!.loop;
    countPeerWait(this.loop, 1);
    tally.listen((_added, settled) => {
      if (settled && this.end()) deliver.resolve(tally.count);
    });
  }

  get count(): number {
    return this.tally.count;
  }

  stop(): void {
    this.end();
    this.tally.abandon();
  }

  toString(): string {
    return "acknowledgements of the subscribers";
  }

  /** Returns whether it was waited for. */
  private end(): boolean {
    if (this.loop === null) return false;
    countPeerWait(this.loop, -1);
    this.loop = null;
    return true;
  }
}

/** A message that a peer passes on, and whose recipients it counts. */
class SpreadRequest implements PendingRequest, TallyPart {
  readonly number: number;
  quiet: boolean;
  private readonly peer: Peer;
  private readonly tally: Tally;
  private ticket = -1;

  constructor(peer: Peer, tally: Tally, quiet: boolean) {
    this.peer = peer;
    this.tally = tally;
    this.quiet = quiet;
    this.number = peer.requests.add(this);
    tally.add(this);
  }

  /** It was sent. */
  sent(ticket: number): void {
    this.ticket = ticket;
  }

  answered(reader: OperationReader): void {
    let count = 0;
    try {
      if (reader.integer() === Answer.DONE) count = reader.integer();
    } finally {
      this.tally.tell(this, count, true);
    }
  }

  progressed(reader: OperationReader): void {
    this.tally.tell(this, reader.integer(), false);
  }

  parted(): void {
    this.tally.tell(this, 0, true);
  }

  abandon(): void {
    this.quiet = true;
    if (!this.peer.withdraw(this.ticket)) return this.peer.cancel(this.number);
    this.peer.requests.remove(this.number);
    this.tally.tell(this, 0, true);
  }
}

function secondsOf({ limit }: Waiting): number {
  // It is not a number if only a signal ends the wait.
  return limit < Infinity ? limit : Infinity;
}

function mayComeAgain(parts: readonly Part[]): boolean {
  return parts.length > 1 || parts[0].audience.hasChannels;
}

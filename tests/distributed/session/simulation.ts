/**
 * Peers on one event queue, with links that delay, lose, break, and with peers that freeze, crash and come back.
 *
 * Everything random comes from the seed, so a seed can be run again. The peers play the network: they dial, dial again,
 * send, withdraw and leave. Each tells the ledger what it sees.
 */
import type { Connection, Wire } from "../../../core/distributed/session/connection.ts";
import type { DialOutcome } from "../../../core/distributed/session/dial_outcome.ts";
import { PeerId } from "../../../core/distributed/session/peer_id.ts";
import type { Session } from "../../../core/distributed/session/session.ts";
import type { EndReason } from "../../../core/distributed/session/session_frames.ts";
import { type SessionEvents, Sessions, type SessionsOptions } from "../../../core/distributed/session/sessions.ts";
import { Random } from "../../soak/random.ts";
import { hmacSha256, quickHmac, securityOf } from "./cryptography.ts";
import { EventQueue } from "./event_queue.ts";
import { Ledger } from "./ledger.ts";

/** What may happen in a schedule. */
export interface Plan {
  /** How many places there are for peers. */
  readonly peers: number;
  /** How many operations are sent. */
  readonly operations: number;
  /** The longest operation. */
  readonly longest: number;
  /** The bytes of the longest frame. */
  readonly maxFrame: number;
  /** The probability that a frame is lost. */
  readonly loss: number;
  /** How many of each. */
  readonly cuts: number;
  readonly partitions: number;
  readonly freezes: number;
  readonly crashes: number;
  readonly leaves: number;
  /** How often two peers send to each other at the same time, so that both dial. */
  readonly crossings: number;
  /** The longest partition or freeze. */
  readonly longestFault: number;
  /** Seconds in which all that begins. */
  readonly duration: number;
  /** Whether links have seals. */
  readonly sealed: boolean;
  /** Whether the tags are real. */
  readonly realHmac?: boolean;
}

/** Seconds after which all has settled once no fault begins any more. */
const SETTLING = 30;
/** Seconds after which nothing is remembered once all have left. */
const FORGETTING = 60;

/** One end of a link. */
interface End {
  readonly peer: Peer;
  connection: Connection | null;
  /** When the last thing that the other end sent arrives: order is kept. */
  lastArrival: number;
}

/** See the head of this file. */
export class Simulation {
  readonly queue: EventQueue = new EventQueue();
  readonly random: Random;
  readonly ledger: Ledger = new Ledger();
  readonly plan: Plan;
  /** Whose turn it is at each place. */
  readonly places: Peer[] = [];
  readonly all: Peer[] = [];
  readonly links: Set<Link> = new Set();
  /** Pairs of places that cannot reach each other, and until when. */
  readonly partitions: Map<string, number> = new Map();
  /** The probability that a frame is lost, now. */
  loss: number;
  /** How many dials reached a peer. */
  dials = 0;

  constructor(seed: number, plan: Plan) {
    this.random = new Random(seed);
    this.plan = plan;
    this.loss = plan.loss;
    for (let place = 0; place < plan.peers; place++) this.places.push(this.join(place));
  }

  /** Runs the schedule and checks it. */
  run(): void {
    const { plan, queue } = this;
    this.planOperations();
    this.planFaults();
    queue.runUntil(plan.duration + plan.longestFault);
    this.partitions.clear();
    this.loss = 0;
    queue.runUntil(queue.now + SETTLING);
    this.ledger.checkSettled();
    for (const peer of this.places) peer.leaveAll();
    queue.runUntil(queue.now + FORGETTING);
    this.ledger.checkEnded();
    for (const peer of this.places) this.ledger.checkForgotten(peer.sessions);
  }

  /** A new joining at a place. */
  join(place: number): Peer {
    const peer = new Peer(this, place);
    this.all.push(peer);
    return peer;
  }

  /** Whether nothing passes between two places. */
  isPartitioned(a: number, b: number): boolean {
    return (this.partitions.get(pairOf(a, b)) ?? -1) > this.queue.now;
  }

  /** Opens a link to whoever is at a place. */
  dial(from: Peer, place: number, expected: PeerId): void {
    const delay = this.delay();
    const target = this.places[place];
    if (!target.alive || this.isPartitioned(from.place, place)) {
      return this.queue.in(1, () => from.run(() => from.dialFailed(expected)));
    }
    this.dials++;
    this.queue.in(delay, () => this.links.add(new Link(this, from, target, expected)));
  }

  delay(): number {
    return 0.001 + this.random.next() * 0.049;
  }

  private planOperations(): void {
    const { random, plan } = this;
    for (let i = 0; i < plan.operations; i++) {
      this.queue.at(random.next() * plan.duration, () => {
        const sender = random.pick(this.places);
        sender.run(() => sender.sendSomething());
      });
    }
  }

  private planFaults(): void {
    const { plan, random } = this;
    const somewhen = (count: number, fault: () => void): void => {
      for (let i = 0; i < count; i++) this.queue.at(random.next() * plan.duration, fault);
    };
    somewhen(plan.cuts, () => this.links.size > 0 && random.pick([...this.links]).cut());
    somewhen(plan.partitions, () => {
      const [a, b] = [random.below(plan.peers), random.below(plan.peers)];
      this.partitions.set(pairOf(a, b), this.queue.now + random.next() * plan.longestFault);
    });
    somewhen(plan.freezes, () => random.pick(this.places).freeze(random.next() * plan.longestFault));
    somewhen(plan.crashes, () => this.crash(random.below(plan.peers)));
    somewhen(plan.crossings, () => {
      const [a, b] = [random.pick(this.places), random.pick(this.places)];
      if (a === b) return;
      a.run(() => a.sendTo(b.id));
      this.queue.in(random.next() * 0.05, () => b.run(() => b.sendTo(a.id)));
    });
    somewhen(plan.leaves, () => {
      const peer = random.pick(this.places);
      peer.run(() => peer.leaveOne());
    });
  }

  private crash(place: number): void {
    const peer = this.places[place];
    if (!peer.alive) return;
    peer.crash();
    for (const link of this.links) if (link.isOf(peer)) link.cut(this.random.chance(0.7));
    this.queue.in(this.random.next() * 3, () => {
      this.places[place] = this.join(place);
      this.places[place].run(() => this.places[place].meetOthers());
    });
  }
}

/** A link between two peers. */
class Link {
  private readonly simulation: Simulation;
  private readonly ends: readonly [End, End];
  private isCut = false;

  constructor(simulation: Simulation, from: Peer, to: Peer, expected: PeerId) {
    this.simulation = simulation;
    this.ends = [{ peer: from, connection: null, lastArrival: 0 }, { peer: to, connection: null, lastArrival: 0 }];
    to.run(() => this.open(1, undefined));
    from.run(() => this.open(0, expected));
  }

  isOf(peer: Peer): boolean {
    return this.ends.some((end) => end.peer === peer);
  }

  /** Breaks the link. Both ends see it a little later, unless nobody tells them. */
  cut(told = true): void {
    if (this.isCut) return;
    this.isCut = true;
    this.simulation.links.delete(this);
    const { queue, random } = this.simulation;
    if (!told) return;
    for (const end of this.ends) {
      queue.in(random.next() * 0.2, () => end.peer.run(() => end.connection?.closed(0)));
    }
  }

  private open(index: 0 | 1, expected: PeerId | undefined): void {
    const { peer } = this.ends[index];
    const { queue, plan } = this.simulation;
    const wire: Wire = {
      maxFrame: plan.maxFrame,
      queued: 0,
      write: (frame) => this.write(1 - index, frame),
      close: () => this.close(1 - index),
    };
    this.ends[index].connection = index === 0
      ? peer.sessions.dial(wire, peer.security, queue.now, expected)
      : peer.sessions.accept(wire, peer.security, queue.now);
    if (index === 0) peer.connections.set(this.ends[0].connection!, expected!);
  }

  private write(to: number, frame: Uint8Array): void {
    const { random, loss } = this.simulation;
    if (random.chance(loss)) return;
    const chunks = random.chance(0.1) ? splitAt(frame, random.below(frame.length)) : [frame];
    this.deliver(to, (end, now) => {
      for (const chunk of chunks) end.connection!.receive(chunk, now);
    });
  }

  private close(to: number): void {
    this.simulation.links.delete(this);
    this.deliver(to, (end) => end.connection!.closed(0));
  }

  private deliver(to: number, act: (end: End, now: number) => void): void {
    const { simulation } = this;
    const { queue } = simulation;
    const end = this.ends[to];
    if (this.isCut || simulation.isPartitioned(this.ends[0].peer.place, this.ends[1].peer.place)) return;
    end.lastArrival = Math.max(end.lastArrival, queue.now + simulation.delay());
    queue.at(end.lastArrival, () => {
      if (!this.isCut) end.peer.run(() => act(end, queue.now));
    });
  }
}

/** One joining. */
export class Peer implements SessionEvents {
  readonly id: PeerId;
  readonly place: number;
  readonly sessions: Sessions;
  readonly security;
  alive = true;
  /** The connections that it has dialed and whose outcome it does not know. */
  readonly connections: Map<Connection, PeerId> = new Map();
  /** The joinings that it knows of, and where they are. */
  readonly known: Map<string, { id: PeerId; place: number }> = new Map();
  private readonly simulation: Simulation;
  private readonly dialing: Set<string> = new Set();
  private readonly waiting: (() => void)[] = [];
  private frozenUntil = -1;
  private turnEnds = false;
  private timerAt = Infinity;
  private counter = 0;

  constructor(simulation: Simulation, place: number) {
    const { random, plan, queue } = simulation;
    this.simulation = simulation;
    this.place = place;
    const hmac = plan.realHmac ? hmacSha256 : quickHmac;
    const randomBytes = (count: number) => Uint8Array.from({ length: count }, () => random.below(256));
    this.id = new PeerId(randomBytes(16));
    this.security = securityOf("correct horse battery", plan.sealed, hmac);
    const options: SessionsOptions = {
      id: this.id.bytes,
      network: "test",
      versions: [1, 1],
      introduction: Uint8Array.of(place),
      heartbeat: 2,
      peerTimeout: 10,
      connectTimeout: 10,
      handshakeTimeout: 5,
      maxMessage: 1 << 20,
      maxQueue: 1 << 26,
      maxPeers: 64,
      hmac,
      random: randomBytes,
    };
    this.sessions = new Sessions(options, this);
    queue.in(0, () => this.run(() => this.meetOthers()));
  }

  /** Runs something in this peer, when it is not frozen; never if it has crashed. */
  run(act: () => void): void {
    if (!this.alive) return;
    if (this.frozenUntil > this.simulation.queue.now) this.waiting.push(act);
    else act();
  }

  freeze(seconds: number): void {
    const { queue } = this.simulation;
    const until = queue.now + seconds;
    if (until <= this.frozenUntil) return;
    this.frozenUntil = until;
    queue.at(until, () => {
      if (this.frozenUntil > queue.now) return;
      for (const act of this.waiting.splice(0)) this.run(act);
    });
  }

  crash(): void {
    this.alive = false;
    this.simulation.ledger.crashed(this.id);
  }

  /** Learns where the others are, and begins to talk to some. */
  meetOthers(): void {
    for (const other of this.simulation.places) {
      if (other === this || !other.alive) continue;
      this.known.set(other.id.text, { id: other.id, place: other.place });
    }
  }

  /** Sends something to some peer that it knows. */
  sendSomething(): void {
    if (this.known.size > 0) this.sendTo(this.simulation.random.pick([...this.known.values()]).id);
  }

  /** Sends, and perhaps withdraws, something to a peer that it knows. */
  sendTo(id: PeerId): void {
    const { random, queue, ledger } = this.simulation;
    if (!this.known.has(id.text)) return;
    const session = this.sessions.connecting(id, queue.now);
    for (let count = random.from(1, 3); count > 0; count--) {
      if (session.state === "ended") return;
      const operation = this.makeOperation();
      if (session.state === "open" && random.chance(0.2)) {
        ledger.sentInBackground(this.id, session, operation);
        session.enqueueBackground(operation);
        continue;
      }
      const ticket = session.enqueue(operation);
      ledger.sent(this.id, session, operation);
      const patience = random.chance(0.5) ? 0 : random.next();
      if (random.chance(0.1)) queue.in(patience, () => this.run(() => this.withdraw(session, ticket, operation)));
    }
    if (session.state === "connecting") this.dial(id);
  }

  leaveOne(): void {
    const sessions = [...this.sessions];
    if (sessions.length === 0) return;
    this.leave(this.simulation.random.pick(sessions));
  }

  leaveAll(): void {
    for (const session of [...this.sessions]) this.leave(session);
    this.known.clear();
  }

  /** A link could not be opened. */
  dialFailed(id: PeerId): void {
    this.redial(id, true);
  }

  opened(session: Session): void {
    this.simulation.ledger.opened(this.id, session);
    this.known.set(session.peer.text, { id: session.peer, place: session.introduction[0] });
  }

  received(session: Session, operation: Uint8Array): void {
    this.simulation.ledger.received(this.id, session, operation);
  }

  acknowledged(session: Session, count: number): void {
    this.simulation.ledger.acknowledged(this.id, session, count);
  }

  refused(): void {
    throw new Error("An operation was refused");
  }

  connectionChanged(session: Session): void {
    if (!session.connected) this.redial(session.peer);
  }

  ended(session: Session, reason: EndReason): void {
    this.simulation.ledger.ended(this.id, session, reason);
  }

  dialed(connection: Connection, outcome: DialOutcome): void {
    const expected = this.connections.get(connection);
    if (expected === undefined) throw new Error(`The outcome of a dial is told twice: ${outcome.kind}`);
    this.connections.delete(connection);
    if (outcome.kind === "connected") this.dialing.delete(expected.text);
    else this.redial(expected, true, outcome.kind === "crossed" ? 0.3 : 0.1);
  }

  changed(): void {
    if (this.turnEnds) return;
    this.turnEnds = true;
    this.simulation.queue.in(0, () => this.run(() => this.endTurn()));
  }

  private endTurn(): void {
    this.turnEnds = false;
    this.sessions.flush(this.simulation.queue.now);
    this.arm();
  }

  private arm(): void {
    const { queue } = this.simulation;
    const deadline = this.sessions.nextDeadline;
    if (deadline >= this.timerAt) return;
    this.timerAt = deadline;
    queue.at(deadline, () => this.run(() => this.fire(deadline)));
  }

  private fire(deadline: number): void {
    if (deadline !== this.timerAt) return;
    this.timerAt = Infinity;
    this.sessions.tick(this.simulation.queue.now);
    this.arm();
  }

  private leave(session: Session): void {
    if (session.state === "open") this.simulation.ledger.leaving(this.id, session);
    session.leave(this.simulation.queue.now);
  }

  private withdraw(session: Session, ticket: number, operation: Uint8Array): void {
    if (session.withdraw(ticket)) this.simulation.ledger.withdrawn(this.id, session, operation);
  }

  private makeOperation(): Uint8Array {
    const { random, plan } = this.simulation;
    const length = random.chance(0.1) ? random.from(1, plan.longest) : random.from(1, 60);
    return new Uint8Array(length).fill(++this.counter);
  }

  private dial(id: PeerId): void {
    if (this.dialing.has(id.text)) return;
    this.dialing.add(id.text);
    this.simulation.dial(this, this.known.get(id.text)!.place, id);
  }

  /** Dials again in a while. `after`: a dial is over, and no other begins before. */
  private redial(id: PeerId, after = false, least = 0.1): void {
    const { queue, random } = this.simulation;
    queue.in(least + (1 - least) * random.next(), () =>
      this.run(() => {
        if (after) this.dialing.delete(id.text);
        const session = this.sessions.sessionWith(id);
        if (session !== null && !session.connected && this.known.has(id.text)) this.dial(id);
      }));
  }
}

function pairOf(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function splitAt(frame: Uint8Array, at: number): Uint8Array[] {
  return [frame.subarray(0, at), frame.subarray(at)];
}

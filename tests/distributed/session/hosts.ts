/** Two or more joinings under the hand of a test: it decides which frame of which link arrives, and when. */
import type { Connection, Wire } from "../../../core/distributed/session/connection.ts";
import type { LinkSecurity } from "../../../core/distributed/session/cryptography.ts";
import type { DialOutcome } from "../../../core/distributed/session/dial_outcome.ts";
import type { PeerId } from "../../../core/distributed/session/peer_id.ts";
import type { Session } from "../../../core/distributed/session/session.ts";
import type { EndReason } from "../../../core/distributed/session/session_frames.ts";
import { type SessionEvents, Sessions, type SessionsOptions } from "../../../core/distributed/session/sessions.ts";
import { hmacSha256, securityOf } from "./cryptography.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The time of all hosts. */
export const clock = { now: 0 };

/** Lets time pass: each host does what is due, in steps of a tenth of a second. */
export function pass(seconds: number, ...hosts: Host[]): void {
  for (const end = clock.now + seconds; clock.now < end;) {
    clock.now = Math.min(end, clock.now + 0.1);
    for (const host of hosts) host.sessions.tick(clock.now);
  }
}

/** A joining and what it was told. */
export class Host implements SessionEvents {
  readonly sessions: Sessions;
  readonly security: LinkSecurity;
  /** The operations that have arrived, as text. */
  readonly arrived: string[] = [];
  readonly outcomes: DialOutcome[] = [];
  readonly ends: EndReason[] = [];
  readonly refusedTickets: number[] = [];
  acknowledgedCount = 0;
  openedCount = 0;
  changes = 0;
  /** Called with each session that has ended, if set. */
  onEnded: ((session: Session) => void) | null = null;
  /** Called with each operation, if set. */
  onReceived: ((session: Session) => void) | null = null;
  private random: number;

  /** `idByte` fills the id, so that a test says which is the lower. */
  constructor(idByte: number, options: Partial<SessionsOptions> = {}, secret = "the secret of the network") {
    this.random = idByte * 7919;
    this.security = securityOf(secret);
    this.sessions = new Sessions({
      id: new Uint8Array(16).fill(idByte),
      network: "test",
      versions: [1, 1],
      introduction: Uint8Array.of(idByte),
      heartbeat: 2,
      peerTimeout: 10,
      connectTimeout: 10,
      handshakeTimeout: 5,
      maxMessage: 8 << 20,
      maxQueue: 64 << 20,
      maxPeers: 1024,
      hmac: hmacSha256,
      random: (count) => Uint8Array.from({ length: count }, () => this.random = (this.random * 31 + 17) % 251),
      ...options,
    }, this);
  }

  get id(): PeerId {
    return this.sessions.id;
  }

  /** The session with another host. */
  with(other: Host): Session | null {
    return this.sessions.sessionWith(other.id);
  }

  /** Sends texts to another host, as one operation each. Returns the tickets. */
  send(other: Host, ...texts: string[]): number[] {
    const session = this.sessions.connecting(other.id, clock.now);
    return texts.map((text) => session.enqueue(encoder.encode(text)));
  }

  /** Sends texts in the background. */
  sendInBackground(other: Host, ...texts: string[]): void {
    for (const text of texts) this.with(other)!.enqueueBackground(encoder.encode(text));
  }

  opened(): void {
    this.openedCount++;
  }

  received(session: Session, operation: Uint8Array): void {
    this.arrived.push(decoder.decode(operation));
    this.onReceived?.(session);
  }

  acknowledged(_session: Session, count: number): void {
    this.acknowledgedCount += count;
  }

  refused(_session: Session, ticket: number): void {
    this.refusedTickets.push(ticket);
  }

  connectionChanged(): void {}

  ended(session: Session, reason: EndReason): void {
    this.ends.push(reason);
    this.onEnded?.(session);
  }

  dialed(_connection: Connection, outcome: DialOutcome): void {
    this.outcomes.push(outcome);
  }

  changed(): void {
    this.changes++;
  }
}

/** A link that the first host has dialed. Frames wait until the test delivers or drops them. */
export class TestLink {
  /** The connections of the dialer and of the acceptor. */
  readonly connections: readonly [Connection, Connection];
  /** The frames on their way to the dialer and to the acceptor. */
  readonly frames: readonly [Uint8Array[], Uint8Array[]] = [[], []];
  /** All frames that were ever written to the dialer and to the acceptor. */
  readonly written: readonly [Uint8Array[], Uint8Array[]] = [[], []];
  /** Whether the dialer and the acceptor have closed it. */
  readonly closed: [boolean, boolean] = [false, false];
  /** What the links say is queued. */
  queued = 0;
  private readonly hosts: readonly [Host, Host];

  constructor(
    dialer: Host,
    acceptor: Host,
    { maxFrame = 65_536, expected }: { maxFrame?: number; expected?: PeerId } = {},
  ) {
    this.hosts = [dialer, acceptor];
    const accepted = acceptor.sessions.accept(this.wire(1, maxFrame), acceptor.security, clock.now);
    const dialed = dialer.sessions.dial(this.wire(0, maxFrame), dialer.security, clock.now, expected);
    this.connections = [dialed, accepted];
  }

  /** Delivers the next frame to the dialer (0) or the acceptor (1). */
  deliver(to: 0 | 1): void {
    const frame = this.frames[to].shift();
    if (frame !== undefined) this.connections[to].receive(frame, clock.now);
  }

  /** Delivers everything, and what is written in return, until nothing is on its way. */
  run(): void {
    do {
      for (const host of this.hosts) host.sessions.flush(clock.now);
      for (const to of [1, 0] as const) while (this.frames[to].length > 0) this.deliver(to);
      for (const host of this.hosts) host.sessions.flush(clock.now);
    } while (this.frames[0].length + this.frames[1].length > 0);
    for (const to of [0, 1] as const) if (this.closed[1 - to]) this.connections[to].closed(0);
  }

  /** Breaks the link: both see it, and what is on its way is lost. */
  cut(): void {
    for (const to of [0, 1] as const) {
      this.frames[to].length = 0;
      this.connections[to].closed(0);
    }
  }

  private wire(of: 0 | 1, maxFrame: number): Wire {
    const queued = (): number => this.queued;
    return {
      maxFrame,
      get queued() {
        return queued();
      },
      write: (frame) => {
        this.frames[1 - of].push(frame);
        this.written[1 - of].push(frame.slice());
      },
      close: () => {
        this.closed[of] = true;
      },
    };
  }
}

/** A link between two hosts that has served its handshake. */
export function connect(dialer: Host, acceptor: Host, options: { maxFrame?: number } = {}): TestLink {
  const link = new TestLink(dialer, acceptor, options);
  link.run();
  return link;
}

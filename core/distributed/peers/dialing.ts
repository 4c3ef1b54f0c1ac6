/** Opening links to peers: one attempt, attempts until a time, and attempts for as long as somebody needs the peer. */
import { TimeoutError } from "../../base/errors.ts";
import type { Fiber } from "../../fiber/fiber.ts";
import { PeerWait } from "../../fiber/peer_wait.ts";
import { sleep } from "../../operations/sleep.ts";
import { describe } from "../../base/describe.ts";
import type { Engine, Link, LinkTrust } from "../engine.ts";
import { AuthenticationError, PeerEndedError, ProtocolError } from "../errors.ts";
import type { Connection } from "../session/connection.ts";
import type { DialOutcome } from "../session/dial_outcome.ts";
import type { PeerId } from "../session/peer_id.ts";
import type { Session } from "../session/session.ts";
import type { Peer } from "./peer.ts";

/** Seconds that one attempt may take. */
const ATTEMPT = 5;
/** Seconds between two attempts while a session can be resumed: from this to ten times as much. */
const SHORTEST_PAUSE = 0.1;
/** Seconds between two attempts to find a peer again that is lost, at the longest. */
const LONGEST_PAUSE = 30;

/** Errors after which another attempt is in vain. */
const ENDS_DIALING = [AuthenticationError, ProtocolError, PeerEndedError] as const;

/** What dialing needs of all peers. */
export interface DialHost {
  /** A random number from 0 (included) to 1 (excluded). */
  random(): number;
  /** The time by the scheduler's clock, in seconds. */
  now(): number;
  /** Opens a link, by an engine or through another peer. Throws if no engine has the scheme of the address. */
  open(address: string, seconds: number, expected: PeerId | undefined): Generator<unknown, OpenedLink, unknown>;
  /** Begins the handshake on a link that this side has dialed. */
  begin(opened: OpenedLink, expected: PeerId | undefined): Connection;
  /** The peer will not be heard again. */
  lose(peer: PeerId): void;
}

/** A link that was dialed, and how much it is trusted. */
export interface OpenedLink {
  readonly link: Link;
  readonly trust: LinkTrust;
}

/** See the head of this file. */
export class Dialing {
  private readonly host: DialHost;
  private readonly waits: Map<Connection, HandshakeWait> = new Map();

  constructor(host: DialHost) {
    this.host = host;
  }

  /** A handshake of this side has ended. */
  dialed(connection: Connection, outcome: DialOutcome): void {
    const wait = this.waits.get(connection);
    this.waits.delete(connection);
    wait?.settle(outcome);
  }

  /**
   * Dials an address until its peer is connected.
   *
   * @param seconds How long it may take. After that it throws the last error.
   * @throws {AuthenticationError} at once if the secret or the name of the network differs.
   * @throws {ProtocolError} at once if no version is spoken by both sides.
   * @throws {PeerEndedError} at once if the peer has ended.
   */
  *connect(address: string, seconds: number, expected?: PeerId): Generator<unknown, Session | "self", unknown> {
    const end = this.host.now() + seconds;
    let last: unknown = null;
    for (;;) {
      const left = end - this.host.now();
      if (left <= 0) throw last ?? new TimeoutError(`peer() timed out waiting for ${address}`);
      try {
        const outcome = yield* this.attempt(address, Math.min(left, ATTEMPT), expected);
        if (outcome.kind === "connected") return outcome.session;
        if (outcome.kind === "self") return "self";
        last = errorOf(outcome, address) ?? last;
      } catch (error) {
        last = error;
      }
      if (ENDS_DIALING.some((error) => last instanceof error)) throw last;
      yield* sleep(Math.min(this.pause(), Math.max(0, end - this.host.now())));
    }
  }

  /** Dials a peer again for as long as `wanted` returns `true` and it is not connected. */
  *redial(peer: Peer, wanted: () => boolean): Generator<unknown, void, unknown> {
    let pause = 0;
    for (let attempt = 0; wanted(); attempt++) {
      // A peer that has never been connected, or whose link has just broken, is dialed at once.
      if (attempt > 0) yield* sleep(pause);
      pause = peer.session === null ? Math.min(LONGEST_PAUSE, Math.max(2 * pause, this.pause())) : this.pause();
      if (!wanted()) return;
      const { addresses, peerId } = peer.location;
      const address = addresses[attempt % Math.max(1, addresses.length)];
      try {
        if (address !== undefined) yield* this.attempt(address, ATTEMPT, peerId);
      } catch (error) {
        // Otherwise the peer cannot be reached now. If that lasts, it is lost.
        if (error instanceof PeerEndedError) this.host.lose(peerId);
      }
    }
  }

  private *attempt(address: string, seconds: number, expected?: PeerId): Generator<unknown, DialOutcome, unknown> {
    const connection = this.host.begin(yield* this.host.open(address, seconds, expected), expected);
    const wait = new HandshakeWait(() => {
      this.waits.delete(connection);
      connection.closed(this.host.now());
    });
    this.waits.set(connection, wait);
    return yield* wait;
  }

  private pause(): number {
    return SHORTEST_PAUSE * (1 + 9 * this.host.random());
  }
}

/** Waits until a handshake has ended. */
class HandshakeWait extends PeerWait<DialOutcome> {
  readonly label = "peer";
  readonly #giveUp: () => void;

  constructor(giveUp: () => void) {
    super();
    this.#giveUp = giveUp;
  }

  override get waitsFor(): string {
    return "the handshake with a peer";
  }

  override begin(fiber: Fiber): boolean {
    this.count(fiber);
    return false;
  }

  override detach(): void {
    this.uncount();
    this.#giveUp();
  }
}

/** The error of an attempt that has failed; `null` if another attempt is about to succeed. */
function errorOf(outcome: DialOutcome, address: string): Error | null {
  switch (outcome.kind) {
    case "authentication":
      return new AuthenticationError(
        `Cannot connect to ${address} as the peer has another secret or belongs to another network`,
      );
    case "impostor":
      return new AuthenticationError(`Cannot connect to ${address} as what is there says that it is this very peer`);
    case "versions": {
      const [own, other] = [outcome.own, outcome.other].map(([low, high]) => `${low} to ${high}`);
      return new ProtocolError(
        `Cannot connect to ${address} as no version is spoken by both sides: this side speaks ${own}, the peer ${other}`,
      );
    }
    case "full":
      return new Error(`Cannot connect to ${address} as the peer has as many peers as it takes`);
    case "another peer":
      return new Error(`Cannot connect to ${address} as another peer is there: its id is ${outcome.id.text}`);
    case "timeout":
      return new TimeoutError(`Cannot connect to ${address} as the handshake took too long`);
    case "malformed":
      return new Error(`Cannot connect to ${address} as what is there is no peer: ${outcome.error.message}`);
    case "closed":
      return new Error(`Cannot connect to ${address} as the connection was closed`);
    default:
      return null;
  }
}

/** The scheme of an address; empty if it is no URL. */
export function schemeOf(address: string): string {
  return /^([a-z][a-z0-9+.-]*):(?!\d+$)/i.exec(address)?.[1] ?? "";
}

/** The error for an address that no engine of the network dials. */
export function noEngine(address: string, engines: readonly Engine[]): TypeError {
  const schemes = engines.map(({ scheme }) => scheme).join(", ");
  return new TypeError(
    `Cannot dial as no engine of the network has this scheme: current value is ${describe(address)}, ` +
      `the engines are for ${schemes}`,
  );
}

/**
 * Finds the other engines of a prefix: announces this one, and replies to those that announce themselves.
 *
 * It announces itself at once, whenever the connection was restored, and every 30 seconds, as an announcement may be
 * lost. The first two ask for replies, which go to the new one alone. What is sent and received:
 *
 *     u8 1 if replies are asked for, else 0; the id, 32 characters; the beacon
 *
 * Nothing of it is authenticated here: the beacon is the network's, which does that, and an id is only where to dial.
 */
import { describe } from "../base/describe.ts";
import { type HostTimer, startTimer, stopTimer } from "../host/timers.ts";
import { plainBytes } from "../io/net/datagram_socket.ts";
import type { NatsConnectionLike, NatsMessageLike, NatsSubscriptionLike } from "./connection.ts";
import { type ConnectionListener, watchConnection } from "./connection_watch.ts";
import { isId, type Subjects } from "./subjects.ts";

/** Seconds between two announcements. */
const PAUSE = 30;
/** The bytes that a beacon may have. */
const MAX_BEACON = 1024;
const ID_BYTES = 32;
const HEADER = 1 + ID_BYTES;

/** What is announced, and what is done with what others announce. */
export interface DiscoveryPlan {
  readonly connection: NatsConnectionLike;
  readonly subjects: Subjects;
  /** The id of this engine. */
  readonly id: string;
  /** The bytes of the network. */
  readonly beacon: Uint8Array;
  /** Called with what another engine has announced, each time it does. */
  found(address: string, beacon: Uint8Array): void;
}

/** See the head of this file. */
export class Discovery implements ConnectionListener {
  readonly #plan: DiscoveryPlan;
  readonly #subscriptions: readonly NatsSubscriptionLike[];
  readonly #unwatch: () => void;
  #timer!: HostTimer;
  #ended = false;

  /**
   * @throws {TypeError} If the beacon is no Uint8Array.
   * @throws {RangeError} If it is too long.
   */
  constructor(plan: DiscoveryPlan) {
    checkBeacon(plan.beacon);
    this.#plan = plan;
    const { connection, subjects, id } = plan;
    const options = { callback: (error: Error | null, message: NatsMessageLike) => this.#received(error, message) };
    this.#subscriptions = [subjects.discover, subjects.replies(id)].map((subject) =>
      connection.subscribe(subject, options)
    );
    this.#unwatch = watchConnection(connection, this);
    this.restored();
    this.#beat();
  }

  /** Ends it. Calling it again has no effect. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unwatch();
    stopTimer(this.#timer);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  restored(): void {
    this.#publish(this.#plan.subjects.discover, true);
  }

  closed(): void {
    this.end();
  }

  #beat(): void {
    this.#timer = startTimer(
      () => {
        this.#publish(this.#plan.subjects.discover, false);
        this.#beat();
      },
      PAUSE,
      false,
    );
  }

  #publish(subject: string, asksForReplies: boolean): void {
    const { connection, id, beacon } = this.#plan;
    const packet = new Uint8Array(HEADER + beacon.length);
    packet[0] = asksForReplies ? 1 : 0;
    new TextEncoder().encodeInto(id, packet.subarray(1));
    packet.set(beacon, HEADER);
    try {
      connection.publish(subject, packet);
    } catch {
      // The connection is about to be closed.
    }
  }

  #received(error: Error | null, message: NatsMessageLike): void {
    if (this.#ended || error !== null) return;
    const data = plainBytes(message.data);
    if (data.length < HEADER || data.length > HEADER + MAX_BEACON) return;
    const id = new TextDecoder().decode(data.subarray(1, HEADER));
    const { subjects, found } = this.#plan;
    if (!isId(id) || id === this.#plan.id) return;
    if (data[0] === 1) this.#publish(subjects.replies(id), false);
    found(subjects.address(id), data.slice(HEADER));
  }
}

function checkBeacon(beacon: unknown): void {
  if (!(beacon instanceof Uint8Array)) {
    throw new TypeError(`Cannot discover peers as 'beacon' must be a Uint8Array: current value is ${describe(beacon)}`);
  }
  if (beacon.length > MAX_BEACON) {
    throw new RangeError(
      `Cannot discover peers as a beacon has at most ${MAX_BEACON} bytes: current value has ${beacon.length}`,
    );
  }
}

/**
 * Finds other peers by UDP multicast: says again and again where this one is, and listens to the others.
 *
 * It says so at once, then after 1, 2, 4, ... seconds and at last every 30, and soon after it has heard a new peer, which
 * need not wait for it so. What it sends and receives is not authenticated here (`discovery_packet.ts`). It keeps no
 * process alive.
 */
import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import { addressOf, decodePacket, type DiscoveryPacket, encodePacket, SENDER_BYTES } from "./discovery_packet.ts";
import { type MulticastPlan, MulticastSocket } from "./multicast.ts";

/** Seconds between the first packet and the second; each time it is twice as long, up to the longest. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 30;
/** Seconds within which a new peer gets an answer. All that come in this time get one, so it bounds what is sent, too. */
const ANSWER_SECONDS = 0.2;
/** How many other peers are remembered, so as to tell which is new. */
const MAX_KNOWN = 1024;

/** What is announced, and what is done with what others announce. */
export interface DiscoveryPlan extends MulticastPlan {
  /** The host name of this peer; empty if the others are to use the address that its packets come from. */
  readonly hostname: string;
  /** The port of this peer. */
  readonly tcpPort: number;
  /** The bytes of the network. */
  readonly beacon: Uint8Array;
  /** Called with what another peer has announced, each time it does. */
  found(address: string, beacon: Uint8Array): void;
}

/** See the head of this file. */
export class Discovery {
  readonly #plan: DiscoveryPlan;
  readonly #sender = crypto.getRandomValues(new Uint8Array(SENDER_BYTES));
  readonly #packet: Uint8Array;
  #socket: MulticastSocket;
  #pause = FIRST_PAUSE;
  #timer: HostTimer | null = null;
  #answer: HostTimer | null = null;
  // The addresses and senders of packets that were received; the earliest first.
  readonly #known = new Set<string>();
  #ended = false;

  /** @throws {Error} As {@linkcode MulticastSocket}. */
  constructor(plan: DiscoveryPlan) {
    this.#plan = plan;
    const { hostname, tcpPort: port, beacon } = plan;
    this.#packet = encodePacket({ sender: this.#sender, hostname, port, beacon });
    this.#socket = this.#newSocket();
    this.#beat();
  }

  /** Ends it. Calling it again has no effect. */
  end(): void {
    this.#ended = true;
    this.#socket.close();
    for (const timer of [this.#timer, this.#answer]) if (timer !== null) stopTimer(timer);
  }

  #newSocket(): MulticastSocket {
    return new MulticastSocket(this.#plan, (bytes, source) => this.#received(bytes, source));
  }

  #beat(): void {
    this.#announce();
    this.#timer = startTimer(() => this.#beat(), this.#pause, false);
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
  }

  #announce(): void {
    try {
      if (this.#socket.closed) this.#socket = this.#newSocket();
    } catch {
      // Another program has taken the port meanwhile. The next beat tries again.
      return;
    }
    this.#socket.send(this.#packet);
  }

  #received(bytes: Uint8Array, source: string): void {
    const packet = this.#ended ? null : decodePacket(bytes);
    if (packet === null || this.#isOwn(packet)) return;
    const address = addressOf(packet, source);
    if (address === null) return;
    if (this.#isNew(`${address} ${packet.sender}`)) this.#answerSoon();
    this.#plan.found(address, packet.beacon);
  }

  #isOwn({ sender }: DiscoveryPacket): boolean {
    return sender.every((byte, i) => byte === this.#sender[i]);
  }

  #isNew(peer: string): boolean {
    if (this.#known.has(peer)) return false;
    this.#known.add(peer);
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    return true;
  }

  #answerSoon(): void {
    this.#answer ??= startTimer(
      () => {
        this.#answer = null;
        this.#announce();
      },
      Math.random() * ANSWER_SECONDS,
      false,
    );
  }
}

/**
 * Dialing: a request to the machine of a name, and its reply, each after a delay.
 *
 * As with TCP, a request or a reply that a partition drops is sent again, so a dial that waits when the partition is healed
 * succeeds. A machine that is frozen replies when it has thawed.
 */
import { TimeoutError } from "../../base/errors.ts";
import type { Link } from "../../distributed/engine.ts";
import type { WaitingFiber } from "../../fiber/context.ts";
import { PeerWait } from "../../fiber/peer_wait.ts";
import type { SimulatedEvent } from "./event_queue.ts";
import { LinkEnd, SimulatedLink } from "./link.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

// Seconds after which a request is sent again.
const RETRY_SECONDS = 1;

/** What is told of the outcome of a request. */
interface Requester {
  settle(link: Link): void;
  settleError(error: Error): void;
}

/** A request for a link. As an event, it arrives at the machine that is dialed. */
class Request implements SimulatedEvent {
  time = 0;
  tie = 0;
  readonly #world: World;
  readonly #requester: Requester;
  readonly #name: string;
  readonly #number: number;
  readonly #dialer: LinkEnd;
  #acceptor: LinkEnd | null = null;

  constructor(world: World, machine: Machine, name: string, requester: Requester) {
    this.#world = world;
    this.#name = name;
    this.#requester = requester;
    this.#number = world.nextLink();
    this.#dialer = new LinkEnd(world, machine, name, this.#number, "connecting");
    this.#dialer.onFailed = (reason) => requester.settleError(reason ?? this.#refused());
    world.note(`${this.#label} dials`);
    this.#send();
  }

  /** Its outcome is no longer wanted. */
  cancel(): void {
    this.#dialer.close();
  }

  happen(): void {
    if (this.#isOver) return;
    const machine = this.#world.machines.get(this.#name);
    if (machine?.holds(this)) return;
    const listener = machine?.listener ?? null;
    if (this.#acceptor !== null || listener === null) return this.#reply(this.#acceptor);
    this.#world.note(`${this.#label} is accepted`);
    this.#acceptor = new LinkEnd(this.#world, machine!, this.#dialer.machine.name, this.#number, "open");
    new SimulatedLink(this.#world, this.#dialer, this.#acceptor);
    this.#reply(this.#acceptor);
    listener(this.#acceptor);
  }

  #send(): void {
    if (this.#isOver) return;
    const { machine } = this.#dialer;
    if (!this.#isReachable) return this.#world.later(RETRY_SECONDS, machine, () => this.#send());
    this.#world.timeline.add(this, this.#world.now + this.#world.delay());
  }

  #reply(acceptor: LinkEnd | null): void {
    const { machine } = this.#dialer;
    if (!this.#isReachable) return this.#world.later(RETRY_SECONDS, machine, () => this.#send());
    this.#world.later(this.#world.delay(), machine, () => this.#replied(acceptor));
  }

  #replied(acceptor: LinkEnd | null): void {
    if (this.#isOver) return;
    this.#world.note(`${this.#label} is ${acceptor === null ? "refused" : "connected"}`);
    if (acceptor === null) return this.#requester.settleError(this.#refused());
    this.#dialer.connected();
    this.#requester.settle(this.#dialer);
  }

  get #isOver(): boolean {
    return this.#dialer.isClosed || this.#dialer.machine.hasCrashed;
  }

  get #isReachable(): boolean {
    return this.#world.partitions.connects(this.#dialer.machine.name, this.#name);
  }

  get #label(): string {
    return `${this.#dialer.machine.name} > ${this.#name} #${this.#number}`;
  }

  #refused(): Error {
    const error = new Error(`Cannot dial 'sim:${this.#name}' as nobody listens there: connection refused`);
    error.name = "ConnectionRefused";
    return error;
  }
}

/** Dials a machine. */
export class Dial extends PeerWait<Link> {
  readonly label = "dial";
  readonly #world: World;
  readonly #machine: Machine;
  readonly #name: string;
  #request: Request | null = null;

  /** @param name The name of the machine that is dialed. */
  constructor(world: World, machine: Machine, name: string, seconds: number) {
    super();
    this.#world = world;
    this.#machine = machine;
    this.#name = name;
    this.limit = seconds;
  }

  override get waitsFor(): string {
    return `a link to 'sim:${this.#name}'`;
  }

  override begin(fiber: WaitingFiber): boolean {
    if (this.limit <= 0) {
      this.timedOut();
      return true;
    }
    this.count(fiber);
    this.#request = new Request(this.#world, this.#machine, this.#name, this);
    return false;
  }

  override detach(): void {
    this.uncount();
    this.#request!.cancel();
  }

  override timedOut(): void {
    this.fail(new TimeoutError(`Cannot dial 'sim:${this.#name}' within ${this.limit} seconds`));
  }

  override reclaim(): void {
    (this.outcome as Link).close();
  }
}

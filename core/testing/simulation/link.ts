/**
 * A simulated link: two ends, and a lane in each direction.
 *
 *     connecting --connected()--> open --close(), or told of the end--> closed      the dialer's end
 *                                 open --close(), or told of the end--> closed      the acceptor's end
 *
 * It keeps order and cuts no frame. A frame is lost by chance, in a partition, in a link that was cut, and at an end that
 * was closed. As with TCP, the end of a link travels behind the frames, and an end that sends to a closed one is told of
 * it, unless a partition prevents that.
 */
import type { Link } from "../../distributed/engine.ts";
import { Lane, type LaneTarget, type Parcel } from "./lane.ts";
import type { Machine } from "./machine.ts";
import type { FaultyLink, World } from "./world.ts";

// The bytes of the longest frame: so few that larger messages are sent in parts.
const MAX_FRAME = 65_536;
// So many bytes are under way at the most. Those beyond count as queued.
const WINDOW = 1_048_576;
// After a cut, both ends see it within so many seconds.
const CUT_SECONDS = 0.2;

/** What the user of an end has given to `start()`. */
interface Callbacks {
  readonly frame: (bytes: Uint8Array) => void;
  readonly drained: () => void;
  readonly closed: (reason: Error | null) => void;
}

/** One end of a link. See the head of this file. */
export class LinkEnd implements Link, LaneTarget {
  readonly maxFrame = MAX_FRAME;
  readonly machine: Machine;
  /** Called if the link ends before it is connected. */
  onFailed: ((reason: Error | null) => void) | null = null;
  readonly #world: World;
  // The names of both machines and the number of the link, for the trace and for partitions.
  readonly #peerName: string;
  readonly #label: string;
  #state: "connecting" | "open" | "closed";
  #lane: Lane | null = null;
  #onClosed: (() => void) | null = null;
  #isCut = false;
  #callbacks: Callbacks | null = null;
  // What has arrived before `start()`.
  readonly #kept: Parcel[] = [];
  // More was written than may be under way, and `drained` has not been called since.
  #isFull = false;
  // The other end is told that this one is closed.
  #hasTold = false;

  constructor(world: World, machine: Machine, peerName: string, number: number, state: "connecting" | "open") {
    this.#world = world;
    this.machine = machine;
    this.#peerName = peerName;
    this.#label = `${machine.name} > ${peerName} #${number}`;
    this.#state = state;
  }

  /** Whether it was closed, by this side or another. */
  get isClosed(): boolean {
    return this.#state === "closed";
  }

  get queued(): number {
    return this.#lane === null || this.isClosed ? 0 : Math.max(0, this.#lane.underWay - WINDOW);
  }

  start(frame: Callbacks["frame"], drained: Callbacks["drained"], closed: Callbacks["closed"]): void {
    this.#callbacks = { frame, drained, closed };
    if (this.#kept.length > 0) this.#world.later(0, this.machine, () => this.#takeKept());
    this.#emptied();
  }

  write(frame: Uint8Array): void {
    if (this.#state !== "open") return;
    const loss = this.#lossOf();
    this.#world.note(`${this.#label} ${loss ?? "sends"}`, frame.length);
    if (loss !== null) return;
    this.#lane!.send(frame);
    if (this.queued > 0) this.#isFull = true;
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#world.note(`${this.#label} closes`);
    this.#shut();
    this.#tell(null);
  }

  // --- what the link does -------------------------------------------------------------------------------------

  /** The other end exists. `closed` is called when this one is closed. */
  join(other: LinkEnd, closed: () => void): void {
    this.#lane = new Lane(this.#world, other, () => this.#emptied());
    this.#onClosed = closed;
  }

  /** The dialer has been told that the link is open. */
  connected(): void {
    this.#state = "open";
  }

  /** Its machine has crashed. */
  reset(): void {
    this.shut();
    this.#tellOfReset();
  }

  /** Closes it, and tells nobody. */
  shut(): void {
    if (!this.isClosed) this.#shut();
  }

  /** Both ends see the end of the link a little later, and nothing passes any more. */
  cut(): void {
    this.#isCut = true;
    this.#lane!.clear();
    if (this.isClosed) return;
    const seconds = CUT_SECONDS * this.#world.random.fraction();
    this.#world.later(seconds, this.machine, () => this.#ended(this.#resetError()));
  }

  /** Something has arrived. */
  arrived(parcel: Parcel): void {
    if (this.#state === "closed") {
      if (parcel.frame !== null) this.#tellOfReset();
    } else if (this.#callbacks === null || this.#kept.length > 0) {
      this.#kept.push(parcel);
    } else {
      this.#take(parcel);
    }
  }

  #takeKept(): void {
    while (this.#kept.length > 0) {
      // What has arrived may freeze it.
      if (this.machine.isFrozen) return this.#world.later(0, this.machine, () => this.#takeKept());
      this.#take(this.#kept.shift()!);
    }
  }

  #take({ frame, reason }: Parcel): void {
    if (frame === null) return this.#ended(reason);
    this.#world.note(`${this.#label} gets`, frame.length);
    this.#callbacks!.frame(frame);
  }

  #ended(reason: Error | null): void {
    const wasConnecting = this.#state === "connecting";
    if (this.#state === "closed") return;
    this.#world.note(`${this.#label} is ${reason === null ? "closed" : "reset"}`);
    this.#shut();
    if (wasConnecting) this.onFailed?.(reason);
    else this.#callbacks?.closed(reason);
  }

  #emptied(): void {
    if (!this.#isFull || this.queued > 0 || this.#callbacks === null) return;
    this.#isFull = false;
    this.#world.later(this.#world.delay(), this.machine, () => {
      if (this.#state === "open") this.#callbacks!.drained();
    });
  }

  /** How a frame that is sent now is lost; `null` if it is not. */
  #lossOf(): string | null {
    if (this.#isCut) return "sends after the cut";
    if (!this.#reachesPeer) return "sends in a partition";
    return this.#world.loses() ? "loses" : null;
  }

  get #reachesPeer(): boolean {
    return this.#world.partitions.connects(this.machine.name, this.#peerName);
  }

  #shut(): void {
    this.#state = "closed";
    this.#kept.length = 0;
    this.#onClosed?.();
  }

  #tellOfReset(): void {
    if (!this.#hasTold) this.#tell(this.#resetError());
  }

  #tell(reason: Error | null): void {
    if (this.#lane === null || this.#isCut || !this.#reachesPeer) return;
    this.#hasTold = true;
    this.#lane.send(null, reason);
  }

  #resetError(): Error {
    const error = new Error(`The link ${this.#label} was reset`);
    error.name = "ConnectionReset";
    return error;
  }
}

/** The link between two ends, as faults see it. */
export class SimulatedLink implements FaultyLink {
  readonly #world: World;
  readonly #ends: readonly [LinkEnd, LinkEnd];

  constructor(world: World, dialer: LinkEnd, acceptor: LinkEnd) {
    this.#world = world;
    this.#ends = [dialer, acceptor];
    const closed = () => this.#endClosed();
    dialer.join(acceptor, closed);
    acceptor.join(dialer, closed);
    world.links.add(this);
  }

  isBetween(a: string, b: string): boolean {
    const [first, second] = this.#ends.map((end) => end.machine.name);
    return (first === a && second === b) || (first === b && second === a);
  }

  cut(): void {
    this.#world.links.delete(this);
    for (const end of this.#ends) end.cut();
  }

  machineCrashed(machine: Machine): void {
    for (const end of this.#ends) if (end.machine === machine) end.reset();
  }

  stop(): void {
    for (const end of this.#ends) end.shut();
  }

  #endClosed(): void {
    if (this.#ends.every((end) => end.isClosed)) this.#world.links.delete(this);
  }
}

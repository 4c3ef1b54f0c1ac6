import { Fifo } from "../../base/fifo.ts";
import type { SimulatedEvent } from "./event_queue.ts";
import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** What travels on a lane: a frame, or the end of the link. */
export interface Parcel {
  /** When it arrives, or later if something before it arrives later. */
  readonly due: number;
  /** The frame; `null` for the end. */
  readonly frame: Uint8Array | null;
  /** For the end: the error that the other side sees; `null` if the link was closed in order. */
  readonly reason: Error | null;
}

/** Where a lane leads. */
export interface LaneTarget {
  /** The machine there. */
  readonly machine: Machine;
  /** Something has arrived. */
  arrived(parcel: Parcel): void;
}

/**
 * One direction of a link. What is sent arrives in its order, each after a random delay or together with what was sent
 * before it. At a frozen machine it waits.
 */
export class Lane implements SimulatedEvent {
  time = 0;
  tie = 0;
  /** The bytes that have not arrived. */
  underWay = 0;
  readonly #world: World;
  readonly #target: LaneTarget;
  readonly #emptied: () => void;
  readonly #parcels = new Fifo<Parcel>();
  #isQueued = false;

  /** `emptied` is called when less is under way than before. */
  constructor(world: World, target: LaneTarget, emptied: () => void) {
    this.#world = world;
    this.#target = target;
    this.#emptied = emptied;
  }

  /** Sends a frame, or the end of the link. */
  send(frame: Uint8Array | null, reason: Error | null = null): void {
    const due = this.#world.now + this.#world.delay();
    this.#parcels.push({ due, frame, reason });
    if (frame !== null) this.underWay += frame.length;
    if (!this.#isQueued) this.#queue(due);
  }

  /** Loses everything that is under way. */
  clear(): void {
    while (this.#parcels.length > 0) this.#parcels.shift();
    this.underWay = 0;
  }

  happen(): void {
    const { machine } = this.#target;
    while (this.#parcels.length > 0 && this.#parcels.at(0).due <= this.#world.now) {
      // What has arrived may freeze it.
      if (machine.holds(this)) return;
      const parcel = this.#parcels.shift()!;
      if (parcel.frame !== null) this.underWay -= parcel.frame.length;
      this.#target.arrived(parcel);
    }
    this.#emptied();
    this.#isQueued = false;
    if (this.#parcels.length > 0) this.#queue(this.#parcels.at(0).due);
  }

  #queue(due: number): void {
    this.#isQueued = true;
    this.#world.timeline.add(this, due);
  }
}

import type { SimulatedEvent } from "./event_queue.ts";
import type { Machine } from "./machine.ts";
import { Partitions } from "./partitions.ts";
import { Randomness } from "./randomness.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";

/** A link, as faults see it. */
export interface FaultyLink {
  /** Whether its ends are machines of these names. */
  isBetween(a: string, b: string): boolean;
  /** Breaks it: both ends see it a little later. */
  cut(): void;
  /** Closes the end of a machine that has crashed. */
  machineCrashed(machine: Machine): void;
  /** Closes both ends, as the run is over: nobody is told. */
  stop(): void;
}

/** The conditions in a simulated network. */
export interface Conditions {
  /** Any number: everything random comes from it. */
  readonly seed: number;
  /** The least and the greatest number of seconds that something takes from one machine to another. */
  readonly delay: readonly [least: number, greatest: number];
  /** The probability that a frame is lost. */
  readonly loss: number;
  /** The virtual seconds after which a run fails. */
  readonly limit: number;
}

/** What all machines of a simulation share. */
export class World {
  readonly timeline: Timeline;
  readonly random: Randomness;
  readonly partitions: Partitions = new Partitions();
  readonly trace: Trace = new Trace();
  /** The machines that have not crashed, by their names. */
  readonly machines: Map<string, Machine> = new Map();
  /** The links of which an end is open. */
  readonly links: Set<FaultyLink> = new Set();
  readonly #conditions: Conditions;
  #linkCount = 0;

  /** `ended` is called when the run is over. */
  constructor(conditions: Conditions, ended: () => void) {
    this.#conditions = conditions;
    this.random = new Randomness(conditions.seed);
    const timelineRandom = new Randomness(this.random.seed());
    this.timeline = new Timeline(conditions.seed, conditions.limit, timelineRandom, ended);
  }

  /** The virtual time, in seconds. */
  get now(): number {
    return this.timeline.now();
  }

  /** Seconds until something arrives at another machine. */
  delay(): number {
    const [least, greatest] = this.#conditions.delay;
    return this.random.between(least, greatest);
  }

  /** Whether a frame is lost. */
  loses(): boolean {
    const { loss } = this.#conditions;
    return loss > 0 && this.random.chance(loss);
  }

  /** The number of a new link. */
  nextLink(): number {
    return ++this.#linkCount;
  }

  /** Adds a line to the trace. */
  note(what: string, bytes?: number): void {
    this.trace.add(this.now, what, bytes);
  }

  /** Does something after so many seconds, on a machine: later if it is frozen then, and never once it has crashed. */
  later(seconds: number, machine: Machine, act: () => void): void {
    const event: SimulatedEvent = {
      time: 0,
      tie: 0,
      happen: () => {
        if (!machine.hasCrashed && !machine.holds(event)) act();
      },
    };
    this.timeline.add(event, this.now + seconds);
  }
}

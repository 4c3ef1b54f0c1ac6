/** A server, as the client sees it. */
import type { Coro } from "../../coroutine/coro.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import type { Location } from "../../distributed/location.ts";
import type { RCI } from "../../distributed/rci/rci.ts";
import type { JobCall, ToServer } from "../protocol.ts";
import { Enabling } from "./enabling.ts";

/** Seconds without a report of its load after which a server counts as busy: it computes without giving way. */
const SILENT_SECONDS = 2.5;
/** How much a job that was begun after the last report of the load counts. */
const NEW_JOB = 0.1;
/** How much a job counts that was begun before, which may only wait: it decides between servers that are as busy. */
const OLD_JOB = 0.001;
/** A job is short if it takes fewer seconds: then the time between two jobs matters. */
const SHORT_SECONDS = 0.02;
/** How much the last job counts in the moving average. */
const WEIGHT = 0.2;

/** What a server needs to know of its node. */
export interface ServerHome {
  readonly location: Location;
  /** Whether jobs may be sent to its servers. */
  readonly takesJobs: boolean;
  /** Whether jobs may run there, now or later. */
  readonly hasFuture: boolean;
}

/** A job that was sent to a server. */
export interface Assigned {
  /** Its number there. */
  readonly id: number;
  /** Whether no other such job may run there meanwhile. */
  readonly isExclusive: boolean;
}

/** Where it stands. `starting`: it is being prepared. */
export type ServerState = "starting" | "ready" | "ignored" | "ended";

/** See the head of this file. */
export class ClusterServer<A extends Assigned = Assigned> extends Enabling {
  readonly location: Location;
  readonly node: ServerHome;
  readonly loop: CoroLoop;
  /** What a job may be restricted to, to run here. */
  readonly ids: readonly string[];
  state: ServerState = "starting";
  isSuspended = false;
  /** Whether it takes no more jobs, as it is to be replaced or about to end. */
  isEnding = false;
  /** What runs jobs there, once it was found. */
  jobs: RCI<[JobCall]> | null = null;
  /** The coroutine that is told what to do with them. */
  control: Coro | null = null;
  /** The exclusive jobs there: the first one runs, another one may wait. */
  readonly exclusive: A[] = [];
  /** The other jobs there. */
  readonly shared: Set<A> = new Set();
  /** How many jobs have ended there. */
  done = 0;
  #busy = 0;
  #reportedAt: number;
  #begunSince = 0;
  /** The moving average of the seconds that an exclusive job takes. */
  #average = Infinity;

  constructor(location: Location, node: ServerHome, loop: CoroLoop) {
    super();
    this.location = location;
    this.node = node;
    this.loop = loop;
    this.ids = [location.id, node.location.id];
    this.#reportedAt = loop.now();
  }

  /** Whether jobs may be sent there. */
  get isAvailable(): boolean {
    return this.state === "ready" && !this.isSuspended && !this.isEnding && this.node.takesJobs;
  }

  /** Whether jobs may run there, now or later. */
  get hasFuture(): boolean {
    return (this.state === "starting" || this.state === "ready") && !this.isEnding && this.node.hasFuture;
  }

  /** Whether the jobs there have been short so far. */
  get hasShortJobs(): boolean {
    return this.#average < SHORT_SECONDS;
  }

  /** How many jobs run there. */
  get running(): number {
    return this.exclusive.length + this.shared.size;
  }

  /** The part of the last second that it has computed. */
  get busy(): number {
    return this.loop.now() - this.#reportedAt > SILENT_SECONDS ? 1 : this.#busy;
  }

  /** By what servers are compared. */
  get load(): number {
    return this.busy + NEW_JOB * this.#begunSince + OLD_JOB * this.running;
  }

  /** It has reported how busy it is. */
  reported(busy: number): void {
    this.#busy = busy;
    this.#reportedAt = this.loop.now();
    this.#begunSince = 0;
  }

  /** A job is sent there. */
  add(attempt: A): void {
    this.#begunSince++;
    if (attempt.isExclusive) this.exclusive.push(attempt);
    else this.shared.add(attempt);
  }

  /** A job is there no longer. */
  remove(attempt: A): void {
    const index = this.exclusive.indexOf(attempt);
    if (index < 0) return void this.shared.delete(attempt);
    this.exclusive.splice(index, 1);
  }

  /** An exclusive job has taken so long there. */
  took(seconds: number): void {
    this.#average = this.#average === Infinity ? seconds : this.#average + WEIGHT * (seconds - this.#average);
  }

  /** Tells it something. */
  tell(message: ToServer): void {
    this.control?.send(message);
  }
}

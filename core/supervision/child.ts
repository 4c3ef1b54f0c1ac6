import type { Coro } from "../coroutine/coro.ts";
import { Origin } from "../coroutine/origin.ts";
import type { ChildSpec } from "./options.ts";

/** What a child of a supervisor does, or how it ended for good. */
export type ChildState = "running" | "restarting" | "returned" | "failed" | "stopped";

/** A child, as `supervisor.children()` lists it. */
export interface ChildInfo {
  /** Its name. */
  readonly name: string;
  /** The coroutine that runs now, or ran last. */
  readonly coro: Coro;
  /** How many times it was restarted. */
  readonly restarts: number;
  /**
   * `"running"`; `"restarting"`: it is to be started again; `"returned"`; `"failed"`; `"stopped"`: it was terminated, by
   * `stopChild`, by the supervisor, or by others.
   */
  readonly state: ChildState;
}

/** A child, across all its restarts. */
export class Child {
  readonly spec: ChildSpec;
  /** Children are listed and started in the order of these. */
  readonly index: number;
  /** The origin of the code that asked for it. Its coroutines keep it each time that they are started. */
  readonly origin: Origin = new Origin();
  /** Whether the supervisor was made with it. */
  readonly initial: boolean;
  coro: Coro | null = null;
  /** It was started, and the supervisor does not know of its end. */
  up = false;
  /** It is to be started again. */
  restarting = false;
  /** When to start it, by the scheduler's clock, while it is due. */
  startAt = 0;
  /** It was stopped by `stopChild` and is never started again. */
  stopped = false;
  /** How it ended last. */
  end: ChildState = "stopped";
  /** Why it is restarted: an error, or `undefined` if none of the children failed. */
  cause: unknown = undefined;
  restarts = 0;
  /** Number of ends that the supervisor knows of and whose exit messages it has not received yet. */
  expectedMessages = 0;
  result: unknown = undefined;

  constructor(spec: ChildSpec, index: number, initial: boolean) {
    this.spec = spec;
    this.index = index;
    this.initial = initial;
  }

  get name(): string {
    return this.spec.name ?? this.coro?.name ?? this.spec.target.name;
  }

  get state(): ChildState {
    if (this.restarting) return "restarting";
    if (this.#justStopped) return "stopped";
    // A supervisor that was terminated before its first step could not wait for the cleanup of its children.
    return this.up || this.coro?.isAlive() ? "running" : this.end;
  }

  /** Whether it runs, or will run again. */
  get goesOn(): boolean {
    return (this.up && !this.#justStopped) || this.restarting;
  }

  /** It was stopped and has ended, and the supervisor does not know yet. */
  get #justStopped(): boolean {
    return this.up && this.stopped && !this.coro!.isAlive();
  }

  toString(): string {
    return String(this.coro ?? this.name);
  }
}

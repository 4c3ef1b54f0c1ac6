import type { Link } from "../../distributed/engine.ts";
import type { Scheduler } from "../../coroutine/scheduler.ts";
import type { SimulatedEvent } from "./event_queue.ts";
import type { Randomness } from "./randomness.ts";
import type { SimulatedDriver } from "./simulated_driver.ts";
import type { Timeline } from "./timeline.ts";

/** What has a name in a simulation and may crash or freeze: a scheduler and an engine. */
export class Machine {
  /** Its name. After a crash another machine may have it. */
  readonly name: string;
  /** Its random numbers. */
  readonly random: Randomness;
  /** Called with links that others dial; `null` while it does not listen. */
  listener: ((link: Link) => void) | null = null;
  readonly #timeline: Timeline;
  #scheduler: Scheduler | null = null;
  #hasCrashed = false;
  #frozenUntil = -1;
  // What has happened to it while it was frozen.
  readonly #held: SimulatedEvent[] = [];

  constructor(name: string, random: Randomness, timeline: Timeline) {
    this.name = name;
    this.random = random;
    this.#timeline = timeline;
  }

  /** Whether it has crashed. */
  get hasCrashed(): boolean {
    return this.#hasCrashed;
  }

  /** Whether it does nothing now. */
  get isFrozen(): boolean {
    return this.#frozenUntil >= 0;
  }

  /** Its scheduler, if it has one. */
  get scheduler(): Scheduler | null {
    return this.#scheduler;
  }

  /** Gives it a scheduler, which has the timeline for its clock. */
  start(scheduler: Scheduler): void {
    this.#scheduler = scheduler;
    if (this.isFrozen) this.#driver?.pause();
  }

  /** Keeps an event until it thaws, and returns `true`; `false` if it is not frozen. */
  holds(event: SimulatedEvent): boolean {
    if (!this.isFrozen || this.#hasCrashed) return false;
    this.#held.push(event);
    return true;
  }

  /** Makes it do nothing for so many seconds. `thawed` is called when it goes on. */
  freeze(seconds: number, thawed: () => void): void {
    const until = this.#timeline.now() + seconds;
    const wasFrozen = this.isFrozen;
    this.#frozenUntil = Math.max(this.#frozenUntil, until);
    if (wasFrozen) return;
    this.#driver?.pause();
    const thaw = {
      time: 0,
      tie: 0,
      happen: (): void => {
        if (this.#hasCrashed) return;
        if (this.#timeline.now() < this.#frozenUntil) return this.#timeline.add(thaw, this.#frozenUntil);
        thawed();
        this.#thaw();
      },
    };
    this.#timeline.add(thaw, this.#frozenUntil);
  }

  #thaw(): void {
    this.#frozenUntil = -1;
    this.#driver?.resume();
    // At the same time, so that the seed decides between them and the timers that are due.
    for (const event of this.#held.splice(0)) this.#timeline.add(event, this.#timeline.now());
  }

  /** Ends it, as a process that is killed. `resetLinks` is called before anything else can use them. */
  crash(reason: Error, resetLinks: () => void): void {
    this.#hasCrashed = true;
    this.#held.length = 0;
    resetLinks();
    this.stop(reason);
  }

  /** Ends its scheduler without cleanup. */
  stop(reason: Error): void {
    this.listener = null;
    this.#driver?.kill(reason);
  }

  get #driver(): SimulatedDriver | null {
    return this.#scheduler === null ? null : this.#scheduler.loop.driver as SimulatedDriver;
  }
}

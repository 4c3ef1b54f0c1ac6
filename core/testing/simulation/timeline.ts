/**
 * The virtual time of a simulation, and the one loop that runs everything in it.
 *
 *     settle: run the schedulers that are ready, let promises settle, until nothing is ready
 *     advance: let the next thing happen, an event or the timers of a scheduler; jump to its time first
 *
 * Only one thing happens between two rounds of settling, and the seed decides between things of the same time. Time moves
 * only between `run()` and its end; coroutines run before that, too.
 *
 * - Settling takes microtasks, as they cost a tenth of a macrotask. It takes a macrotask if code outside coroutines waits
 *   for one, or a coroutine for a promise: their reactions come first, however long the chain of promises is.
 * - Time stands still for real promises and host operations, but only for a while. The wait for another peer is none of
 *   these, see `fiber/peer_wait.ts`.
 */
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import { stuckCoros } from "../../coroutine/deadlock.ts";
import { DeadlockError } from "../../coroutine/errors.ts";
import { withinContext } from "../../host/async_context.ts";
import type { Clock } from "../../host/clock.ts";
import { macrotask } from "../../host/macrotask.ts";
import { type HostTimer, startTimer, stopTimer } from "../../host/timers.ts";
import { EventQueue, type SimulatedEvent } from "./event_queue.ts";
import type { Randomness } from "./randomness.ts";
import { type DriverOwner, SimulatedDriver } from "./simulated_driver.ts";

// How many reactions to each other's promises run before time moves, where nobody is known to wait for a promise.
const MICROTASKS = 3;
// After so many rounds the host has a turn, so that its own timers and events are not starved.
const ROUNDS_TO_HOST_TURN = 500;
// Seconds of real time that virtual time waits for what coroutines await of the host, since the last of them began.
const PATIENCE = 0.01;
// The same if one of them is a disk, whose answer is certain: on a busy machine it may take a while.
const DISK_PATIENCE = 30;
// How many coroutines an error lists.
const MAX_LISTED = 20;

// Awaiting it takes one microtask.
const settled = Promise.resolve();

/** See the head of this file. */
export class Timeline implements Clock, DriverOwner {
  readonly #seed: number;
  readonly #limit: number;
  readonly #random: Randomness;
  readonly #ended: () => void;
  readonly #events = new EventQueue();
  readonly #drivers: SimulatedDriver[] = [];
  readonly #ready: SimulatedDriver[] = [];
  readonly #result: Promise<void>;
  #settleResult!: { resolve: () => void; reject: (error: unknown) => void };
  #now = 0;
  #phase: "before run" | "running" | "over" = "before run";
  #isWorking = false;
  // Continues the loop, which waits until something happens that it does not cause.
  #unpark: (() => void) | null = null;
  #rounds = 0;
  #isHostDue = false;
  // All coroutines have ended. What awaits that outside may still create others.
  #isEnding = false;
  // So many operations of the host have been waited for in vain.
  #overdue = 0;
  #patience: HostTimer | null = null;

  /** `ended` is called when the run is over, before its promise is settled. */
  constructor(seed: number, limit: number, random: Randomness, ended: () => void) {
    this.#seed = seed;
    this.#limit = limit;
    this.#random = random;
    this.#ended = ended;
    this.#result = new Promise((resolve, reject) => this.#settleResult = { resolve, reject });
  }

  /** The virtual time, in seconds. */
  now(): number {
    return this.#now;
  }

  /** Whether the run has ended. */
  get isOver(): boolean {
    return this.#phase === "over";
  }

  /** Makes the driver of a scheduler. */
  driver(loop: CoroLoop): SimulatedDriver {
    const driver = new SimulatedDriver(loop, this);
    this.#drivers.push(driver);
    return driver;
  }

  /** Adds an event, at a time that has not passed. */
  add(event: SimulatedEvent, time: number): void {
    if (this.isOver) return;
    this.#events.add(event, time, this.#random.fraction());
    this.#stir();
  }

  /** Lets time run until all coroutines but daemons have ended. Calling it again returns the same promise. */
  run(): Promise<void> {
    if (this.#phase === "before run") {
      this.#phase = "running";
      this.#stir();
    }
    return this.#result;
  }

  driverReady(driver: SimulatedDriver): void {
    this.#ready.push(driver);
    this.#stir();
  }

  deadlineChanged(): void {
    this.#stir();
  }

  driverStopped(driver: SimulatedDriver): void {
    const at = this.#drivers.indexOf(driver);
    if (at >= 0) this.#drivers.splice(at, 1);
    // If nothing is left, the run has to notice it.
    this.#stir();
  }

  // --- the loop -----------------------------------------------------------------------------------------------

  #stir(): void {
    const unpark = this.#unpark;
    if (unpark !== null) {
      this.#unpark = null;
      unpark();
    } else if (!this.#isWorking) {
      this.#isWorking = true;
      // Outside any context of the host: coroutines have their own, and the loop must not retain that of its first caller.
      withinContext(undefined, () => void this.#work());
    }
  }

  async #work(): Promise<void> {
    // Not within the call that stirred it.
    await settled;
    try {
      while (this.#phase !== "over") {
        await this.#settle();
        if (!this.#advance()) await this.#park();
      }
    } catch (error) {
      this.#end(error);
    }
  }

  async #settle(): Promise<void> {
    do {
      const isAwaited = this.#drivers.some((driver) => driver.loop.awaited || driver.hostWaits > 0);
      const isBusy = this.#runReady();
      if (isBusy || isAwaited || this.#isHostDue || ++this.#rounds >= ROUNDS_TO_HOST_TURN) {
        this.#rounds = 0;
        this.#isHostDue = false;
        await new Promise<void>((resolve) => macrotask(resolve));
      } else {
        for (let i = 0; i < MICROTASKS && this.#ready.length === 0; i++) await settled;
      }
    } while (this.#ready.length > 0);
  }

  /** Runs slices until nothing is ready. Returns early, with `true`, if one has not run everything that was ready. */
  #runReady(): boolean {
    const ready = this.#ready;
    while (ready.length > 0) {
      const at = ready.length === 1 ? 0 : this.#random.below(ready.length);
      const driver = ready[at];
      ready[at] = ready[ready.length - 1];
      ready.pop();
      if (driver.runSlice(this.#now)) return true;
    }
    return false;
  }

  /** Nothing is ready: lets the next thing happen. Returns `false` if there is nothing to do until something stirs. */
  #advance(): boolean {
    const running = this.#phase === "running";
    if (running && this.#hasEnded()) return true;
    const event = running ? this.#events.earliest : Infinity;
    const timers = this.#earliestDeadline();
    const next = Math.min(event, timers);
    if (next > this.#now) {
      if (!running || this.#waitsForHost()) return false;
      if (next === Infinity) return this.#ranDry();
      if (next > this.#limit) throw this.#tooLate();
      this.#now = next;
    }
    if (event <= this.#now && (timers > this.#now || this.#random.chance(0.5))) this.#events.take().happen();
    else this.#wakeDue();
    return true;
  }

  #earliestDeadline(): number {
    let earliest = Infinity;
    for (const { deadline } of this.#drivers) if (deadline < earliest) earliest = deadline;
    return earliest;
  }

  #wakeDue(): void {
    for (const driver of this.#drivers) if (driver.deadline <= this.#now) driver.wake();
  }

  /** Waits until something happens outside the loop. */
  async #park(): Promise<void> {
    await new Promise<void>((resolve) => this.#unpark = resolve);
    if (this.#patience !== null) stopTimer(this.#patience);
    this.#patience = null;
  }

  // --- operations of the host ---------------------------------------------------------------------------------

  /** Whether time is to stand still in favour of the host. */
  #waitsForHost(): boolean {
    const waits = this.#countHostWaits();
    this.#overdue = Math.min(this.#overdue, waits);
    if (waits === this.#overdue) return false;
    this.#patience = startTimer(
      () => {
        this.#overdue = this.#countHostWaits();
        this.#stir();
      },
      this.#drivers.some((driver) => driver.awaitsDisk) ? DISK_PATIENCE : PATIENCE,
      true,
    );
    return true;
  }

  #countHostWaits(): number {
    let waits = 0;
    for (const driver of this.#drivers) waits += driver.hostWaits;
    return waits;
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** Whether all coroutines but daemons have ended. Then it ends the run, after the host had a turn. */
  #hasEnded(): boolean {
    if (this.#drivers.some((driver) => driver.loop.unfinished)) return this.#isEnding = false;
    if (this.#isEnding) this.#end(null);
    this.#isEnding = this.#isHostDue = true;
    return true;
  }

  /** Nothing can happen any more, unless code outside does something. Returns `false` if it may. */
  #ranDry(): boolean {
    const loops = this.#drivers.map((driver) => driver.loop);
    if (this.#overdue > 0) return false;
    if (loops.some((loop) => loop.ranDry(false))) return true;
    if (loops.some((loop) => loop.abortable > 0)) return false;
    throw new DeadlockError(
      `Deadlock at ${this.#now} s of the simulation with seed ${this.#seed}: ` +
        "coroutines wait, and nothing is under way that could wake them",
      stuckCoros(...loops).error.waiting,
    );
  }

  #tooLate(): Error {
    this.#now = this.#limit;
    const left = this.#drivers.flatMap(({ loop }) => loop.coros().filter((coro) => !coro.daemon));
    const lines = left.slice(0, MAX_LISTED).map((coro) =>
      `\n  ${coro} of '${coro.scheduler}' waits for ${coro.wait?.waitsFor ?? "its turn"}`
    );
    if (left.length > MAX_LISTED) lines.push(`\n  and ${left.length - MAX_LISTED} more`);
    return new Error(
      `Cannot finish the simulation with seed ${this.#seed} within ${this.#limit} virtual seconds ` +
        `as coroutines have not ended:${lines.join("")}`,
    );
  }

  #end(error: unknown): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#events.clear();
    this.#ended();
    if (error === null) this.#settleResult.resolve();
    else this.#settleResult.reject(error);
  }
}

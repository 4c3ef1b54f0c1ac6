/**
 * The run loop of an event loop. It counts iterations, as asyncio does: everything that is ready when an iteration
 * begins runs in it, and whatever becomes ready meanwhile runs in the next one. `stop()` takes effect at the end of an
 * iteration.
 *
 * The end of an iteration is an entry in the ready queue like any other, which goes to the end of the queue whenever
 * its turn comes. It leaves the queue when nothing else is ready, and is queued again, behind everything that is due,
 * before anything else runs.
 */
import type { Clock } from "../../host/clock.ts";
import { mustBeObject } from "../../base/options.ts";
import { CoroLoop } from "../../coroutine/coro_loop.ts";
import { stuckCoros } from "../../coroutine/deadlock.ts";
import { setWatching } from "../../fiber/misuse.ts";
import { Schedulable } from "../../fiber/schedulable.ts";
import { HostDriver } from "../../host/host_driver.ts";
import { LoopDriver } from "./loop_driver.ts";
import { LOOP_LEVEL, type LoopServices, type TimedCallback } from "./loop_services.ts";

/** Options of an event loop. */
export interface EventLoopOptions {
  /** Its name in messages; "event loop" by default. */
  readonly name?: string;
  /** Where it reads the time: the host's monotonic clock by default, or a `VirtualClock`. */
  readonly clock?: Clock;
  /** A seed: what is ready together runs in an order that it decides, always the same for one seed. */
  readonly shuffle?: number;
  /** Whether debug mode is on at first, see `setDebug`. */
  readonly debug?: boolean;
}

/** The entry of the ready queue that ends an iteration. */
class IterationEnd extends Schedulable {
  declare loop: IterationLoop;

  constructor(loop: IterationLoop) {
    super(loop, LOOP_LEVEL);
    loop.allocateSlot(this);
  }

  override run(): void {
    const { loop } = this;
    if (loop.stopIfRequested()) return;
    if (loop.queueOverdue() || !loop.endIteration()) loop.yieldTurn(this);
  }
}

/** @internal See the head of this file. */
export class IterationLoop<L extends LoopServices = LoopServices> extends CoroLoop {
  /** The event loop that it belongs to. */
  readonly eventLoop: L;
  declare driver: LoopDriver;
  readonly #iterationEnd = new IterationEnd(this);
  // Callbacks whose deadline had passed when they were registered: queued at the end of the iteration, as the last.
  #overdue: TimedCallback[] = [];
  #stopRequested = false;
  // The step at which the last iteration ended.
  #lastEnd = 0;

  constructor(eventLoop: L, options: EventLoopOptions) {
    super({
      ...mustBeObject(options, "make an event loop"),
      driver: (loop) => new LoopDriver(loop, (inner) => options.clock?.driver?.(inner) ?? new HostDriver(inner)),
    });
    this.eventLoop = eventLoop;
  }

  /** Whether it runs. */
  get running(): boolean {
    return this.driver.running;
  }

  /** Lets it run until it is stopped. */
  start(): void {
    this.driver.start();
    this.aliveChanged();
  }

  /** Stops it at the end of the iteration that runs, or else of the next one. */
  stopAfterIteration(): void {
    this.#stopRequested = true;
    // In a slice, the end of the iteration may not be queued, and there may be no other slice.
    if (this.busy) this.makeReady(this.#iterationEnd);
    else this.driver.wake();
  }

  /** Has a callback whose deadline has passed called in the next iteration; returns `false` if none runs now. */
  callNext(callback: TimedCallback): boolean {
    // Outside an iteration, the kernel orders it among the others that are due.
    if (!this.busy) return false;
    this.#overdue.push(callback);
    return true;
  }

  #takeOverdue(): TimedCallback[] {
    const overdue = this.#overdue;
    this.#overdue = [];
    return overdue.sort((a, b) => a.when() - b.when());
  }

  /** At the end of an iteration: queues the overdue callbacks for the next one. Returns whether there were any. */
  queueOverdue(): boolean {
    if (this.#overdue.length === 0) return false;
    for (const callback of this.#takeOverdue()) this.eventLoop.enqueue(callback);
    return true;
  }

  /** At the end of an iteration: notes it, and returns whether nothing ran in it and nothing is ready. */
  endIteration(): boolean {
    const idle = this.switches === this.#lastEnd + 1;
    this.#lastEnd = this.switches;
    return idle && this.readyCount === 0;
  }

  /** At the end of an iteration: stops if that was requested, and returns whether it was. */
  stopIfRequested(): boolean {
    if (!this.#stopRequested) return false;
    for (const callback of this.#takeOverdue()) this.eventLoop.arm(callback);
    this.stopSlice();
    this.#pause();
    this.eventLoop.runEnded(null);
    return true;
  }

  #pause(): void {
    this.#stopRequested = false;
    this.driver.pause();
    // While the loop is stopped, what its tasks wait for in the host does not keep the process alive.
    for (const coro of this.coros()) coro.wait?.waiterChanged();
    this.aliveChanged();
  }

  protected override startOfTurns(now: number): void {
    if (this.#iterationEnd.ready) return;
    while (this.nextDeadline() <= now) this.kernel.exports.expire(now);
    this.makeReady(this.#iterationEnd);
  }

  override keepsAlive(): boolean {
    return this.running;
  }

  /** Nothing can become ready any more, in the loop or outside: the run ends with an error. */
  override ranDry(_ending: boolean): boolean {
    const { error } = stuckCoros(this);
    this.#pause();
    this.eventLoop.runEnded(error);
    return true;
  }

  protected override abandon(reason: Error): void {
    super.abandon(reason);
    this.#pause();
    this.eventLoop.runEnded(reason);
  }

  /** Always fails: its end is that of the event loop. */
  override terminate(): never {
    throw new Error("Cannot terminate the scheduler of an event loop: cancel its tasks, and call close() of the loop");
  }

  /** Frees what it holds; it never runs again. */
  dispose(): void {
    for (const coro of this.coros()) coro.wait?.cancel();
    this.driver.stop();
    this.freeSlot(this.#iterationEnd);
    this.closeKernel();
    setWatching(this, false);
  }
}

/**
 * The scheduler of an event loop. It counts iterations, as asyncio does: all that is ready when an iteration begins
 * runs in it, and what becomes ready meanwhile runs in the next one. `stop()` takes effect at the end of an iteration.
 *
 * The end of an iteration is an entry in the ready queue like any other, which goes to the end of the queue whenever
 * its turn comes. It rests when nothing else is ready, and is queued again, behind all that is due, before
 * anything else runs.
 */
import type { Clock } from "../../host/clock.ts";
import { stuckCoros } from "../../coroutine/deadlock.ts";
import { Schedulable } from "../../fiber/schedulable.ts";
import { Scheduler } from "../../coroutine/scheduler.ts";
import { HostDriver } from "../../host/host_driver.ts";
import type { EventLoop } from "./event_loop.ts";
import type { TimerHandle } from "./handle.ts";
import { LoopDriver } from "./loop_driver.ts";

// That of whatever has no priority of its own.
const LEVEL = 4;

/** Options of an event loop. */
export interface EventLoopOptions {
  /** For messages. */
  readonly name?: string;
  /** Where it reads the time: the host's monotonic clock by default, or a `VirtualClock`. */
  readonly clock?: Clock;
  /** A seed: what is ready together runs in an order that it decides, always the same for one seed. */
  readonly shuffle?: number;
  /** Whether debug mode is on at first, see `setDebug`. */
  readonly debug?: boolean;
}

/** The end of an iteration. */
class IterationEnd extends Schedulable {
  readonly #scheduler: LoopScheduler;

  constructor(scheduler: LoopScheduler) {
    super(scheduler, LEVEL);
    this.#scheduler = scheduler;
    scheduler.allocateSlot(this);
  }

  override run(): void {
    const scheduler = this.#scheduler;
    if (!scheduler.stopsHere() && (scheduler.callOverdue() || !scheduler.rests())) scheduler.yieldTurn(this);
  }
}

/** @internal See the head of this file. */
export class LoopScheduler extends Scheduler {
  /** Whose scheduler it is. */
  readonly eventLoop: EventLoop;
  declare driver: LoopDriver;
  readonly #iterationEnd = new IterationEnd(this);
  // Callbacks that were due when they were asked for: ready at the end of the iteration, behind all else that is.
  #overdue: TimerHandle[] = [];
  #stopping = false;
  // The step that was the end of the last iteration.
  #lastEnd = 0;

  constructor(eventLoop: EventLoop, options: EventLoopOptions) {
    super({
      name: "event loop",
      ...options,
      driver: (scheduler) => new LoopDriver(scheduler, (loop) => options.clock?.driver?.(loop) ?? new HostDriver(loop)),
    });
    this.eventLoop = eventLoop;
  }

  /** Whether it moves. */
  get running(): boolean {
    return this.driver.running;
  }

  /** Lets it move until `stop()`. */
  start(): void {
    this.driver.start();
    this.aliveChanged();
  }

  /** Lets it stand still from the end of the iteration that runs, or else of the next one. */
  stopAfterIteration(): void {
    this.#stopping = true;
    // In a slice, the end of the iteration may rest, and no other slice may follow.
    if (this.busy) this.makeReady(this.#iterationEnd);
    else this.driver.wake();
  }

  /** Calls what is due already in the next iteration; answers `false` if none runs. */
  callNext(handle: TimerHandle): boolean {
    // Then the kernel puts it in its place among others that are due.
    if (!this.busy) return false;
    this.#overdue.push(handle);
    return true;
  }

  #takeOverdue(): TimerHandle[] {
    const overdue = this.#overdue;
    this.#overdue = [];
    return overdue.sort((a, b) => a.when() - b.when());
  }

  /** The iteration has ended and another follows: calls what was due when it was asked for. Answers whether anything was. */
  callOverdue(): boolean {
    if (this.#overdue.length === 0) return false;
    for (const handle of this.#takeOverdue()) this.eventLoop.enqueue(handle);
    return true;
  }

  /** The iteration has ended: whether nothing ran in it and nothing is ready. */
  rests(): boolean {
    const idle = this.switches === this.#lastEnd + 1;
    this.#lastEnd = this.switches;
    return idle && this.readyCount === 0;
  }

  /** The iteration has ended: whether it is to stand still; if so, it does from now on. */
  stopsHere(): boolean {
    if (!this.#stopping) return false;
    for (const handle of this.#takeOverdue()) this.eventLoop.arm(handle);
    this.stopSlice();
    this.#standStill();
    this.eventLoop.ended(null);
    return true;
  }

  #standStill(): void {
    this.#stopping = false;
    this.driver.pause();
    // What its tasks wait for in the host is no reason to go on, as long as the loop does not.
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

  /** Nothing in or outside the loop can happen any more: whoever waits for it to end is told. */
  override ranDry(_ending: boolean): boolean {
    const { error } = stuckCoros(this);
    this.#standStill();
    this.eventLoop.ended(error);
    return true;
  }

  protected override abandon(reason: Error): void {
    super.abandon(reason);
    this.#standStill();
    this.eventLoop.ended(reason);
  }

  /** Always fails: its end is the loop's. */
  override terminate(): never {
    throw new Error("Cannot terminate the scheduler of an event loop: cancel its tasks, and call close() of the loop");
  }

  /** It never moves again. */
  dispose(): void {
    for (const coro of this.coros()) coro.wait?.cancel();
    this.driver.stop();
    this.freeSlot(this.#iterationEnd);
    this.closeKernel();
  }
}

/**
 * The run loop of coroutines: what a scheduler is inside.
 *
 * It adds to the run loop of fibers what needs to know coroutines: it counts them and keeps the process alive for them,
 * reports their errors, finds deadlocks among them, and ends them. `Scheduler` is its public face. The rooms above reach
 * it as `loop` of a coroutine or of a scheduler.
 */
import type { Fiber } from "../fiber/fiber.ts";
import type { AliveListeners } from "./alive_listeners.ts";
import { reportForgotten, setWatching } from "../fiber/misuse.ts";
import { SPENT } from "../fiber/operation.ts";
import { RunLoop } from "../fiber/run_loop.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import { seededRandom, shuffler } from "../fiber/shuffle.ts";
import { hostClock } from "../host/clock.ts";
import { HostDriver } from "../host/host_driver.ts";
import { Coro } from "./coro.ts";
import { runningCoro } from "./coro_of.ts";
import { type Deadlock, DeadlockSearch, failWaits, stuckCoros } from "./deadlock.ts";
import { ExitFunctions } from "./exit_functions.ts";
import type { OwnNames } from "./names.ts";
import { reportError } from "./report_error.ts";
import type { Scheduler, SchedulerOptions, SchedulerStats } from "./scheduler.ts";
import { Shutdown } from "./shutdown.ts";
import type { SpawnRequest } from "./spawn_options.ts";
import { recordSpawnSite } from "./spawn_site.ts";
import { reportFailure, UnhandledFailures } from "./unhandled_failures.ts";

const enum Phase {
  OPEN,
  TERMINATING,
  CLOSED,
}

/** @internal See the head of this file. */
export class CoroLoop extends RunLoop {
  /** Its public face. Set by the constructor of that. */
  declare scheduler: Scheduler;
  /** Set by `main`: called when an unhandled error is printed. */
  onErrorPrinted: (() => void) | null = null;
  /** See `setWatching`. */
  watching = false;
  /** A random number from 0 (included) to 1 (excluded); by the seed of `shuffle`, if it has one. */
  random: () => number = Math.random;
  /** Its own names, if it has joined a network. */
  names: OwnNames | null = null;
  /** The functions that run when the scheduler ends. */
  readonly exitFunctions: ExitFunctions = new ExitFunctions();
  /** For a new coroutine on it with default options. */
  readonly defaultSpawn: SpawnRequest = { loop: this, options: null };
  /** What is told whether it keeps the process alive; `null` if nothing is: most schedulers have none. */
  aliveListeners: AliveListeners | null = null;
  readonly #failures: UnhandledFailures = new UnhandledFailures();
  readonly #deadlocks: DeadlockSearch = new DeadlockSearch(this);
  readonly #shutdown: Shutdown = new Shutdown();
  // The promises of `join()` that wait.
  readonly #joins: { resolve(): void; reject(error: unknown): void }[] = [];
  // Coroutines that have not ended; of these, daemons; and promises of `value()` that wait.
  #live = 0;
  #daemons = 0;
  #externalWaiters = 0;
  #debug = false;
  #precise = false;
  #phase: Phase = Phase.OPEN;
  #spawned = 0;
  #termination: Promise<void> | null = null;
  #deadlockReported = false;
  // The number of switches when the clock was last read for `uptime()`. The constructor reads it first.
  #readAt = 0;

  /** Throws a `TypeError` if `shuffle` is not a number. */
  constructor(options: SchedulerOptions) {
    const clock = options.clock ?? hostClock;
    super(clock);
    this.#precise = Boolean(options.precise);
    if (options.shuffle !== undefined) {
      this.shuffle = shuffler(options.shuffle);
      this.random = seededRandom(options.shuffle);
    }
    this.driver = options.driver?.(this) ?? clock.driver?.(this) ?? new HostDriver(this);
    // The last, as a scheduler that cannot be made never ends.
    this.debug = options.debug ?? false;
  }

  /** See `Scheduler.debug`. */
  get debug(): boolean {
    return this.#debug;
  }

  set debug(enabled: boolean) {
    this.#debug = Boolean(enabled);
    setWatching(this, this.#debug && !this.closed);
  }

  /** See `Scheduler.precise`. */
  get precise(): boolean {
    return this.#precise;
  }

  set precise(enabled: boolean) {
    this.#precise = Boolean(enabled);
    if (!this.busy) this.driver.update();
  }

  /** Whether `terminate()` has not been called. */
  get open(): boolean {
    return this.#phase === Phase.OPEN;
  }

  // --- coroutines ---------------------------------------------------------------------------------------------

  /** The coroutines that have not ended, in the order of their creation. */
  coros(): Coro[] {
    return this.slots.table.filter((entity) => entity instanceof Coro).sort((a, b) => a.id - b.id);
  }

  /** The id of a new coroutine. */
  nextId(): number {
    return ++this.#spawned;
  }

  /** Milliseconds since it was created, not rounded up. */
  uptime(): number {
    return this.busy ? this.elapsed : this.#uptimeBetweenSlices();
  }

  // Between slices nothing else reads the clock; one reading serves all coroutines created in a row.
  #uptimeBetweenSlices(): number {
    if (this.#readAt !== this.switches) {
      this.#readAt = this.switches;
      this.setReading(this.clock.now());
    }
    return this.elapsed;
  }

  /** Makes a new or restarted coroutine ready. Throws, with nothing changed, if there is no room for it. */
  register(coro: Coro): void {
    if (this.#phase === Phase.CLOSED) {
      throw new Error(
        `Cannot create a coroutine as scheduler '${this.scheduler}' has been terminated: ` +
          "Scheduler.instance() gives a new one",
      );
    }
    this.allocateSlot(coro);
    if (this.#debug) recordSpawnSite(coro);
    this.#live++;
    if (coro.daemon) this.#daemons++;
    this.aliveChanged();
    this.enqueue(coro);
  }

  /** A coroutine has ended. */
  unregister(coro: Coro): void {
    if (coro.slot >= 0) this.freeSlot(coro);
    if (this.#phase !== Phase.OPEN) this.#shutdown.coroEnded(coro);
    this.#live--;
    if (coro.daemon) this.#daemons--;
    this.aliveChanged();
    if (this.#debug) reportForgotten(coro);
  }

  /** A live coroutine became a daemon, or is no longer one. */
  daemonChanged(daemon: boolean): void {
    this.#daemons += daemon ? 1 : -1;
    this.aliveChanged();
    if (this.busy) return;
    this.#resolveJoins();
    this.driver.update();
  }

  /** Its state at this moment, in figures. */
  statistics(): SchedulerStats {
    const { kernel } = this;
    this.settleTimers();
    const works = !this.closed;
    return {
      live: this.#live,
      daemons: this.#daemons,
      ready: works ? this.readyCount - this.slots.abandoned : 0,
      timers: works ? kernel.exports.timerCount() : 0,
      switches: this.switches,
      spawned: this.#spawned,
      hostOperations: this.hostOperations,
      memory: works ? kernel.bytes : 0,
    };
  }

  // --- the process --------------------------------------------------------------------------------------------

  keepsAlive(): boolean {
    // The cleanup of daemons runs to its end, too.
    return this.unfinished || this.#externalWaiters > 0 || (this.#phase !== Phase.OPEN && this.#live > 0);
  }

  /** The result of `keepsAlive()` may have changed. */
  aliveChanged(): void {
    this.aliveListeners?.aliveChanged();
  }

  /** Code outside coroutines waits: whatever it waits for keeps the process alive from now on, even a daemon. */
  addExternalWaiter(): void {
    this.#externalWaiters++;
    this.aliveChanged();
    if (!this.busy) this.driver.update();
  }

  /** It no longer waits. */
  removeExternalWaiter(): void {
    this.#externalWaiters--;
    this.aliveChanged();
  }

  /**
   * Whether the program ends: then what daemons use is closed before they have ended, and their failures are not
   * reported. A scheduler knows it once it is terminated, and in a program of `main` as soon as only daemons are left.
   */
  get ending(): boolean {
    return this.#phase !== Phase.OPEN || (this.onErrorPrinted !== null && this.#nonDaemons === 0);
  }

  /** Coroutines that have not ended and are not daemons, and failures that are not reported yet. */
  get unfinished(): boolean {
    return this.#nonDaemons > 0 || this.#failures.any;
  }

  get #nonDaemons(): number {
    return this.#live - this.#daemons;
  }

  /** Whether code outside coroutines waits for some of them to end. */
  get awaited(): boolean {
    return this.#externalWaiters > 0 || this.#joins.length > 0;
  }

  // --- errors -------------------------------------------------------------------------------------------------

  /** A coroutine failed and nothing handled the error yet; see `unhandled_failures.ts`. */
  failedUnhandled(coro: Coro): void {
    if (this.broken !== null || (coro.daemon && this.ending)) return;
    if (this.closed) reportFailure(coro);
    else this.#failures.add(coro);
  }

  /** Reports the failures of coroutines that nothing has handled until now. */
  reportFailures(): void {
    this.#failures.reportAll();
    this.#resolveJoins();
  }

  /** Reports an error that nothing handles. */
  reportError(error: unknown, coro: Coro): void {
    reportError(error, coro);
  }

  // --- deadlocks ----------------------------------------------------------------------------------------------

  /** A coroutine waits without a limit for another one, or is waited for: search when nothing is ready. */
  noteBlocked(coro: Coro): void {
    if (this.#deadlocks.note(coro) && !this.busy) this.driver.wake();
  }

  /** Nothing is ready: fails coroutines that wait for each other for ever. Returns whether there are any. */
  protected override onIdle(): boolean {
    const deadlock = this.#deadlocks.search();
    return deadlock !== null && this.#failDeadlocked(deadlock);
  }

  ranDry(ending: boolean): boolean {
    if (this.broken !== null || this.busy || this.#phase !== Phase.OPEN) return false;
    // Daemon timers do not keep the process alive.
    if (this.#nonDaemons === 0 && this.#externalWaiters === 0) return ending && this.#programEnds();
    if (this.nextDeadline() < Infinity) return false;
    // Code outside coroutines may still abort their signals, unless nothing is left that could run it.
    if (!ending && this.abortable > 0) return false;
    const stuck = stuckCoros(this);
    if (stuck.coros.length === 0) return false;
    if (this.#failDeadlocked(stuck)) return true;
    if (ending && !this.#deadlockReported) this.reportError(stuck.error, stuck.coros[0]);
    this.#deadlockReported ||= ending;
    return false;
  }

  /** Fails the waits for coroutines that can never end. Returns whether there were any. */
  #failDeadlocked(deadlock: Deadlock): boolean {
    if (failWaits(deadlock, true)) {
      // The error may make one of them resolve the deadlock; if not, it is found again.
      this.#deadlocks.noteAll();
      return true;
    }
    const failed = failWaits(deadlock, false);
    const failedJoins = deadlock.coros.some((coro) => !coro.daemon) && this.#rejectJoins(deadlock.error);
    return failed || failedJoins;
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** See `Scheduler.join`. */
  join(): Promise<void> {
    this.#notInside("join()");
    return new Promise((resolve, reject) => {
      if (this.broken !== null) return reject(this.broken);
      if (!this.unfinished) return resolve();
      this.#joins.push({ resolve, reject });
      this.#deadlocks.noteAll();
      this.driver.wake();
    });
  }

  /** Resolves `join()` if all coroutines have ended and their failures were reported. */
  #resolveJoins(): void {
    if (this.#joins.length === 0 || this.unfinished) return;
    for (const join of this.#joins.splice(0)) join.resolve();
  }

  /** Returns whether a `join()` was waiting. */
  #rejectJoins(error: Error): boolean {
    const joins = this.#joins.splice(0);
    for (const join of joins) join.reject(error);
    return joins.length > 0;
  }

  protected override endOfTurn(): void {
    this.#resolveJoins();
    this.#shutdown.endOfTurn();
  }

  /** See `Scheduler.terminate`. */
  terminate(grace: number = GRACE_SECONDS): Promise<void> {
    this.#notInside("terminate()");
    return this.#termination ??= this.#terminate(grace);
  }

  async #terminate(grace: number): Promise<void> {
    this.#phase = Phase.TERMINATING;
    this.aliveChanged();
    if (this.#live > 0) await this.#shutdown.terminate(this.coros(), grace);
    // Cleanup code may have created coroutines; they end too, and may not create more.
    this.#phase = Phase.CLOSED;
    if (this.#live > 0) await this.#shutdown.terminate(this.coros(), grace);
    this.reportFailures();
    this.driver.stop();
    // A hook may have called `terminate()` within a slice, which needs the kernel until its end.
    await null;
    this.closeKernel();
    setWatching(this, false);
    if (this.exitFunctions.any) await this.exitFunctions.run(this.scheduler.name);
  }

  /** Only daemons are left and the process is about to end: runs the functions registered with `atexit()`. */
  #programEnds(): boolean {
    if (!this.exitFunctions.any) return false;
    this.terminate();
    return true;
  }

  protected override abandon(reason: Error): void {
    this.reportFailures();
    const coros = this.coros();
    const joined = this.abandonCoros(coros, reason);
    // If nothing else receives the reason, it is reported.
    if (!joined && coros.length > 0 && coros.every((coro) => coro.unhandled)) this.reportError(reason, coros[0]);
  }

  /** Ends all coroutines without cleanup. Returns whether a `join()` was waiting. */
  abandonCoros(coros: readonly Coro[], reason: Error): boolean {
    this.#phase = Phase.CLOSED;
    setWatching(this, false);
    const joined = this.#rejectJoins(reason);
    for (const entity of this.slots.table as (Partial<Fiber> | undefined)[]) {
      // An operation that is settled later must not resume what waits for it.
      if (entity?.wait) entity.wait.state = SPENT;
    }
    for (const coro of coros) coro.abandon(reason);
    this.#shutdown.abandon();
    return joined;
  }

  #notInside(call: string): void {
    const coro = runningCoro();
    if (coro === null) return;
    throw new Error(
      `Cannot call ${call} of scheduler '${this.scheduler}' inside coroutine ${coro} as it would wait for itself: ` +
        "use finish() of others",
    );
  }
}

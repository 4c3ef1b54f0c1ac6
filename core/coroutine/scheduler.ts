import { createMailbox, type MailboxOptions } from "./bounded_mailbox.ts";
import { runningCoro } from "./coro_of.ts";
import { type Clock, hostClock } from "../host/clock.ts";
import { Coro, type CoroFunction } from "./coro.ts";
import { type Deadlock, DeadlockSearch, failWaits, stuckCoros } from "./deadlock.ts";
import { describe } from "../base/describe.ts";
import type { Driver } from "../host/driver.ts";
import { type CoroInfo, dumpCoros, type DumpOptions } from "./dump.ts";
import { ExitFunctions } from "./exit_functions.ts";
import { withinContext } from "../host/async_context.ts";
import { HostDriver } from "../host/host_driver.ts";
import { SPENT } from "../fiber/operation.ts";
import { callOfProgram } from "../base/call_site.ts";
import { type AliveListener, Population } from "./population.ts";
import { Shutdown } from "./shutdown.ts";
import { checkPriority, createWith, DEFAULT_PRIORITY, setDefaultScheduler } from "./spawn_options.ts";
import { printError, printUncaught } from "../base/error_report.ts";
import { reportFailure, UnhandledFailures } from "./unhandled_failures.ts";
import { RunLoop } from "../fiber/run_loop.ts";
import { shuffler } from "../fiber/shuffle.ts";
import { Fiber } from "../fiber/fiber.ts";
import { forgottenOperations, watchChanged } from "../fiber/misuse.ts";

/** Options of a {@linkcode Scheduler}. */
export interface SchedulerOptions {
  /** For messages and `toString()`. */
  readonly name?: string;
  /** Where it reads the time: the host's monotonic clock by default, or a `VirtualClock`. */
  readonly clock?: Clock;
  /** Creates the driver, which runs it from the host's event loop; by default that of the clock, or else the host's. */
  readonly driver?: (scheduler: Scheduler) => Driver;
  /** A seed for the order in which coroutines run that are ready together; one seed always gives the same order. */
  readonly shuffle?: number;
  /** Reports operations that are never yielded, and records where coroutines are created. Costs time and memory. */
  readonly debug?: boolean;
  /** Whether wake-ups are punctual, see {@linkcode Scheduler.precise}; `false` by default. */
  readonly precise?: boolean;
}

/** Options of {@linkcode Scheduler.spawnWith}. */
export interface SpawnOptions {
  /** Its name; that of the function by default. */
  readonly name?: string;
  /** Its priority, 0 (first) to 7 (last); 4 by default. */
  readonly priority?: number;
  /** Whether it is a daemon. */
  readonly daemon?: boolean;
  /** Bounds its mailbox; without it the mailbox keeps any number of messages. */
  readonly mailbox?: MailboxOptions;
}

/** The state of a scheduler, in figures. */
export interface SchedulerStats {
  /** Coroutines that have not ended. */
  readonly live: number;
  /** Of these, daemons. */
  readonly daemons: number;
  /** Coroutines and timers that are ready to run. */
  readonly ready: number;
  /** Armed timers. */
  readonly timers: number;
  /** Steps run so far. */
  readonly switches: number;
  /** Coroutines created so far. */
  readonly spawned: number;
  /** Promises and operations of the host that coroutines wait for. */
  readonly hostOperations: number;
  /** Size of the kernel's memory, in bytes. */
  readonly memory: number;
}

interface JoinWaiter {
  resolve(): void;
  reject(error: unknown): void;
}

const OPEN = 0;
const TERMINATING = 1;
const CLOSED = 2;

let instance: Scheduler | null = null;

// Where coroutines of schedulers with `debug` were created.
const spawnSites = new WeakMap<Coro, string | null>();

/**
 * Runs coroutines: decides which is next, keeps the time, and runs them from the host's event loop.
 *
 * Most programs never name it: creating a coroutine starts the default one. `AsynCoro`, its name in asyncoro, is an
 * alias of it.
 *
 * @example
 * ```ts
 * import { Scheduler } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const scheduler = new Scheduler({ name: "mine" });
 * const log: string[] = [];
 * scheduler.spawn(function* (coro) {
 *   yield* coro.sleep(0.01);
 *   log.push("done");
 * });
 * await scheduler.join();
 * assertEquals(log, ["done"]);
 * ```
 */
export class Scheduler extends RunLoop {
  /** Its name, for messages. */
  readonly name: string;
  /**
   * Called with an error that ended a coroutine and that nothing handled; by default such errors go to stderr.
   *
   * It is called in the host's asynchronous context of the coroutine. If the hook throws, its error is printed.
   */
  onError: ((error: unknown, coro: Coro) => void) | null = null;

  /** @internal Set by `main`: called when an unhandled error is printed. */
  onErrorPrinted: (() => void) | null = null;

  readonly #population: Population = new Population(() => this.keepsAlive());
  readonly #failures: UnhandledFailures = new UnhandledFailures(this, () => this.aliveChanged());
  readonly #deadlocks: DeadlockSearch = new DeadlockSearch(this);
  readonly #shutdown: Shutdown = new Shutdown(() => this.driver.update());
  readonly #exitFunctions: ExitFunctions = new ExitFunctions();
  #debug = false;
  #precise = false;
  #phase = OPEN;
  #spawned = 0;
  #epoch: number;
  #joins: JoinWaiter[] = [];
  #termination: Promise<void> | null = null;
  #deadlockReported = false;
  // The number of switches when the clock was last read for `uptime()`. The constructor reads it first.
  #readAt = 0;

  /**
   * Creates an independent scheduler, for tests and for isolation.
   *
   * @param options See {@linkcode SchedulerOptions}.
   * @throws {TypeError} If `shuffle` is not a number.
   */
  constructor(options: SchedulerOptions = {}) {
    const clock = options.clock ?? hostClock;
    super(clock);
    this.name = options.name ?? "scheduler";
    this.debug = options.debug ?? false;
    this.#precise = Boolean(options.precise);
    if (options.shuffle !== undefined) this.shuffle = shuffler(options.shuffle);
    this.#epoch = this.lastReading;
    this.driver = options.driver?.(this) ?? clock.driver?.(this) ?? new HostDriver(this);
  }

  /**
   * Whether it watches for misuse: operations made from then on and never yielded are reported when the coroutine that
   * made them ends, and `dump()` shows where coroutines were created. May be switched on and off at any time.
   */
  get debug(): boolean {
    return this.#debug;
  }

  set debug(enabled: boolean) {
    enabled = Boolean(enabled);
    if (enabled !== this.#debug) watchChanged(enabled);
    this.#debug = enabled;
  }

  /**
   * Whether sleepers and timeouts wake up on time: a median of less than 0.1 ms late on an idle core, at the price of
   * spinning for about a millisecond before each deadline. Otherwise they are as late as the host's timers, about 1 ms.
   * May be switched on and off at any time.
   *
   * While it spins the thread naps, for up to 0.25 ms at a time, unless coroutines wait for promises or I/O. It does not
   * spin in Cloudflare's runtime, nor for what does not keep the process alive.
   *
   * @example
   * ```ts
   * import { Scheduler, sleep } from "@asyncoro/asyncoro";
   * import { assertEquals } from "@std/assert";
   *
   * const scheduler = new Scheduler({ precise: true });
   * await scheduler.spawn(function* () {
   *   for (let tick = 0; tick < 5; tick++) yield* sleep(0.002);
   * }).value();
   * scheduler.precise = false;
   * assertEquals(scheduler.precise, false);
   * ```
   */
  get precise(): boolean {
    return this.#precise;
  }

  set precise(enabled: boolean) {
    this.#precise = Boolean(enabled);
    if (!this.busy) this.driver.update();
  }

  /** The default scheduler, created on first use, and again after it was terminated. */
  static instance(): Scheduler {
    if (instance === null || instance.#phase !== OPEN) instance = new Scheduler({ name: "default" });
    return instance;
  }

  /** The coroutine that is running right now, or `null`. */
  static curCoro(): Coro | null {
    return runningCoro();
  }

  /** Its name. */
  override toString(): string {
    return this.name;
  }

  /** @internal How `console.log` shows it: the name only, as the fields form a cyclic graph. */
  [Symbol.for("Deno.customInspect")](): string {
    return `Scheduler ${this}`;
  }

  /** @internal The same for Node.js. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Scheduler ${this}`;
  }

  // --- coroutines ---------------------------------------------------------------------------------------------

  /**
   * Creates a coroutine on this scheduler.
   *
   * @param target A generator function.
   * @param args Its arguments after the coroutine.
   * @throws {TypeError} If `target` is not a generator function.
   * @throws {Error} If the scheduler has been terminated.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  spawn<A extends readonly any[], R>(target: CoroFunction<A, R>, ...args: A): Coro<R> {
    return createWith({ scheduler: this, options: null }, () => new Coro<R, A>(target, ...args));
  }

  /**
   * Creates a coroutine on this scheduler with a name, a priority, as a daemon, or with a bounded mailbox.
   *
   * @param options See {@linkcode SpawnOptions}.
   * @param target A generator function.
   * @param args Its arguments after the coroutine.
   * @throws {TypeError} If `target` is not a generator function, or an option is of the wrong type.
   * @throws {RangeError} If the priority is not an integer from 0 to 7, or the capacity of the mailbox not a positive
   * integer or `Infinity`.
   * @throws {Error} If the scheduler has been terminated.
   *
   * @example A mailbox that makes fast senders wait
   * ```ts
   * import { run } from "@asyncoro/asyncoro";
   * import { assertEquals } from "@std/assert";
   *
   * await run(function* (coro) {
   *   const slow = coro.scheduler.spawnWith({ mailbox: { capacity: 2 } }, function* (slow) {
   *     for (let n = 0; n < 4; n++) {
   *       yield* slow.sleep(0.001);
   *       yield* slow.receive();
   *     }
   *   });
   *   assertEquals([slow.send(1), slow.send(2), slow.send(3)], [true, true, false]);
   *   assertEquals(yield* slow.deliver(3), 1);
   *   assertEquals(yield* slow.deliver(4), 1);
   *   yield* slow.finish();
   * });
   * ```
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  spawnWith<A extends readonly any[], R>(options: SpawnOptions, target: CoroFunction<A, R>, ...args: A): Coro<R> {
    if (typeof options !== "object" || options === null) throw badOptions("'options' must be an object", options);
    const { name, priority = DEFAULT_PRIORITY, daemon = false } = options;
    if (name !== undefined && typeof name !== "string") throw badOptions("'name' must be a string", name);
    const mailbox = createMailbox(options.mailbox);
    const checked = { name, priority: checkPriority(priority), daemon: Boolean(daemon), mailbox };
    return createWith({ scheduler: this, options: checked }, () => new Coro<R, A>(target, ...args));
  }

  /** The coroutines that have not ended, in the order of their creation. */
  coros(): Iterable<Coro> {
    return this.slots.table.filter((entity) => entity instanceof Coro).sort((a, b) => a.id - b.id);
  }

  /**
   * The time by its clock, in seconds since an arbitrary moment. It never goes backwards; under a virtual clock it is
   * virtual.
   *
   * @example
   * ```ts
   * import { current, sleep } from "@asyncoro/asyncoro";
   * import { runVirtual } from "@asyncoro/asyncoro/testing";
   * import { assertEquals } from "@std/assert";
   *
   * await runVirtual(function* () {
   *   const start = current().scheduler.now();
   *   yield* sleep({ hours: 1 });
   *   assertEquals(current().scheduler.now() - start, 3600);
   * });
   * ```
   */
  override now(): number {
    return this.clock.now();
  }

  /** Its state at this moment, in figures. */
  statistics(): SchedulerStats {
    const { kernel } = this;
    this.settleTimers();
    const works = !this.kernelClosed;
    return {
      live: this.#population.live,
      daemons: this.#population.daemons,
      ready: works ? this.readyCount - this.slots.abandoned : 0,
      timers: works ? kernel.exports.timerCount() : 0,
      switches: this.switches,
      spawned: this.#spawned,
      hostOperations: this.hostOperations,
      memory: works ? kernel.bytes : 0,
    };
  }

  /** The same as {@linkcode Scheduler.statistics}. */
  stats(): SchedulerStats {
    return this.statistics();
  }

  /**
   * Lists its coroutines, with their states and what they wait for. Has no side effects.
   *
   * @param options See {@linkcode DumpOptions}.
   */
  dump(options: DumpOptions = {}): CoroInfo[] {
    this.settleTimers();
    this.lastReading = this.clock.now();
    return dumpCoros(this, options);
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /**
   * Waits until all coroutines but daemons have ended. More may be created afterwards.
   *
   * @returns A promise; rejected with `DeadlockError` if they can never end.
   * @throws {Error} At once, if called inside a coroutine: use `finish()` of the coroutines there.
   */
  join(): Promise<void> {
    this.#notInside("join()");
    return new Promise((resolve, reject) => {
      if (this.broken !== null) return reject(this.broken);
      if (this.#population.nonDaemons === 0 && !this.#failures.any) return resolve();
      this.#joins.push({ resolve, reject });
      this.#deadlocks.noteAll();
      this.driver.wake();
    });
  }

  /**
   * Terminates every coroutine and then the scheduler. `finally` blocks run and may wait for up to five seconds;
   * after that their waits are cut short. Then the functions given to {@linkcode Scheduler.atexit} run.
   *
   * @throws {Error} At once, if called inside a coroutine: use `finish()` of the coroutines there.
   */
  terminate(): Promise<void> {
    this.#notInside("terminate()");
    return this.#termination ??= this.#terminate();
  }

  async #terminate(): Promise<void> {
    this.#phase = TERMINATING;
    this.aliveChanged();
    if (this.#population.live > 0) await this.#shutdown.terminate([...this.coros()]);
    // Cleanup code may have created coroutines; they end too, and may not create more.
    this.#phase = CLOSED;
    if (this.#population.live > 0) await this.#shutdown.terminate([...this.coros()]);
    if (instance === this) instance = null;
    this.#reportFailures();
    this.driver.stop();
    // A hook may have called `terminate()` within a slice, which needs the kernel until its end.
    await null;
    this.closeKernel();
    if (this.#exitFunctions.any) await this.#exitFunctions.run(this.name);
  }

  /**
   * Registers a function to run when the scheduler ends, in the host's asynchronous context in which it is registered.
   *
   * @param fn Called without arguments; a promise that it returns is awaited.
   * @param priority Functions with a lower number run first, equal ones in the order of registration.
   * @throws {TypeError} If `fn` is not a function or `priority` not a number.
   */
  atexit(fn: () => unknown, priority = 0): void {
    if (typeof fn !== "function" || typeof priority !== "number" || Number.isNaN(priority)) {
      throw new TypeError(
        `Cannot register for exit as a function and a number are needed: current values are ${typeof fn} and ${priority}`,
      );
    }
    this.#exitFunctions.add(fn, priority);
  }

  #notInside(call: string): void {
    const coro = Scheduler.curCoro();
    if (coro === null) return;
    throw new Error(
      `Cannot call ${call} of scheduler '${this}' inside coroutine ${coro} as it would wait for itself: ` +
        "use 'yield* coro.finish()' for the coroutines it waits for",
    );
  }

  // --- for coroutines -----------------------------------------------------------------------------------------

  /** @internal The id of a new coroutine. */
  nextId(): number {
    return ++this.#spawned;
  }

  /** @internal The running coroutine, if it is one of this scheduler. */
  runningCoro(): Coro | null {
    const coro = Scheduler.curCoro();
    return coro !== null && coro.scheduler === this ? coro : null;
  }

  /** @internal Where a coroutine was created; recorded only with `debug`. */
  spawnSite(coro: Coro): string | null {
    return spawnSites.get(coro) ?? null;
  }

  /** @internal Milliseconds since it was created, not rounded up. */
  uptime(): number {
    // Between slices nothing else reads the clock; one reading serves all coroutines created in a row.
    if (!this.busy && this.#readAt !== this.switches) {
      this.#readAt = this.switches;
      this.lastReading = this.clock.now();
    }
    return Math.trunc((this.lastReading - this.#epoch) * 1000);
  }

  /** @internal Makes a new or restarted coroutine ready. Throws, with nothing changed, if there is no room for it. */
  register(coro: Coro): void {
    if (this.#phase === CLOSED) {
      throw new Error(
        `Cannot create a coroutine as scheduler '${this}' has been terminated: Scheduler.instance() gives a fresh one`,
      );
    }
    this.allocateSlot(coro);
    if (this.#debug) spawnSites.set(coro, callOfProgram());
    this.#population.add(coro.daemon);
    this.makeReady(coro);
  }

  /** @internal A coroutine has ended. */
  unregister(coro: Coro): void {
    if (coro.slot >= 0) this.freeSlot(coro);
    if (this.#phase !== OPEN) this.#shutdown.coroEnded(coro);
    this.#population.remove(coro.daemon);
    if (this.#debug) { for (const error of forgottenOperations(coro)) this.reportError(error, coro); }
  }

  /**
   * @internal
   * Adds a listener, which is to keep the process alive exactly as long as coroutines other than daemons live, which may
   * depend on it, or code outside coroutines waits.
   */
  addAliveListener(listener: AliveListener): void {
    this.#population.addListener(listener);
  }

  /** @internal Removes a listener. */
  removeAliveListener(listener: AliveListener): void {
    this.#population.removeListener(listener);
  }

  /** @internal The result of `keepsAlive()` may have changed. */
  protected aliveChanged(): void {
    this.#population.aliveChanged();
  }

  /** @internal Code outside coroutines waits: whatever it waits for keeps the process alive from now on, even a daemon. */
  addExternalWaiter(): void {
    this.#population.externalWaiters++;
    this.aliveChanged();
    if (!this.busy) this.driver.update();
  }

  /** @internal It no longer waits. */
  removeExternalWaiter(): void {
    this.#population.externalWaiters--;
    this.aliveChanged();
  }

  /** @internal A live coroutine became a daemon, or is no longer one. */
  daemonChanged(daemon: boolean): void {
    this.#population.daemons += daemon ? 1 : -1;
    this.aliveChanged();
    if (this.busy) return;
    this.#resolveJoins();
    this.driver.update();
  }

  /** @internal A coroutine failed and nothing handled the error yet; the error is reported at the end of the turn. */
  failedUnhandled(coro: Coro): void {
    if (this.broken !== null || (coro.daemon && this.ending)) return;
    if (this.kernelClosed) reportFailure(coro);
    else this.#failures.add(coro);
  }

  /**
   * @internal
   * Whether the program ends: then what daemons use is closed before they have ended, and their failures are not
   * reported. A scheduler knows it once it is terminated, and in a program of `main` as soon as only daemons are left.
   */
  get ending(): boolean {
    return this.#phase !== OPEN || (this.onErrorPrinted !== null && this.#population.nonDaemons === 0);
  }

  /** @internal Reports an unhandled error, in the host's asynchronous context of the coroutine. */
  reportError(error: unknown, coro: Coro): void {
    if (runningCoro() === coro) this.#callHook(error, coro);
    else withinContext(coro.hostContext, () => this.#callHook(error, coro));
  }

  #callHook(error: unknown, coro: Coro): void {
    if (this.onError === null) {
      this.onErrorPrinted?.();
      return printUncaught(error, coro);
    }
    try {
      this.onError(error, coro);
    } catch (failure) {
      printUncaught(error, coro);
      printError("Error in the onError hook", failure);
    }
  }

  // --- deadlock -----------------------------------------------------------------------------------------------

  /** @internal A coroutine waits without a limit for another one, or is waited for: search when nothing is ready. */
  noteBlocked(coro: Coro): void {
    if (this.#deadlocks.note(coro) && !this.busy) this.driver.wake();
  }

  /** @internal Nothing is ready: fails coroutines that wait for each other for ever. Returns whether there are any. */
  protected override onIdle(): boolean {
    const deadlock = this.#deadlocks.search();
    return deadlock !== null && this.#failDeadlocked(deadlock);
  }

  /** @internal */
  ranDry(ending: boolean): boolean {
    if (this.broken !== null || this.busy || this.#phase !== OPEN) return false;
    // Daemon timers do not keep the process alive.
    if (this.#population.nonDaemons === 0 && this.#population.externalWaiters === 0) {
      return ending && this.#programEnds();
    }
    if (this.nextDeadline() < Infinity) return false;
    const stuck = stuckCoros(this);
    if (stuck.coros.length === 0) return false;
    if (this.#failDeadlocked(stuck)) return true;
    if (ending && !this.#deadlockReported) this.reportError(stuck.error, stuck.coros[0]);
    this.#deadlockReported ||= ending;
    return false;
  }

  /** Only daemons are left and the process is about to end: runs the functions registered with `atexit()`. */
  #programEnds(): boolean {
    if (!this.#exitFunctions.any) return false;
    this.terminate();
    return true;
  }

  /** Fails the waits for coroutines that can never end. Returns whether there were any. */
  #failDeadlocked(deadlock: Deadlock): boolean {
    if (failWaits(deadlock, "coroutines")) {
      // The error may make one of them resolve the deadlock; if not, it is found again.
      this.#deadlocks.noteAll();
      return true;
    }
    let failed = failWaits(deadlock, "outside");
    if (deadlock.coros.some((coro) => !coro.daemon)) {
      for (const waiter of this.#joins.splice(0)) {
        waiter.reject(deadlock.error);
        failed = true;
      }
    }
    return failed;
  }

  // --- for the run loop and the driver ------------------------------------------------------------------------

  /** @internal */
  keepsAlive(): boolean {
    const { nonDaemons, externalWaiters, live } = this.#population;
    if (nonDaemons > 0 || externalWaiters > 0 || this.#failures.any) return true;
    // The cleanup of daemons runs to its end, too.
    return this.#phase !== OPEN && live > 0;
  }

  /** Resolves `join()` if all coroutines have ended and their failures were reported. */
  #resolveJoins(): void {
    if (this.#joins.length === 0 || this.#population.nonDaemons > 0 || this.#failures.any) return;
    for (const waiter of this.#joins.splice(0)) waiter.resolve();
  }

  #reportFailures(): void {
    this.#failures.reportAll();
    this.#resolveJoins();
  }

  /** @internal */
  protected override endOfTurn(): void {
    if (this.#joins.length > 0) this.#resolveJoins();
    this.#shutdown.endOfTurn();
  }

  /** @internal */
  protected override abandon(reason: Error): void {
    this.#reportFailures();
    const coros = [...this.coros()];
    const joins = this.#joins.splice(0);
    for (const entity of this.slots.table) {
      // An operation that is settled later must not resume its fiber.
      if (entity instanceof Fiber && entity.wait !== null) entity.wait.state = SPENT;
    }
    for (const coro of coros) coro.abandon(reason);
    for (const waiter of joins) waiter.reject(reason);
    // If nothing else receives the reason, it is reported.
    if (joins.length === 0 && coros.length > 0 && coros.every((coro) => coro.unhandled)) {
      this.reportError(reason, coros[0]);
    }
    this.#shutdown.abandon();
    this.#phase = CLOSED;
    if (instance === this) instance = null;
  }
}

function badOptions(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot create a coroutine as ${reason}: current value is ${describe(value)}`);
}

setDefaultScheduler(() => Scheduler.instance());

import { type Clock, hostClock } from "../host/clock.ts";
import { context } from "../fiber/context.ts";
import { checkPriority, Coro, type CoroFunction } from "./coro.ts";
import { type Deadlock, findDeadlock, stuckCoros, tellDeadlock } from "./deadlock.ts";
import { describe } from "../base/describe.ts";
import type { Driver } from "../host/driver.ts";
import { type CoroInfo, dumpCoros, type DumpOptions } from "./dump.ts";
import { captureContext, type HostContext, withinContext } from "../host/async_context.ts";
import { HostDriver } from "../host/host_driver.ts";
import { SPENT } from "../fiber/operation.ts";
import { callOfProgram } from "../base/call_site.ts";
import { placed, setDefaultScheduler } from "./spawn_options.ts";
import { printError, printUncaught } from "../base/error_report.ts";
import { RunLoop } from "../fiber/run_loop.ts";
import { Timer } from "../fiber/schedulable.ts";
import { shuffler } from "../base/shuffle.ts";
import { Fiber } from "../fiber/fiber.ts";
import { forgottenOperations, watchChanged } from "../fiber/misuse.ts";

/** Options of a {@linkcode Scheduler}. */
export interface SchedulerOptions {
  /** For messages and `toString()`. */
  readonly name?: string;
  /** Where it reads the time: the host's monotonic clock by default, or a `VirtualClock`. */
  readonly clock?: Clock;
  /** What joins it to the host's event loop; by default what the clock asks for, or else the host's. */
  readonly driver?: (scheduler: Scheduler) => Driver;
  /** A seed: coroutines that are ready together run in an order that it decides, always the same for one seed. */
  readonly shuffle?: number;
  /** Watches for operations that are never yielded and notes where coroutines are created. Costs time and memory. */
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
}

/** What a scheduler has to do, at one moment. */
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
  /** Promises and host operations that coroutines wait for. */
  readonly hostOperations: number;
  /** Size of the kernel's memory, in bytes. */
  readonly memory: number;
}

/** A function that runs when the scheduler ends. */
interface Exit {
  readonly fn: () => unknown;
  readonly priority: number;
  readonly hostContext: HostContext;
}

/** @internal Something in the host that keeps the process alive, or lets it end, by what its scheduler says. */
export interface Hold {
  /** Keeps the process alive, or lets it end. */
  hold(alive: boolean): void;
}

interface JoinWaiter {
  resolve(): void;
  reject(error: unknown): void;
}

const OPEN = 0;
const TERMINATING = 1;
const CLOSED = 2;

// So many are terminated together: a set takes no more than twice as many (2 ** 24).
const MOST_ENDING = 2 ** 23;

let instance: Scheduler | null = null;

// Stands for the sets that most schedulers never need; nothing is added to it.
const NONE: Set<Coro> = new Set();

// Of schedulers with `debug`.
const spawnSites = new WeakMap<Coro, string | null>();

/**
 * Runs coroutines: decides who is next, keeps the time, and joins them to the host's event loop.
 *
 * Most programs never name it: creating a coroutine starts the default one. Asyncoro calls it `AsynCoro`, and so
 * does the alias exported here.
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
  /** For messages. */
  readonly name: string;
  /**
   * Takes the errors that ended a coroutine and that nobody else took; by default they go to stderr.
   *
   * It is called in the host's asynchronous context of the coroutine. A hook that throws has its own error printed.
   */
  onError: ((error: unknown, coro: Coro) => void) | null = null;

  /** @internal Set by `main`: called when an error that nobody took is printed. */
  whenPrinted: (() => void) | null = null;

  // Promises of `value()` that wait.
  #externalWaiters = 0;
  // `null` while there are none. `#holding` is what they were told last.
  #holds: Set<Hold> | null = null;
  #holding = false;

  #debug = false;
  #precise = false;
  #phase = OPEN;
  #live = 0;
  #daemons = 0;
  #spawned = 0;
  #epoch: number;
  #failed = NONE;
  #joins: JoinWaiter[] = [];
  #allEnded: (() => void) | null = null;
  // Those whose end `terminate()` waits for.
  #ending = NONE;
  #termination: Promise<void> | null = null;
  #exits: Exit[] = [];
  #suspects: Coro[] = [];
  #manySuspects = 256;
  #suspectAll = false;
  #toldDry = false;
  // The number of switches when the clock was last read for `uptime()`: the constructor does it first.
  #readAt = 0;

  /**
   * Makes an independent scheduler, for tests and for isolation.
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
   * made them ends, and `dump()` tells where coroutines were created. May be switched on and off at any time.
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
    return context.fiber?.owner ?? null;
  }

  /** Its name. */
  override toString(): string {
    return this.name;
  }

  /** @internal How `console.log` shows it: its fields are nobody's business, and they lead everywhere. */
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
    return placed({ scheduler: this, options: null }, () => new Coro<R, A>(target, ...args));
  }

  /**
   * Creates a coroutine on this scheduler with a name, a priority, or as a daemon.
   *
   * @param options See {@linkcode SpawnOptions}.
   * @param target A generator function.
   * @param args Its arguments after the coroutine.
   * @throws {TypeError} If `target` is not a generator function, or an option is of the wrong type.
   * @throws {RangeError} If the priority is not an integer from 0 to 7.
   * @throws {Error} If the scheduler has been terminated.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  spawnWith<A extends readonly any[], R>(options: SpawnOptions, target: CoroFunction<A, R>, ...args: A): Coro<R> {
    if (typeof options !== "object" || options === null) throw badOptions("'options' must be an object", options);
    const { name, priority = 4, daemon = false } = options;
    if (name !== undefined && typeof name !== "string") throw badOptions("'name' must be a string", name);
    const checked = { name, priority: checkPriority(priority), daemon: Boolean(daemon) };
    return placed({ scheduler: this, options: checked }, () => new Coro<R, A>(target, ...args));
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

  /** How much there is of what. */
  stats(): SchedulerStats {
    const { kernel } = this;
    this.settleTimers();
    const works = !this.kernelClosed;
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

  /**
   * Who is there, in which state, waiting for what. Disturbs nothing.
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
   * Waits until all coroutines but daemons have ended. More may be created after.
   *
   * @returns A promise; rejected with `DeadlockError` if they certainly never end.
   * @throws {Error} At once, if called inside a coroutine: use `finish()` of the coroutines there.
   */
  join(): Promise<void> {
    this.#notInside("join()");
    return new Promise((resolve, reject) => {
      if (this.broken !== null) return reject(this.broken);
      if (this.#pending === 0 && this.#failed.size === 0) return resolve();
      this.#joins.push({ resolve, reject });
      this.#suspectAll = true;
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
    if (this.#live > 0) await this.#terminateAll();
    // Cleanup code may have created coroutines; they end too, and may not create more.
    this.#phase = CLOSED;
    if (this.#live > 0) await this.#terminateAll();
    if (instance === this) instance = null;
    this.#reportFailed();
    this.driver.stop();
    // A hook may have asked for the end in the middle of a slice, which needs the kernel.
    await null;
    this.closeKernel();
    if (this.#exits.length > 0) await this.#runExits();
  }

  /** Terminates those that are there now, and waits for their ends. */
  async #terminateAll(): Promise<void> {
    const coros = [...this.coros()];
    while (coros.length > 0) await this.#terminateThese(coros.splice(-MOST_ENDING));
  }

  #terminateThese(coros: Coro[]): Promise<void> {
    return new Promise((resolve) => {
      this.#ending = new Set(coros.filter((coro) => coro.isAlive()));
      if (this.#ending.size === 0) return resolve();
      this.#allEnded = resolve;
      for (const coro of this.#ending) coro.terminate();
      this.driver.update();
    });
  }

  async #runExits(): Promise<void> {
    const exits = this.#exits.splice(0).sort((a, b) => a.priority - b.priority);
    for (const { fn, hostContext } of exits) {
      try {
        await withinContext(hostContext, fn);
      } catch (error) {
        printError(`Error in a function registered with atexit() of ${this}`, error);
      }
    }
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
    this.#exits.push({ fn, priority, hostContext: captureContext() });
  }

  #notInside(call: string): void {
    const coro = Scheduler.curCoro();
    if (coro === null) return;
    throw new Error(
      `Cannot call ${call} of scheduler '${this}' inside coroutine ${coro} as it would wait for itself: ` +
        "use 'yield* coro.finish()' for the coroutines it waits for",
    );
  }

  get #pending(): number {
    return this.#live - this.#daemons;
  }

  // --- for coroutines -----------------------------------------------------------------------------------------

  /** @internal The id of a new coroutine. */
  nextId(): number {
    return ++this.#spawned;
  }

  /** @internal The coroutine of this scheduler that is running. */
  runningCoro(): Coro | null {
    const coro = Scheduler.curCoro();
    return coro !== null && coro.scheduler === this ? coro : null;
  }

  /** @internal Where a coroutine was created; noted only with `debug`. */
  spawnSite(coro: Coro): string | null {
    return spawnSites.get(coro) ?? null;
  }

  /** @internal Milliseconds since it was created, not rounded up. */
  uptime(): number {
    // Between slices time passes unread; one reading serves all that is created in a row.
    if (!this.busy && this.#readAt !== this.switches) {
      this.#readAt = this.switches;
      this.lastReading = this.clock.now();
    }
    return Math.trunc((this.lastReading - this.#epoch) * 1000);
  }

  /** @internal Makes a coroutine ready for the first time, or again. Throws, with nothing changed, if there is no room. */
  admit(coro: Coro): void {
    if (this.#phase === CLOSED) {
      throw new Error(
        `Cannot create a coroutine as scheduler '${this}' has been terminated: Scheduler.instance() gives a fresh one`,
      );
    }
    this.allocateSlot(coro);
    if (this.#debug) spawnSites.set(coro, callOfProgram());
    this.#live++;
    if (coro.daemon) this.#daemons++;
    if (this.#holds !== null) this.aliveChanged();
    this.makeReady(coro);
  }

  /** @internal A coroutine has ended. */
  dismiss(coro: Coro): void {
    if (coro.slot >= 0) this.freeSlot(coro);
    if (this.#phase !== OPEN) this.#ending.delete(coro);
    this.#live--;
    if (coro.daemon) this.#daemons--;
    if (this.#debug) { for (const error of forgottenOperations(coro)) this.reportError(error, coro); }
    if (this.#holds !== null) this.aliveChanged();
  }

  /**
   * @internal
   * Adds what is to keep the process alive exactly as long as there are others than daemons, who may depend on what it
   * brings, or somebody outside waits.
   */
  addHold(hold: Hold): void {
    const alive = this.keepsAlive();
    if (this.#holds === null) {
      this.#holds = new Set();
      this.#holding = alive;
    }
    this.#holds.add(hold);
    hold.hold(alive);
  }

  /** @internal Takes that back. */
  removeHold(hold: Hold): void {
    if (this.#holds?.delete(hold) && this.#holds.size === 0) this.#holds = null;
  }

  /** @internal What `keepsAlive()` says may have changed. */
  protected aliveChanged(): void {
    if (this.#holds === null) return;
    const alive = this.keepsAlive();
    if (alive === this.#holding) return;
    this.#holding = alive;
    for (const each of this.#holds) each.hold(alive);
  }

  /** @internal Somebody outside waits: what it waits for must keep the process alive now, even a daemon. */
  outsiderCame(): void {
    this.#externalWaiters++;
    this.aliveChanged();
    if (!this.busy) this.driver.update();
  }

  /** @internal It waits no more. */
  outsiderLeft(): void {
    this.#externalWaiters--;
    this.aliveChanged();
  }

  /** @internal A live coroutine became a daemon, or no longer is one. */
  daemonChanged(daemon: boolean): void {
    this.#daemons += daemon ? 1 : -1;
    this.aliveChanged();
    if (this.busy) return;
    this.#answerJoins();
    this.driver.update();
  }

  /** @internal A coroutine failed and nobody was told; somebody may still ask until the end of the turn. */
  failedUnhandled(coro: Coro): void {
    if (this.broken !== null || (coro.daemon && this.ending)) return;
    if (this.kernelClosed) return this.#reportUnclaimed(coro);
    if (this.#failed === NONE) this.#failed = new Set();
    this.#failed.add(coro);
    this.aliveChanged();
    // The turn ends when all that is ready now has had its step: this queues up behind it.
    new Timer(this, coro.level, 0, () => {
      if (this.#failed.delete(coro)) this.#reportUnclaimed(coro);
      this.aliveChanged();
    });
  }

  /**
   * @internal
   * Whether the program ends: then what daemons use is closed over their heads, and that they fail is no news. A
   * scheduler knows it once it is terminated, and in a program of `main` as soon as only daemons are left.
   */
  get ending(): boolean {
    return this.#phase !== OPEN || (this.whenPrinted !== null && this.#pending === 0);
  }

  /** @internal Reports an error that nobody takes, in the host's asynchronous context of the coroutine. */
  reportError(error: unknown, coro: Coro): void {
    if (context.fiber?.owner === coro) this.#callHook(error, coro);
    else withinContext(coro.hostContext, () => this.#callHook(error, coro));
  }

  #callHook(error: unknown, coro: Coro): void {
    if (this.onError === null) {
      this.whenPrinted?.();
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

  /** @internal It waits without a time limit for what another coroutine must do, or is waited for: look when nothing is ready. */
  suspect(coro: Coro): void {
    const suspects = this.#suspects;
    // One that waits for many, one after the other, is one suspect.
    if (suspects.length > 0 && suspects[suspects.length - 1] === coro) return;
    suspects.push(coro);
    if (!this.busy) this.driver.wake();
    if (suspects.length < this.#manySuspects) return;
    // A scheduler that is never idle must not collect them for ever; most go on soon.
    this.#suspects = suspects.filter((each) => each.wait !== null && !each.ready);
    this.#manySuspects = Math.max(256, 2 * this.#suspects.length);
  }

  /** @internal Nothing is ready: looks for a closed set of coroutines that wait for each other. */
  protected override onIdle(): boolean {
    if (this.#suspects.length === 0 && !this.#suspectAll) return false;
    const suspects = this.#suspectAll ? this.coros() : this.#suspects;
    this.#suspects = [];
    this.#suspectAll = false;
    const deadlock = findDeadlock(this, suspects);
    return deadlock !== null && this.#declare(deadlock);
  }

  /** @internal */
  ranDry(ending: boolean): boolean {
    if (this.broken !== null || this.busy || this.#phase !== OPEN) return false;
    // Timers of daemons keep no program going.
    if (this.#pending === 0 && this.#externalWaiters === 0) return ending && this.#programEnds();
    if (this.nextDeadline() < Infinity) return false;
    const stuck = stuckCoros(this);
    if (stuck.coros.length === 0) return false;
    if (this.#declare(stuck)) return true;
    if (ending && !this.#toldDry) this.reportError(stuck.error, stuck.coros[0]);
    this.#toldDry ||= ending;
    return false;
  }

  /** Only daemons are left when the process is about to end: what was registered for that runs. */
  #programEnds(): boolean {
    if (this.#exits.length === 0) return false;
    this.terminate();
    return true;
  }

  /** Fails what depends on coroutines that never go on. Answers whether anything did. */
  #declare(deadlock: Deadlock): boolean {
    if (tellDeadlock(deadlock, "coroutines")) {
      // Those that were told may mend it; if not, it is found again.
      this.#suspectAll = true;
      return true;
    }
    let told = tellDeadlock(deadlock, "outside");
    if (deadlock.coros.some((coro) => !coro.daemon)) {
      for (const waiter of this.#joins.splice(0)) {
        waiter.reject(deadlock.error);
        told = true;
      }
    }
    return told;
  }

  // --- for the run loop and the driver ------------------------------------------------------------------------

  /** @internal */
  keepsAlive(): boolean {
    if (this.#pending > 0 || this.#externalWaiters > 0 || this.#failed.size > 0) return true;
    // Daemons too may end in peace.
    return this.#phase !== OPEN && this.#live > 0;
  }

  /** `join()` is answered when all have ended, and the failures among them were reported. */
  #answerJoins(): void {
    if (this.#joins.length === 0 || this.#pending > 0 || this.#failed.size > 0) return;
    for (const waiter of this.#joins.splice(0)) waiter.resolve();
  }

  #reportUnclaimed(coro: Coro): void {
    if (coro.unhandled && !coro.heard()) this.reportError(coro.last, coro);
    coro.failureTold();
  }

  #reportFailed(): void {
    for (const coro of this.#failed) this.#reportUnclaimed(coro);
    this.#failed = NONE;
    this.#answerJoins();
  }

  /** @internal */
  protected override endOfTurn(): void {
    if (this.#joins.length > 0) this.#answerJoins();
    if (this.#allEnded !== null && this.#ending.size === 0) {
      const resolve = this.#allEnded;
      this.#allEnded = null;
      resolve();
    }
  }

  /** @internal */
  protected override abandon(reason: Error): void {
    this.#reportFailed();
    const coros = [...this.coros()];
    const joins = this.#joins.splice(0);
    for (const entity of this.slots.table) {
      // What settles later must find nobody waiting.
      if (entity instanceof Fiber && entity.wait !== null) entity.wait.state = SPENT;
    }
    for (const coro of coros) coro.abandon(reason);
    for (const waiter of joins) waiter.reject(reason);
    // It must not break down in silence.
    if (joins.length === 0 && coros.length > 0 && coros.every((coro) => coro.unhandled)) {
      this.reportError(reason, coros[0]);
    }
    this.#allEnded?.();
    this.#phase = CLOSED;
    if (instance === this) instance = null;
  }
}

function badOptions(reason: string, value: unknown): TypeError {
  return new TypeError(`Cannot create a coroutine as ${reason}: current value is ${describe(value)}`);
}

setDefaultScheduler(() => Scheduler.instance());

import { createMailbox, type MailboxOptions } from "./bounded_mailbox.ts";
import { runningCoro } from "./coro_of.ts";
import type { Clock } from "../host/clock.ts";
import { Coro, type CoroFunction } from "./coro.ts";
import { CoroLoop } from "./coro_loop.ts";
import { describe } from "../base/describe.ts";
import { mustBeObject } from "../base/options.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import type { Drivable, Driver } from "../host/driver.ts";
import { type CoroInfo, dumpCoros, type DumpOptions } from "./dump.ts";
import { checkPriority, checkTarget, DEFAULT_PRIORITY, setDefaultLoop, setNextSpawn } from "./spawn_options.ts";

/** Options of a {@linkcode Scheduler}. */
export interface SchedulerOptions {
  /** For messages and `toString()`. */
  readonly name?: string;
  /** Where it reads the time: the host's monotonic clock by default, or a `VirtualClock`. */
  readonly clock?: Clock;
  /** Creates the driver, which runs it from the host's event loop; by default that of the clock, or else the host's. */
  readonly driver?: (loop: Drivable) => Driver;
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

let instance: Scheduler | null = null;

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
export class Scheduler {
  /** Its name, for messages. */
  declare readonly name: string;
  /**
   * Called with an error that ended a coroutine and that nothing handled; by default such errors go to stderr.
   *
   * It is called in the host's asynchronous context of the coroutine. If the hook throws, its error is printed.
   */
  onError: ((error: unknown, coro: Coro) => void) | null = null;
  /** @internal Its run loop, with everything that the other rooms use. */
  declare readonly loop: CoroLoop;

  /**
   * Creates an independent scheduler, for tests and for isolation.
   *
   * @param options See {@linkcode SchedulerOptions}.
   * @throws {TypeError} If `shuffle` is not a number.
   */
  constructor(options?: SchedulerOptions);
  /** @internal With a run loop of its own, which was made of the other options. */
  constructor(options: SchedulerOptions, loop: CoroLoop);
  constructor(options: SchedulerOptions = {}, loop: CoroLoop = new CoroLoop(options)) {
    this.name = options.name ?? "scheduler";
    this.loop = loop;
    loop.scheduler = this;
  }

  /**
   * Whether it watches for misuse: operations made from then on and never yielded are reported when the coroutine that
   * made them ends, and `dump()` shows where coroutines were created. May be switched on and off at any time.
   */
  get debug(): boolean {
    return this.loop.debug;
  }

  set debug(enabled: boolean) {
    this.loop.debug = enabled;
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
    return this.loop.precise;
  }

  set precise(enabled: boolean) {
    this.loop.precise = enabled;
  }

  /** The default scheduler, created on first use, and again after it was terminated. */
  static instance(): Scheduler {
    if (instance === null || !instance.loop.open) instance = new Scheduler({ name: "default" });
    return instance;
  }

  /** The coroutine that is running right now, or `null`. */
  static curCoro(): Coro | null {
    return runningCoro();
  }

  /** Its name. */
  toString(): string {
    return this.name;
  }

  /** @internal How `console.log` shows it: the name only, as the fields form a cyclic graph. */
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
    // Not in a function that `spawnWith` could share: V8 copies no arguments only where they are passed on at once.
    setNextSpawn(this.loop.defaultSpawn);
    try {
      return new Coro<R, A>(target, ...args);
    } finally {
      setNextSpawn(null);
    }
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
    mustBeObject(options, "create a coroutine");
    const { name, priority = DEFAULT_PRIORITY, daemon = false } = options;
    if (name !== undefined && typeof name !== "string") {
      throw new TypeError(`Cannot create a coroutine as 'name' must be a string: current value is ${describe(name)}`);
    }
    const mailbox = createMailbox(options.mailbox);
    const checked = { name, priority: checkPriority(priority), daemon: Boolean(daemon), mailbox };
    checkTarget(target);
    setNextSpawn({ loop: this.loop, options: checked });
    try {
      return new Coro<R, A>(target, ...args);
    } finally {
      setNextSpawn(null);
    }
  }

  /** The coroutines that have not ended, in the order of their creation. */
  coros(): Iterable<Coro> {
    return this.loop.coros();
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
  now(): number {
    return this.loop.now();
  }

  /** Its state at this moment, in figures. */
  statistics(): SchedulerStats {
    return this.loop.statistics();
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
    return dumpCoros(this.loop, options);
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /**
   * Waits until all coroutines but daemons have ended. More may be created afterwards.
   *
   * @returns A promise; rejected with `DeadlockError` if they can never end.
   * @throws {Error} At once, if called inside a coroutine: use `finish()` of the coroutines there.
   */
  join(): Promise<void> {
    return this.loop.join();
  }

  /**
   * Terminates every coroutine and then the scheduler. `finally` blocks run and may wait; after the grace their waits are
   * cut short. Then the functions given to {@linkcode Scheduler.atexit} run.
   *
   * @param grace Seconds, or a duration, that `finally` blocks may take; 5 by default. A second call changes nothing.
   * @throws {TypeError} If `grace` is not a valid duration.
   * @throws {Error} At once, if called inside a coroutine: use `finish()` of the coroutines there.
   */
  terminate(grace: Timeout = GRACE_SECONDS): Promise<void> {
    const terminated = this.loop.terminate(toSeconds(grace, "terminate", "grace"));
    if (instance === this) instance = null;
    return terminated;
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
        `Cannot register for exit as it takes a function and a number: current values are ${typeof fn} and ` +
          describe(priority),
      );
    }
    this.loop.exitFunctions.add(fn, priority);
  }
}

/** @internal Whether it is the default scheduler. */
export function isDefault(scheduler: Scheduler): boolean {
  return scheduler === instance;
}

setDefaultLoop(() => Scheduler.instance().loop);

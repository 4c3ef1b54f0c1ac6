import { runningCoro } from "./coro_of.ts";
import { addClaim, type Claims, withoutClaim } from "./handled_failures.ts";
import { describe, isError, isInstance } from "../base/describe.ts";
import { ClosedError } from "../base/errors.ts";
import { HotSwapException, MonitorException, type Outcome } from "./errors.ts";
import { captureContext } from "../host/async_context.ts";
import {
  addCompletionWaiter,
  type CompletionWaiter,
  listCompletionWaiters,
  removeCompletionWaiter,
} from "../fiber/joiner.ts";
import { type EndListener, Mailbox, Receive } from "./mailbox.ts";
import { checkName, LocalRegistry, type Registry } from "./names.ts";
import { Immediate } from "../operations/immediate.ts";
import { Finish, late } from "../operations/finish.ts";
import { mustBeCurrent, Sleep } from "../operations/sleep.ts";
import { GRACE_SECONDS } from "../operations/with_timeout.ts";
import type { Operation } from "../fiber/operation.ts";
import { type Named, placement } from "./spawn_options.ts";
import { labelStack, withoutStack } from "../base/error_report.ts";
import type { Scheduler } from "./scheduler.ts";
import { Timer } from "../fiber/timer.ts";
import { type Ending, Fiber } from "../fiber/fiber.ts";
import { type Body, isGeneratorFunction, isThenable } from "../base/generator.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";

/**
 * A coroutine function: a generator function whose first parameter is the coroutine that runs it.
 *
 * `A` are its other parameters, `R` is what it returns.
 */
// deno-lint-ignore no-explicit-any -- plain `yield operation` is asyncoro's spelling and typed `any`; see Operation
export type CoroFunction<A extends readonly any[] = any[], R = any> = (
  // deno-lint-ignore no-explicit-any -- the function may name its own result type, or leave it open
  coro: Coro<any>,
  ...args: A
  // deno-lint-ignore no-explicit-any -- see above
) => Generator<unknown, R, any>;

/** Something that a coroutine holds and that must be passed on when it ends, in a list of its own. */
export interface Holding {
  /** The next one that the same coroutine holds. */
  nextHeld: Holding | null;
  /** In words, for the report; `null` if holding it at the end is no mistake. */
  describeHeld(): string | null;
  /** Its holder has ended: the next in line gets it. */
  holderEnded(): void;
}

const DAEMON = 1;
const SWAPPABLE = 2;
const RETURNED = 4;
const THREW = 8;
const TERMINATED = 16;
const ENDED = RETURNED | THREW | TERMINATED;
/** Somebody was told of the failure, or asked for it. */
const CLAIMED = 32;
/** It has an entry in `monitorsOf`. */
const MONITORED = 64;
/** It returned nothing or was terminated: its result is the last value that it got. */
const GOT = 128;

// Few coroutines have monitors, and fewer fail: fields of their own would cost all of them.
const monitorsOf = new WeakMap<Coro, Set<Coro>>();
/** What monitors were sent of a failure, until the end of the turn. */
const exitMessagesOf = new WeakMap<Coro, SentNews[]>();

interface SentNews {
  readonly monitor: Coro;
  readonly mailbox: Mailbox;
  readonly news: MonitorException;
}

/** Names of coroutines, of every scheduler in the process. */
const registry: Registry<Coro> = new LocalRegistry<Coro>("coroutine", (coro) => coro.isAlive());
const nameTie: EndListener = { released: (coro) => registry.forget(coro) };

// A coroutine's generator is made from the coroutine, so there is a moment without one.
const NO_BODY: Body = (function* () {})();

/**
 * A coroutine: a generator function that runs concurrently with others, one step at a time.
 *
 * It is scheduled as soon as it is created and runs from the next turn on, never inside the constructor. Inside a
 * coroutine `new Coro` joins that coroutine's scheduler, elsewhere the default one.
 *
 * Its result is what the generator function returns; if that is `undefined`, the last value that one of its yields
 * evaluated to.
 *
 * Every step of it runs in the host's asynchronous context that was current where it was created: what
 * `AsyncLocalStorage` stores, OpenTelemetry's active span. That holds whoever wakes it, and for its cleanup too. What a
 * step stores with `enterWith` ends with the step.
 *
 * @example
 * ```ts
 * import { Coro } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new Coro(function* (coro) {
 *   const { from, text } = yield* coro.receive<{ from: Coro; text: string }>();
 *   from.send(text.toUpperCase());
 * });
 * const client = new Coro(function* (coro) {
 *   server.send({ from: coro, text: "hello" });
 *   return yield* coro.receive<string>();
 * });
 * assertEquals(await client.value(), "HELLO");
 * ```
 *
 * @example Each request has its own context
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 * import { AsyncLocalStorage } from "node:async_hooks";
 *
 * const user = new AsyncLocalStorage<string>();
 * const handle = () =>
 *   run(function* (coro) {
 *     yield* coro.sleep(0.01);
 *     return `hello, ${user.getStore()}`;
 *   });
 * const answers = await Promise.all(["Ann", "Ben"].map((name) => user.run(name, handle)));
 * assertEquals(answers, ["hello, Ann", "hello, Ben"]);
 * ```
 */
export class Coro<
  R = unknown,
  // deno-lint-ignore no-explicit-any -- ties the arguments to the parameters of the target, see API
  A extends readonly any[] = any[],
> extends Fiber {
  /** Tells this coroutine from all others of its scheduler; never reused in the scheduler's life. */
  declare readonly id: number;
  /** @internal Messages, once there were any. */
  declare mailbox: Mailbox | null;
  /** @internal The first of the locks it holds. */
  declare held: Holding | null;
  /** @internal Milliseconds from the scheduler's start to this coroutine's. */
  declare readonly createdAt: number;
  declare private flags: number;
  // A name that was given, or the function or whatever else whose name it has.
  declare private nameSource: string | Named;
  // Of those who wait for its end, and once it has failed, when nobody does any more, who knows of that. Each is `null`
  // almost always.
  declare private joinersOrClaims: CompletionWaiter | Claims;

  /**
   * Creates a coroutine and schedules it.
   *
   * @param target A generator function; it is called at once with the new coroutine and `args`, and runs from the
   * next turn on.
   * @param args Its other arguments.
   * @throws {TypeError} If `target` is not a generator function.
   * @throws {RangeError} If the host has no memory for another coroutine.
   * @throws {Error} If the scheduler has been terminated.
   */
  constructor(target: CoroFunction<A, R>, ...args: A) {
    const { scheduler, options } = placement();
    const body = options?.body;
    if (body === undefined) checkTarget(target);
    super(scheduler, options === null ? 4 : options.priority);
    this.initialize(NO_BODY, captureContext());
    this.nameSource = options?.name ?? target;
    this.flags = options?.daemon ? DAEMON : 0;
    this.joinersOrClaims = null;
    this.mailbox = null;
    this.held = null;
    this.id = scheduler.nextId();
    this.createdAt = scheduler.uptime();
    // Default values of parameters are evaluated here and may throw: nothing is registered yet.
    this.top = body ?? target(this, ...args);
    scheduler.admit(this);
  }

  /** The scheduler it runs on. */
  get scheduler(): Scheduler {
    return this.loop as Scheduler;
  }

  /** @internal */
  override get owner(): Coro {
    return this as Coro;
  }

  /** Its name, that of its function by default. It need not be unique. */
  get name(): string {
    return typeof this.nameSource === "string" ? this.nameSource : nameOf(this.nameSource);
  }

  set name(name: string) {
    this.nameSource = String(name);
  }

  /**
   * Its priority, 0 (first) to 7 (last), 4 by default. A change takes effect at once.
   *
   * @throws {RangeError} When set to anything but an integer of 0 to 7.
   */
  get priority(): number {
    return this.level;
  }

  set priority(priority: number) {
    this.setLevel(checkPriority(priority));
  }

  /** Whether it is a daemon: one that `join()` does not wait for and that does not keep the process alive. */
  get daemon(): boolean {
    return (this.flags & DAEMON) !== 0;
  }

  /**
   * Makes it a daemon, or no longer one; what it waits for then lets the process end, or keeps it alive.
   *
   * Where the host cannot let go, the process stays as long as the host is at it: a write that the other side does not
   * take, a connection that is not made, a promise of the program's own.
   *
   * @param flag `true` for a daemon.
   */
  setDaemon(flag = true): void {
    if (this.daemon === flag) return;
    this.flags ^= DAEMON;
    if (!this.isAlive()) return;
    this.scheduler.daemonChanged(flag);
    this.wait?.waiterChanged();
  }

  /** Whether it has not ended. One that failed has ended, even if a monitor may still restart it. */
  isAlive(): boolean {
    return (this.flags & ENDED) === 0;
  }

  /** `name/id`. */
  override toString(): string {
    return `${this.name}/${this.id}`;
  }

  /** @internal How `console.log` shows it: its fields are nobody's business, and they lead everywhere. */
  [Symbol.for("Deno.customInspect")](): string {
    return `Coro ${this}`;
  }

  /** @internal The same for Node.js. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Coro ${this}`;
  }

  // --- waiting as itself --------------------------------------------------------------------------------------

  /**
   * Suspends this coroutine until it is resumed or the time is up.
   *
   * @typeParam T What it may be resumed with: the compiler takes your word for it.
   * @param timeout Seconds, or a duration; without one it waits for `resume()`. Zero or less does not suspend.
   * @param alarmValue What it evaluates to when time is up; `undefined` by default.
   * @returns The value it was resumed with, or `alarmValue`.
   * @throws {TypeError} If `timeout` is no time.
   * @throws {Error} If it is not called by this coroutine itself.
   */
  sleep<T = unknown>(): Operation<T>;
  /** The same with a limit: `undefined` when time is up. */
  sleep<T = unknown>(timeout: Timeout): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  sleep<T = unknown>(timeout: Timeout, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  sleep<T, A>(timeout: Timeout, alarmValue: A): Operation<T | A>;
  sleep(timeout?: Timeout, alarmValue?: unknown): Operation<unknown> {
    const seconds = toSeconds(timeout, "sleep");
    mustBeCurrent(this as Coro, "sleep");
    return new Sleep(seconds, alarmValue);
  }

  /** The same as {@linkcode Coro.sleep}, by its other name in asyncoro. */
  suspend<T = unknown>(): Operation<T>;
  /** The same with a limit: `undefined` when time is up. */
  suspend<T = unknown>(timeout: Timeout): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  suspend<T = unknown>(timeout: Timeout, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  suspend<T, A>(timeout: Timeout, alarmValue: A): Operation<T | A>;
  suspend(timeout?: Timeout, alarmValue?: unknown): Operation<unknown> {
    return this.sleep(timeout, alarmValue);
  }

  /**
   * Wakes it, if it is in `sleep` or `suspend`; a coroutine that waits for anything else is not disturbed.
   *
   * @param update What its `sleep` evaluates to.
   * @returns `true` if it slept; a second call before it has run is too late and returns `false`.
   */
  resume(update?: unknown): boolean {
    const sleeper = this.wait?.sleeper() ?? null;
    if (sleeper === null) return false;
    sleeper.resolve(update);
    return true;
  }

  /** The same as {@linkcode Coro.resume}. */
  wakeup(update?: unknown): boolean {
    return this.resume(update);
  }

  // --- messages -----------------------------------------------------------------------------------------------

  /**
   * Puts a message into its mailbox. Messages from one sender arrive in the order sent.
   *
   * @param message Anything; it is not copied.
   * @returns `false` if it has ended. A coroutine that failed still takes messages while a monitor lives that may
   * restart it.
   */
  send(message: unknown): boolean {
    if (!this.acceptsMessages) return false;
    (this.mailbox ??= new Mailbox()).post(message);
    return true;
  }

  /** @internal Whether it takes messages: it has not ended, or a monitor lives that may restart it. */
  get acceptsMessages(): boolean {
    return (this.flags & ENDED) === 0 || this.restartable();
  }

  /**
   * Like {@linkcode Coro.send}, as an operation that tells what became of it. Within one process it never waits.
   *
   * @param message Anything.
   * @param timeout Seconds to wait at the most, or a duration.
   * @returns 1 if the message is in the mailbox, 0 if time was up before, -1 if the recipient has ended.
   * @throws {TypeError} If `timeout` is no time.
   */
  deliver(message: unknown, timeout?: Timeout): Operation<number> {
    toSeconds(timeout, "deliver");
    return new Immediate("deliver", () => this.send(message) ? 1 : -1);
  }

  /**
   * Takes the earliest message from the mailbox, waiting for one if there is none.
   *
   * @typeParam T What comes: the compiler takes your word for it.
   * @param timeout Seconds to wait at the most, or a duration; zero or less does not wait.
   * @param alarmValue What it evaluates to when time is up; `undefined` by default.
   * @throws {TypeError} If `timeout` is no time.
   * @throws {Error} If it is not called by this coroutine itself.
   *
   * @example
   * ```ts
   * import { run } from "@asyncoro/asyncoro";
   * import { assertEquals } from "@std/assert";
   *
   * await run(function* (coro) {
   *   coro.send("hello");
   *   const text: string = yield* coro.receive<string>();
   *   const late: string | undefined = yield* coro.receive<string>(0.01);
   *   const other: string | null = yield* coro.receive<string, null>(0.01, null);
   *   assertEquals([text, late, other], ["hello", undefined, null]);
   * });
   * ```
   */
  receive<T = unknown>(): Operation<T>;
  /** The same with a limit: `undefined` when time is up. */
  receive<T = unknown>(timeout: Timeout): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  receive<T = unknown>(timeout: Timeout, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  receive<T, A>(timeout: Timeout, alarmValue: A): Operation<T | A>;
  receive(timeout?: Timeout, alarmValue?: unknown): Operation<unknown> {
    const seconds = timeout === undefined ? Infinity : toSeconds(timeout, "receive");
    mustBeCurrent(this as Coro, "receive");
    return new Receive(this as Coro, seconds, alarmValue);
  }

  /** The same as {@linkcode Coro.receive}. */
  recv<T = unknown>(): Operation<T>;
  /** The same with a limit: `undefined` when time is up. */
  recv<T = unknown>(timeout: Timeout): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  recv<T = unknown>(timeout: Timeout, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  recv<T, A>(timeout: Timeout, alarmValue: A): Operation<T | A>;
  recv(timeout?: Timeout, alarmValue?: unknown): Operation<unknown> {
    return this.receive(timeout, alarmValue);
  }

  // --- names --------------------------------------------------------------------------------------------------

  /**
   * Registers it under a name, by which {@linkcode Coro.locate} finds it. It may have several.
   *
   * A name is dropped when its coroutine ends. One that failed keeps it as long as a monitor may restart it, or until
   * a living one takes it.
   *
   * @param name The name; its own by default.
   * @returns `false` if a living coroutine, be it this one, has the name, or this one has ended.
   * @throws {TypeError} If `name` is not a string or is empty.
   */
  register(name: string = this.name): boolean {
    checkName(name, "register a coroutine");
    if (!this.isAlive() || !registry.register(name, this as Coro)) return false;
    this.endListener(nameTie);
    return true;
  }

  /**
   * Takes a name from it.
   *
   * @param name The name; its own by default.
   * @returns `false` if this coroutine is not registered under it.
   * @throws {TypeError} If `name` is not a string or is empty.
   */
  unregister(name: string = this.name): boolean {
    return registry.unregister(name, this as Coro);
  }

  /**
   * Finds the coroutine that is registered under a name, waiting for a registration if there is none.
   *
   * @param name The name.
   * @param timeout Seconds to wait at the most, or a duration; zero or less does not wait.
   * @returns The coroutine, or `null` when time is up.
   * @throws {TypeError} If `name` is not a string or is empty, or `timeout` is no time.
   */
  static locate(name: string, timeout?: Timeout): Operation<Coro | null> {
    return registry.locate(name, timeout);
  }

  // --- exceptions and the end ---------------------------------------------------------------------------------

  /**
   * Throws an error in it, at the point where it waits. The wait is cancelled, and nothing it was granted is lost.
   *
   * One that has not started fails at its first line. Several errors are thrown one a step, in order.
   *
   * @param error The error.
   * @returns `false` if it has ended or is the coroutine that runs (there `throw` is the statement to use).
   * @throws {TypeError} If `error` is not an error.
   */
  throw(error: unknown): boolean {
    if (!isError(error)) {
      throw new TypeError(
        `Cannot throw in ${this} as 'error' must be an Error: current value is ${describe(error)}, wrap it in one`,
      );
    }
    if (!this.isAlive() || runningCoro() === this) return false;
    this.requestThrow(error);
    return true;
  }

  /**
   * Ends it: the wait is cancelled, `finally` blocks run, innermost frame first, and may wait. One that terminates
   * itself stops at its next yield. Its result is the last value it got.
   *
   * As JavaScript has it, this takes the place of an error that is on its way through a `finally` block which waits, and
   * so does a deadline: such an error is lost, and nobody can tell. Where it must not be, catch it before the cleanup.
   *
   * @param grace Seconds (or a duration) that `finally` blocks may take, 5 by default; after that every further wait is cut short.
   * @returns `false` if it has ended already.
   * @throws {TypeError} If `grace` is no time.
   */
  terminate(grace: Timeout = GRACE_SECONDS): boolean {
    const seconds = toSeconds(grace, "terminate");
    if (!this.isAlive()) return false;
    this.requestUnwind(-1, Math.max(0, seconds), null);
    return true;
  }

  /**
   * Waits for its end, for code outside coroutines.
   *
   * @param timeout Seconds to wait at the most, or a duration.
   * @returns A promise of its result. A promise that the coroutine returns is awaited; one that is merely the last value
   * it got is not, and `undefined` comes in its place. It is rejected with the very error that ended it, with `TimeoutError` when
   * time is up, or with `DeadlockError` when it certainly never ends.
   * @throws {TypeError} If `timeout` is no time.
   */
  value(timeout?: Timeout): Promise<R> {
    const seconds = toSeconds(timeout, "wait for a coroutine");
    return new Promise((resolve, reject) => {
      const settle = (value: unknown): void => resolve((this.isAdoptable(value) ? undefined : value) as R);
      this.promised(new PromiseWaiter(settle, reject), seconds);
    });
  }

  /**
   * @internal
   * Whether a promise would wait for the result, though the coroutine has not returned it but only come across it last.
   */
  private isAdoptable(value: unknown): boolean {
    if ((this.flags & GOT) === 0) return false;
    try {
      return isThenable(value);
    } catch {
      // A promise that cannot read it would be rejected.
      return true;
    }
  }

  /** @internal */
  private promised(completionWaiter: PromiseWaiter, seconds: number): void {
    if (this.answer(completionWaiter)) return;
    if (seconds <= 0) return completionWaiter.reject(late(this as Coro));
    if (seconds < Infinity) {
      // Throws if there is no room for it; nothing has changed then.
      completionWaiter.timer = new Timer(this.loop, this.level, seconds, () => {
        this.unjoin(completionWaiter);
        completionWaiter.reject(late(this as Coro));
      });
    }
    this.join(completionWaiter);
    this.scheduler.outsiderCame();
    completionWaiter.onSettled = () => this.scheduler.outsiderLeft();
    if (seconds === Infinity) this.scheduler.suspect(this as Coro);
  }

  /**
   * Waits for its end, for coroutines.
   *
   * @param timeout Seconds to wait at the most, or a duration.
   * @returns Its result. The very error that ended it is thrown at the yield; `TimeoutError` when time is up;
   * `DeadlockError` when it certainly never ends.
   * @throws {TypeError} If `timeout` is no time.
   */
  finish(timeout?: Timeout): Operation<R> {
    return new Finish(this as Coro, toSeconds(timeout, "wait for a coroutine")) as Operation<unknown> as Operation<R>;
  }

  // --- monitors -----------------------------------------------------------------------------------------------

  /**
   * Makes this coroutine a monitor of another: when that ends, a {@linkcode MonitorException} is sent to this one.
   *
   * One that has ended already answers with the same message at once. Adding a monitor twice is adding it once.
   *
   * @param observe The coroutine to observe.
   * @returns `true`, or `false` if this coroutine has ended.
   * @throws {TypeError} If `observe` is not a coroutine, or is this one.
   */
  monitor(observe: Coro): Operation<boolean> {
    checkMonitor(this as Coro, observe);
    return new Immediate("monitor", () => observe.notify(this as Coro));
  }

  /**
   * Adds a monitor to this coroutine: {@linkcode Coro.monitor} seen from the other side.
   *
   * @param monitor The coroutine that is told.
   * @returns `true`, or `false` if `monitor` has ended.
   * @throws {TypeError} If `monitor` is not a coroutine, or is this one.
   */
  notify(monitor: Coro): boolean {
    checkMonitor(monitor, this as Coro);
    if (!monitor.isAlive()) return false;
    if (!this.isAlive()) {
      this.inform(monitor);
      // One that failed may be restarted and end again.
      if ((this.flags & THREW) === 0) return true;
    }
    this.addMonitor(monitor);
    return true;
  }

  /** @internal A monitor of this coroutine can receive no more. */
  released(monitor: Coro): void {
    monitorsOf.get(this as Coro)?.delete(monitor);
    if (this.acceptsMessages) return;
    this.letGo();
    if (!this.unhandled) this.hostContext = undefined;
  }

  // --- hot swap -----------------------------------------------------------------------------------------------

  /**
   * Allows or forbids that its generator is replaced by {@linkcode Coro.hotSwap}.
   *
   * @param flag Whether it is allowed.
   * @throws {Error} If it is not called by the coroutine itself.
   */
  hotSwappable(flag: boolean): void {
    mustBeCurrent(this as Coro, "set hotSwappable");
    this.flags = flag ? this.flags | SWAPPABLE : this.flags & ~SWAPPABLE;
    this.swapSoon();
  }

  /**
   * Asks to replace its generator by another, keeping id, mailbox, monitors and those who wait for its end.
   *
   * When the coroutine is `hotSwappable`, is in its outermost generator and waits neither for I/O nor for a worker,
   * {@linkcode HotSwapException} is thrown in it. Throwing that exception again (or not catching it) accepts: the new
   * generator starts from its beginning. Otherwise the request waits; a newer one replaces it.
   *
   * A coroutine that failed and has a living monitor is restarted with the new generator.
   *
   * @param target A generator function; called at once with this coroutine and `args`.
   * @param args Its other arguments.
   * @returns `false` if the coroutine has ended and cannot be restarted.
   * @throws {TypeError} If `target` is not a generator function.
   */
  // deno-lint-ignore no-explicit-any -- as in the constructor
  hotSwap<B extends readonly any[]>(target: CoroFunction<B>, ...args: B): boolean {
    checkTarget(target);
    if (this.isAlive()) {
      this.requestSwap(new Proposal(target(this, ...args), target));
      return true;
    }
    if (!this.restartable()) return false;
    const body = target(this, ...args);
    // May throw, and then nothing has changed.
    this.scheduler.admit(this as Coro);
    this.beginWith(body, target);
    this.flags &= ~(ENDED | CLAIMED | SWAPPABLE);
    this.last = undefined;
    this.joinersOrClaims = null;
    exitMessagesOf.delete(this as Coro);
    return true;
  }

  /** @internal */
  protected override canSwap(): boolean {
    if ((this.flags & SWAPPABLE) === 0 || this.frames !== null) return false;
    // One that is being terminated only cleans up.
    if (this.control !== null && this.control.unwinding !== null) return false;
    return this.wait === null || this.wait.swappable();
  }

  /** @internal */
  private beginWith(body: Body, target: Named): void {
    this.top = body;
    // What the old generator has sorted and not received is for the new one to receive.
    this.mailbox?.unsort();
    if (typeof this.nameSource !== "string") this.nameSource = target;
  }

  /** @internal Failed, and somebody lives who may restart it. */
  private restartable(): boolean {
    if ((this.flags & (THREW | MONITORED)) !== (THREW | MONITORED)) return false;
    for (const monitor of monitorsOf.get(this as Coro)!) if (monitor.isAlive()) return true;
    return false;
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** @internal Settles `completionWaiter` if the coroutine has ended, and returns whether it has. */
  answer(completionWaiter: { give(value: unknown): unknown; fail(error: unknown): unknown }): boolean {
    if (this.isAlive()) return false;
    this.markHandled(completionWaiter);
    if ((this.flags & THREW) !== 0) completionWaiter.fail(this.last);
    else completionWaiter.give(this.last);
    return true;
  }

  /** @internal Adds somebody who waits for the end. */
  join(completionWaiter: CompletionWaiter): void {
    this.joinersOrClaims = addCompletionWaiter(this.firstCompletionWaiter, completionWaiter);
  }

  /** @internal Takes that back. */
  unjoin(completionWaiter: CompletionWaiter): void {
    this.joinersOrClaims = removeCompletionWaiter(this.firstCompletionWaiter, completionWaiter);
  }

  /** @internal */
  private get firstCompletionWaiter(): CompletionWaiter | null {
    return this.joinersOrClaims as CompletionWaiter | null;
  }

  /** @internal Who waits for the end. */
  get completionWaiters(): readonly CompletionWaiter[] {
    return this.isAlive() ? listCompletionWaiters(this.firstCompletionWaiter) : [];
  }

  /** @internal Whether it has failed and nobody but monitors was told, or has asked. */
  get unhandled(): boolean {
    return (this.flags & (THREW | CLAIMED)) === THREW;
  }

  /** @internal Its failure was told, if there was one to tell: unless it may be restarted, it needs its context no more. */
  failureTold(): void {
    if (!this.acceptsMessages) this.hostContext = undefined;
  }

  /** @internal The turn ends in which it failed: whether a monitor lives that was told, or has received what it was told. */
  heard(): boolean {
    const sent = exitMessagesOf.get(this as Coro);
    if (sent === undefined) return false;
    exitMessagesOf.delete(this as Coro);
    const heard = sent.some(({ monitor, mailbox, news }) => monitor.isAlive() || !mailbox.has(news));
    if (heard) this.markHandled(sent);
    return heard;
  }

  /** @internal A wait that was told of the failure was cut short before it got it: it may be that nobody knows now. */
  markUnhandled(wait: Finish): void {
    // It may be an error of the wait's own, or that of a generator before a restart.
    if ((this.flags & CLAIMED) === 0) return;
    this.joinersOrClaims = withoutClaim(this.joinersOrClaims as Claims, wait);
    if (this.joinersOrClaims !== null) return;
    this.flags &= ~CLAIMED;
    if (this.unhandled) this.scheduler.failedUnhandled(this as Coro);
  }

  /** @internal The scheduler broke down: the end comes from outside, and no cleanup runs. */
  abandon(reason: Error): void {
    this.slot = -1;
    this.ended("throw", reason, []);
  }

  /** @internal */
  private get endsWithProgram(): boolean {
    return this.daemon && this.scheduler.ending;
  }

  /** @internal */
  protected override report(error: unknown): void {
    // What it was cleaning up with has been closed before.
    if (this.endsWithProgram && isInstance(error, ClosedError)) return;
    this.scheduler.reportError(error, this as Coro);
  }

  /** @internal */
  protected override ended(kind: Ending, value: unknown, undelivered: readonly unknown[]): void {
    if (kind === "throw") {
      if (isInstance(value, Proposal) && value.generator !== this.top) {
        this.beginWith(value.generator, value.target);
        this.wait = null;
        this.loop.makeReady(this);
        return;
      }
      labelStack(value, this as Coro);
      this.last = value;
      this.flags |= THREW;
    } else {
      if (kind === "terminate" || value !== undefined) this.last = value;
      if (kind === "terminate") this.flags |= TERMINATED | GOT;
      else this.flags |= value === undefined ? RETURNED | GOT : RETURNED;
    }
    this.top = NO_BODY;
    this.frames = null;
    this.wait = null;
    if ((this.flags & MONITORED) !== 0) this.tellMonitors(monitorsOf.get(this as Coro)!);
    if (!this.acceptsMessages) this.letGo();
    if (this.joinersOrClaims !== null) this.tellCompletionWaiters();
    // From here on a hook may be called, and ask for the outcome.
    this.scheduler.dismiss(this as Coro);
    if (this.unhandled) this.scheduler.failedUnhandled(this as Coro);
    else if ((this.flags & MONITORED) === 0) this.hostContext = undefined;
    if (this.held !== null) this.passOnHeld();
    for (const error of undelivered) if (error !== value) this.report(error);
  }

  /** @internal */
  private tellMonitors(monitors: Set<Coro>): void {
    for (const monitor of monitors) this.inform(monitor);
  }

  /** @internal */
  private inform(monitor: Coro): void {
    const news = this.news();
    // One that has failed itself gets the message when it is restarted, but nobody can tell whether it will be.
    if (!monitor.send(news) || (this.flags & THREW) === 0 || !monitor.isAlive()) return;
    const sent = exitMessagesOf.get(this as Coro);
    const entry = { monitor, mailbox: monitor.mailbox!, news };
    if (sent === undefined) exitMessagesOf.set(this as Coro, [entry]);
    else sent.push(entry);
  }

  /** @internal It can receive no more: whoever refers to it lets go, and it lets go of its monitors. */
  private letGo(): void {
    const monitors = (this.flags & MONITORED) === 0 ? null : monitorsOf.get(this as Coro)!;
    const mailbox = this.mailbox;
    this.flags &= ~MONITORED;
    this.mailbox = null;
    if (monitors !== null) {
      monitorsOf.delete(this as Coro);
      for (const monitor of monitors) monitor.untie(this);
    }
    mailbox?.close(this as Coro);
  }

  /** @internal Adds somebody who refers to it as a recipient and is told when it can receive no more. */
  endListener(endListener: EndListener): void {
    (this.mailbox ??= new Mailbox()).endListener(endListener);
  }

  /** @internal Takes that back. */
  untie(endListener: EndListener): void {
    this.mailbox?.untie(endListener);
  }

  /** @internal */
  private tellCompletionWaiters(): void {
    const failed = (this.flags & THREW) !== 0;
    let claims: Claims = null;
    for (
      let completionWaiter = this.firstCompletionWaiter;
      completionWaiter !== null;
      completionWaiter = this.firstCompletionWaiter
    ) {
      this.unjoin(completionWaiter);
      if (failed) {
        claims = addClaim(claims, completionWaiter);
        completionWaiter.reject(this.last);
      } else {
        completionWaiter.resolve(this.last);
      }
    }
    if (!failed) return;
    this.joinersOrClaims = claims;
    this.flags |= CLAIMED;
  }

  /** @internal */
  private addMonitor(monitor: Coro): void {
    monitor.endListener(this);
    const monitors = monitorsOf.get(this as Coro);
    if (monitors !== undefined) monitors.add(monitor);
    else monitorsOf.set(this as Coro, new Set([monitor]));
    this.flags |= MONITORED;
  }

  /** @internal */
  private passOnHeld(): void {
    // One by one, as a hook that is told may release others.
    for (let holding = this.held; holding !== null; holding = this.held) {
      this.held = holding.nextHeld;
      holding.nextHeld = null;
      const what = holding.describeHeld();
      if (what !== null && !this.endsWithProgram) {
        this.report(withoutStack(new Error(`Coroutine ${this} ended while it held ${what}: it is passed on`)));
      }
      holding.holderEnded();
    }
  }

  /** @internal */
  private outcome(): Outcome {
    if ((this.flags & THREW) !== 0) return { kind: "throw", error: this.last };
    return (this.flags & RETURNED) !== 0 ? { kind: "return", value: this.last } : { kind: "terminate" };
  }

  /** @internal */
  private news(): MonitorException {
    return withoutStack(new MonitorException(this as Coro, this.outcome()));
  }

  /** @internal */
  private markHandled(by: unknown): void {
    if ((this.flags & THREW) === 0) return;
    this.joinersOrClaims = addClaim((this.flags & CLAIMED) === 0 ? null : this.joinersOrClaims as Claims, by);
    this.flags |= CLAIMED;
  }
}

/** A hot swap on its way: knows the function, for the coroutine's name. */
class Proposal extends HotSwapException {
  readonly target: Named;

  constructor(generator: Body, target: Named) {
    super(generator);
    this.target = target;
  }
}

/** A promise of `value()`. */
class PromiseWaiter implements CompletionWaiter {
  nextJoiner: CompletionWaiter | null = null;
  prevJoiner: CompletionWaiter | null = null;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  timer: Timer | null = null;
  onSettled: () => void = () => {};

  constructor(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: unknown): void {
    this.timer?.cancel();
    this.onSettled();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.timer?.cancel();
    this.onSettled();
    this.#reject(error);
  }

  give(value: unknown): void {
    this.resolve(value);
  }

  fail(error: unknown): void {
    this.reject(error);
  }
}

/** The function itself, if it is a generator function. */
export function checkTarget(target: unknown): void {
  if (isGeneratorFunction(target)) return;
  const hint = typeof target === "function" ? ", write function* and await promises with yield* until(promise)" : "";
  throw new TypeError(
    `Cannot create a coroutine as 'target' must be a generator function: current value is ${describe(target)}${hint}`,
  );
}

/** The priority itself, if it is one. */
export function checkPriority(priority: unknown): number {
  if (Number.isInteger(priority) && priority as number >= 0 && priority as number <= 7) return priority as number;
  throw new RangeError(
    `Cannot set the priority as 'priority' must be an integer from 0 (first) to 7 (last): ` +
      `current value is ${describe(priority)}`,
  );
}

/** The name of a function, which the program may have replaced by anything. */
function nameOf(named: Named): string {
  try {
    const name: unknown = named.name;
    return typeof name === "string" && name !== "" ? name : "anonymous";
  } catch {
    return "anonymous";
  }
}

function checkMonitor(monitor: unknown, observe: unknown): void {
  for (const [role, coro] of [["monitor", monitor], ["observe", observe]] as const) {
    if (coro instanceof Coro) continue;
    throw new TypeError(`Cannot monitor as '${role}' must be a coroutine: current value is ${describe(coro)}`);
  }
  if (monitor === observe) {
    throw new TypeError(`Cannot monitor ${describe(String(monitor))} by itself: its end could not be received`);
  }
}

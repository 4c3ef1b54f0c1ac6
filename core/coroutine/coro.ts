import { addHandler, removeHandler } from "./failure_handlers.ts";
import { abortEndSignal, endSignalOf, forgetEndSignal } from "./end_signal.ts";
import { context } from "../fiber/context.ts";
import { describe, isError, isInstance } from "../base/describe.ts";
import { ClosedError } from "../base/errors.ts";
import { MonitorException, type Outcome } from "./errors.ts";
import * as asyncContext from "../host/async_context.ts";
import {
  addCompletionWaiter,
  type CompletionWaiter,
  listCompletionWaiters,
  removeCompletionWaiter,
} from "../fiber/completion_waiter.ts";
import { isAdopted, PromiseWaiter } from "./completion.ts";
import { AskOperation } from "./ask_operation.ts";
import * as coroOf from "./coro_of.ts";
import { Deliver } from "./deliver.ts";
import * as endListeners from "./end_listeners.ts";
import type { EndListener } from "./end_listeners.ts";
import type { Owner } from "../fiber/owner.ts";
import { HotSwapProposal } from "./hot_swap.ts";
import { Mailbox } from "./mailbox.ts";
import {
  addMonitor,
  dropMonitor,
  forgetExitMessages,
  hasLivingMonitor,
  isFailureMonitored,
  type Monitor,
  monitorsOf,
  removeMonitors,
  sendExitMessage,
} from "./monitors.ts";
import * as localValues from "./local_values.ts";
import { checkName, Registry } from "./names.ts";
import { type OwnedResource, ownership } from "./ownership.ts";
import { Receive, receiveFor } from "./receive.ts";
import {
  checkReceiveOptions,
  isReceiveOptions,
  type ReceiveGuardOptions,
  type ReceiveLimit,
  type ReceiveOptions,
  type ReceiveOptionsWithoutTimeout,
} from "./receive_options.ts";
import { ReceiveWhere } from "./receive_where.ts";
import { Immediate } from "../operations/immediate.ts";
import { Finish } from "../operations/finish.ts";
import { limited } from "../operations/limited.ts";
import type { OutcomeReceiver } from "../operations/joinable.ts";
import { inSubroutine } from "../operations/repeated_wait.ts";
import { mustBeCurrent } from "../operations/must_be_self.ts";
import { Sleep } from "../operations/sleep.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import type { Operation } from "../fiber/operation.ts";
import * as spawnOptions from "./spawn_options.ts";
import { type CheckedSpawnOptions, checkPriority, DEFAULT_PRIORITY, type Named, nameOf } from "./spawn_options.ts";
import { labelStack, withoutStack } from "../base/error_report.ts";
import type { PeerLocation } from "./peer_location.ts";
import type { Scheduler } from "./scheduler.ts";
import type { CoroLoop } from "./coro_loop.ts";
import type { Unwinding } from "../fiber/unwinding.ts";
import { type Ending, Fiber } from "../fiber/fiber.ts";
import type { Body } from "../base/generator.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { type Limit, limitSeconds, limitSignal } from "../base/limit.ts";

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

/** What is true of a coroutine, one bit each. */
const enum Flag {
  DAEMON = 1,
  SWAPPABLE = 2,
  RETURNED = 4,
  THREW = 8,
  TERMINATED = 16,
  ENDED = RETURNED | THREW | TERMINATED,
  /** Its failure has a handler, see `failure_handlers.ts`. */
  HANDLED = 32,
  /** It has monitors, or had some that ended. */
  MONITORED = 64,
  /** It returned nothing or was terminated: its result is the value of its last yield. */
  RESULT_IS_LAST_VALUE = 128,
  /** It belongs to a group, which ends when it fails: nothing restarts it. */
  IN_GROUP = 256,
  /** Its `signal` was used. */
  HAS_SIGNAL = 512,
  /** The next search for deadlocks begins from it, among others. */
  NOTED = 1024,
}

// V8 compiles the constants of this module into its code, and looks imported ones up at each use. These are used for every
// coroutine.
const captureContext = asyncContext.captureContext;
const checkTarget = spawnOptions.checkTarget;
const locals = localValues.locals;
const notifyEndListeners = endListeners.notifyEndListeners;
const runningCoroId = coroOf.runningCoroId;
const takeSpawnRequest = spawnOptions.takeSpawnRequest;

/** @internal Names of coroutines, of every scheduler in the process that has joined no network. */
export const coroutineNames: Registry<Coro> = new Registry<Coro>("coroutine", (coro) => coro.isAlive());
const nameListener: EndListener = { onEnd: (coro) => coroutineNames.at((coro as Coro).loop).forget(coro as Coro) };

// The generator is created with the coroutine as its argument, so the coroutine exists first, without a generator.
const NO_BODY: Body = (function* () {})();

/**
 * A coroutine: a generator function that runs concurrently with others, one step at a time.
 *
 * Creating it schedules it; it runs from the next turn on, never inside the constructor. Inside a
 * coroutine `new Coro` joins that coroutine's scheduler, elsewhere the default one.
 *
 * Its result is the return value of the generator function; if that is `undefined`, the value of its last `yield`.
 *
 * Every step of it runs in the host's asynchronous context in which it was created, such as the values of
 * `AsyncLocalStorage` or the active span of OpenTelemetry, no matter what wakes it. This includes its cleanup. A value
 * that a step stores with `enterWith` is dropped at the end of the step.
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
  /** @internal The run loop of its scheduler. */
  declare loop: CoroLoop;
  /** Identifies it among all coroutines of its scheduler; never reused. */
  declare readonly id: number;
  /** The `id` of the coroutine that created it; 0 if it was created outside coroutines. */
  declare readonly parent: number;
  /** @internal Its messages; created when the first one is sent, or when the first receive waits. */
  declare mailbox: Mailbox | null;
  /** @internal The first of its resources, see `ownership.ts`. */
  declare ownedResource: OwnedResource | null;
  /** @internal Milliseconds from the scheduler's start to this coroutine's. */
  declare readonly createdAt: number;
  declare private flags: number;
  // Its name, or what has its name, such as its function.
  declare private nameSource: string | Named;
  // The first of what waits for its end.
  declare private firstWaiter: CompletionWaiter | null;

  /**
   * Creates a coroutine and schedules it.
   *
   * @param target A generator function, called at once with the new coroutine and `args`; its generator runs from the
   * next turn on.
   * @param args Its arguments after the coroutine.
   * @throws {TypeError} If `target` is not a generator function.
   * @throws {RangeError} If there is no memory for another coroutine.
   * @throws {Error} If the scheduler has been terminated.
   */
  constructor(target: CoroFunction<A, R>, ...args: A) {
    const { loop, options } = takeSpawnRequest();
    if (options === null) checkTarget(target);
    super(loop, options === null ? DEFAULT_PRIORITY : options.priority);
    this.initialize(NO_BODY, captureContext());
    this.nameSource = target;
    this.flags = 0;
    this.firstWaiter = null;
    this.mailbox = null;
    this.ownedResource = null;
    this.id = loop.nextId();
    this.parent = runningCoroId();
    this.createdAt = loop.uptime();
    if (options !== null) this.configure(options);
    if (locals.inheritance !== null) localValues.inherit(this);
    // Default values of parameters are evaluated here and may throw: nothing must be registered yet.
    this.top = target(this, ...args);
    loop.register(this);
  }

  /** @internal Sets what was given to `spawnWith`, but for the priority. */
  private configure({ name, daemon, mailbox = null }: CheckedSpawnOptions): void {
    if (name !== undefined) this.nameSource = name;
    if (daemon) this.flags |= Flag.DAEMON;
    this.mailbox = mailbox;
  }

  /** The scheduler that runs it. */
  get scheduler(): Scheduler {
    return this.loop.scheduler;
  }

  /** @internal Itself: a coroutine is its own main fiber. */
  override get owner(): Coro {
    return this as Coro;
  }

  /** @internal Whether the next search for deadlocks begins from it, see `deadlock.ts`. */
  get noted(): boolean {
    return (this.flags & Flag.NOTED) !== 0;
  }

  set noted(noted: boolean) {
    this.flags = noted ? this.flags | Flag.NOTED : this.flags & ~Flag.NOTED;
  }

  /** Where it is, if it is a handle to a coroutine of another peer; `null` for one of this process. */
  get location(): PeerLocation | null {
    return null;
  }

  /** Its name; by default that of its function. It need not be unique. */
  get name(): string {
    return typeof this.nameSource === "string" ? this.nameSource : nameOf(this.nameSource);
  }

  set name(name: string) {
    this.nameSource = spawnOptions.toName(name);
  }

  /**
   * Its priority: 0 (first) to 7 (last), 4 by default. A change takes effect at once.
   *
   * @throws {RangeError} If it is set to anything but an integer from 0 to 7.
   */
  get priority(): number {
    return this.level;
  }

  set priority(priority: number) {
    this.setLevel(checkPriority(priority));
  }

  /** Whether it is a daemon: `join()` does not wait for it, and it does not keep the process alive. */
  get daemon(): boolean {
    return (this.flags & Flag.DAEMON) !== 0;
  }

  /**
   * Makes it a daemon, or no longer one. What it waits for no longer keeps the process alive, or does so again.
   *
   * Some host operations keep the process alive in any case until they end: a write that the peer does not read, a
   * connection that is being made, the program's own promises.
   *
   * @param flag Whether it is to be a daemon.
   */
  setDaemon(flag = true): void {
    if (this.daemon === flag) return;
    this.flags ^= Flag.DAEMON;
    if (!this.isAlive()) return;
    this.loop.daemonChanged(flag);
    this.wait?.waiterChanged();
  }

  /** Whether it has not ended. A coroutine that failed has ended, even if a monitor may still restart it. */
  isAlive(): boolean {
    return (this.flags & Flag.ENDED) === 0;
  }

  /**
   * A signal that is aborted once its termination begins or it has ended, for APIs that take one. The reason is an error
   * that names the coroutine. It is made on first use; after a restart by a monitor it is another one.
   *
   * @example
   * ```ts
   * import { Coro } from "@asyncoro/asyncoro";
   * import { assertEquals } from "@std/assert";
   *
   * const log: string[] = [];
   * const coro = new Coro(function* listener(coro) {
   *   coro.signal.addEventListener("abort", () => log.push(coro.signal.reason.message));
   *   yield* coro.sleep(60);
   * });
   * setTimeout(() => coro.terminate(), 10);
   * await coro.value();
   * assertEquals(log, [`Coroutine ${coro} is being terminated`]);
   * ```
   */
  get signal(): AbortSignal {
    const signal = endSignalOf(this);
    if ((this.flags & Flag.HAS_SIGNAL) === 0) {
      this.flags |= Flag.HAS_SIGNAL;
      if (!this.isAlive()) this.abortSignal("has ended");
      else if (this.control?.unwinding?.announced === 0) {
        this.abortSignal("is being terminated");
      }
    }
    return signal;
  }

  /** @internal Aborts its signal, if that is used. */
  private abortSignal(why: string): void {
    if (this.flags & Flag.HAS_SIGNAL) abortEndSignal(this, `Coroutine ${this} ${why}`);
  }

  /** `name/id`. */
  override toString(): string {
    return `${this.name}/${this.id}`;
  }

  /** @internal How `console.log` shows it: the name only, as the fields form a cyclic graph. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Coro ${this}`;
  }

  // --- waiting as itself --------------------------------------------------------------------------------------

  /**
   * Suspends this coroutine until it is resumed or the time is up.
   *
   * @typeParam T The type of the value it is resumed with, which the compiler does not check.
   * @param limit Seconds, a duration or an `AbortSignal`, see {@linkcode Limit}; without one it waits for `resume()`. Zero
   * or less does not suspend.
   * @param alarmValue The value of the operation when the time is up; `undefined` by default.
   * @returns The value it was resumed with, or `alarmValue`.
   * @throws {TypeError} If `limit` is not a valid limit.
   * @throws {Error} If it is not called by this coroutine itself.
   */
  sleep<T = unknown>(signal?: AbortSignal): Operation<T>;
  /** The same with a limit: `undefined` after a timeout. */
  sleep<T = unknown>(limit: Limit): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  sleep<T = unknown>(limit: Limit, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  sleep<T, A>(limit: Limit, alarmValue: A): Operation<T | A>;
  sleep(limit?: Limit, alarmValue?: unknown): Operation<unknown> {
    const seconds = limitSeconds(limit, "sleep");
    mustBeCurrent(this as Coro, "sleep");
    return limited(new Sleep(seconds, alarmValue), limit);
  }

  /** The same as {@linkcode Coro.sleep}. */
  suspend<T = unknown>(signal?: AbortSignal): Operation<T>;
  /** The same with a limit: `undefined` after a timeout. */
  suspend<T = unknown>(limit: Limit): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  suspend<T = unknown>(limit: Limit, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  suspend<T, A>(limit: Limit, alarmValue: A): Operation<T | A>;
  suspend(limit?: Limit, alarmValue?: unknown): Operation<unknown> {
    return this.sleep(limit, alarmValue);
  }

  /**
   * Wakes it, if it is in `sleep` or `suspend`; has no effect on a coroutine that waits for anything else.
   *
   * @param update The value of its `sleep`.
   * @returns Whether it slept. A second call before it has run returns `false`.
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
   * @returns `false` if it has ended, or if its mailbox is full and neither drops the oldest message nor throws. A
   * coroutine that failed still accepts messages while it has a living monitor, which may restart it.
   * @throws {QueueFullError} If its mailbox is full and has the policy `"throw"`.
   */
  send(message: unknown): boolean {
    if (!this.acceptsMessages) return false;
    return (this.mailbox ??= new Mailbox()).post(message);
  }

  /** @internal Whether it accepts messages: it has not ended, or has a living monitor, which may restart it. */
  get acceptsMessages(): boolean {
    return (this.flags & Flag.ENDED) === 0 || this.restartable();
  }

  /**
   * Like {@linkcode Coro.send}, as an operation. It waits only for room in a bounded mailbox with the policy `"wait"`;
   * those who wait are served in order.
   *
   * @param message Anything.
   * @param limit How long to wait at most.
   * @returns 1 if the message is in the mailbox, 0 after a timeout or if the mailbox dropped it, -1 if the recipient has
   * ended, also while this waits. `QueueFullError` is thrown at the `yield` if the mailbox is full and has the policy
   * `"throw"`.
   * @throws {TypeError} If `limit` is not a valid limit.
   */
  deliver(message: unknown, limit?: Limit): Operation<number> {
    return limited(new Deliver(this as Coro, message, limitSeconds(limit, "deliver")), limit);
  }

  /**
   * Sends a request as an {@linkcode Ask} and waits for the answer. It waits for room in a bounded mailbox as
   * {@linkcode Coro.deliver} does, within its limit.
   *
   * @typeParam R The type of the answer, which the compiler does not check.
   * @param message The request: the recipient gets an `Ask` with this `message`.
   * @param limit The longest wait for the answer; 5 seconds by default, and `null` sets no limit. With zero or less
   * nothing is sent.
   * @returns The value of the recipient's `reply`. Thrown at the `yield`: the error of its `fail`; `TimeoutError` if the
   * answer is late, which then goes nowhere; `NoReplyError` if the recipient has ended, ends without an answer, fails
   * after it has received the request, or drops it; `QueueFullError` as by `send`.
   * @throws {TypeError} If `limit` is not a valid limit.
   *
   * @example
   * ```ts
   * import { type Ask, Coro, run } from "@asyncoro/asyncoro";
   * import { assertEquals } from "@std/assert";
   *
   * await run(function* () {
   *   const doubler = new Coro(function* (coro) {
   *     while (true) {
   *       const request = yield* coro.receive<Ask<number, number>>();
   *       if (request.message > 100) request.fail(new RangeError("too large"));
   *       else request.reply(2 * request.message);
   *     }
   *   });
   *   assertEquals(yield* doubler.ask<number>(21), 42);
   *   doubler.terminate();
   * });
   * ```
   */
  ask<R = unknown>(message: unknown, limit: Limit = 5): Operation<R> {
    return limited(new AskOperation<R>(this as Coro, message, limitSeconds(limit, "ask")), limit);
  }

  /**
   * Takes the earliest message from the mailbox, waiting for one if there is none.
   *
   * @typeParam T The type of the message, which the compiler does not check.
   * @param limit Seconds to wait at most, a duration or an `AbortSignal`, see {@linkcode Limit}; zero or less does not
   * wait. When the signal is aborted, its reason is thrown at the yield.
   * @param alarmValue The value of the operation after a timeout; `undefined` by default.
   * @throws {TypeError} If `limit` is neither a valid limit nor valid options.
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
   *
   * @example The earliest message that is wanted; the others stay, in order
   * ```ts
   * import { run } from "@asyncoro/asyncoro";
   * import { assertEquals } from "@std/assert";
   *
   * await run(function* (coro) {
   *   for (const n of [1, 2, 3]) coro.send(n);
   *   assertEquals(yield* coro.receive({ where: (n: number) => n % 2 === 0 }), 2);
   *   assertEquals(yield* coro.receive({ where: (n: number) => n > 5, timeout: 0.01, alarm: "none" }), "none");
   *   assertEquals([yield* coro.receive(), yield* coro.receive()], [1, 3]);
   * });
   * ```
   */
  receive<T = unknown>(signal?: AbortSignal): Operation<T>;
  /** The earliest message of a type, which `where` tells. */
  receive<T>(options: ReceiveGuardOptions<T>): Operation<T>;
  /** The same with a limit: `undefined` after a timeout, or the alarm value. */
  receive<T, A = undefined>(options: ReceiveGuardOptions<T> & ReceiveLimit<A>): Operation<T | NoInfer<A>>;
  /** The earliest message that `where` takes. */
  receive<T = unknown>(options: ReceiveOptionsWithoutTimeout<T>): Operation<T>;
  /** The same with a limit: `undefined` after a timeout, or the alarm value. */
  receive<T = unknown, A = undefined>(options: ReceiveOptions<T, A>): Operation<T | NoInfer<A>>;
  /** The earliest message, with a limit: `undefined` after a timeout. */
  receive<T = unknown>(limit: Limit): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  receive<T = unknown>(limit: Limit, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  receive<T, A>(limit: Limit, alarmValue: A): Operation<T | A>;
  // deno-lint-ignore no-explicit-any -- as above
  receive(limit?: Limit | ReceiveOptions<any>, alarmValue?: unknown): Operation<unknown> {
    // What has a limit is elsewhere, so that V8 inlines this.
    if (limit !== undefined) return this.receiveWithin(limit, alarmValue);
    mustBeCurrent(this as Coro, "receive");
    return receiveFor(this as Coro);
  }

  /** @internal */
  // deno-lint-ignore no-explicit-any -- as in `receive`
  private receiveWithin(limit: Limit | ReceiveOptions<any>, alarmValue: unknown): Operation<unknown> {
    if (isReceiveOptions(limit)) return this.receiveWith(limit, alarmValue);
    const seconds = limitSeconds(limit, "receive");
    mustBeCurrent(this as Coro, "receive");
    return limited(new Receive(this as Coro, seconds, alarmValue), limit);
  }

  /** @internal */
  // deno-lint-ignore no-explicit-any -- as in `receive`
  private receiveWith(options: ReceiveOptions<any>, alarmValue: unknown): Operation<unknown> {
    const { where, limit, seconds, alarm } = checkReceiveOptions(options, alarmValue);
    mustBeCurrent(this as Coro, "receive");
    return limited(
      where === undefined
        ? new Receive(this as Coro, seconds, alarm)
        : new ReceiveWhere(this as Coro, where, seconds, alarm),
      limit,
    );
  }

  /** The same as {@linkcode Coro.receive}. */
  recv<T = unknown>(signal?: AbortSignal): Operation<T>;
  /** The earliest message of a type, which `where` tells. */
  recv<T>(options: ReceiveGuardOptions<T>): Operation<T>;
  /** The same with a limit: `undefined` after a timeout, or the alarm value. */
  recv<T, A = undefined>(options: ReceiveGuardOptions<T> & ReceiveLimit<A>): Operation<T | NoInfer<A>>;
  /** The earliest message that `where` takes. */
  recv<T = unknown>(options: ReceiveOptionsWithoutTimeout<T>): Operation<T>;
  /** The same with a limit: `undefined` after a timeout, or the alarm value. */
  recv<T = unknown, A = undefined>(options: ReceiveOptions<T, A>): Operation<T | NoInfer<A>>;
  /** The earliest message, with a limit: `undefined` after a timeout. */
  recv<T = unknown>(limit: Limit): Operation<T | undefined>;
  /** The same with an alarm value that is of the type named. */
  recv<T = unknown>(limit: Limit, alarmValue: NoInfer<T>): Operation<T>;
  /** The same with an alarm value of another type. */
  recv<T, A>(limit: Limit, alarmValue: A): Operation<T | A>;
  recv(limit?: Limit, alarmValue?: unknown): Operation<unknown> {
    return this.receive(limit, alarmValue);
  }

  // --- names --------------------------------------------------------------------------------------------------

  /**
   * Registers it under a name, by which {@linkcode Coro.locate} finds it. It may have several names.
   *
   * A name is removed when its coroutine ends. A coroutine that failed keeps its names as long as a monitor may restart
   * it, or until a living coroutine registers under them.
   *
   * @param name The name; its own by default.
   * @returns `false` if a living coroutine (including this one) has the name, or if this coroutine has ended.
   * @throws {TypeError} If `name` is not a string or is empty.
   */
  register(name: string = this.name): boolean {
    checkName(name, "register a coroutine");
    if (!this.isAlive() || !coroutineNames.at(this.loop).register(name, this as Coro)) return false;
    this.addEndListener(nameListener);
    return true;
  }

  /**
   * Removes a name.
   *
   * @param name The name; its own by default.
   * @returns `false` if this coroutine is not registered under it.
   * @throws {TypeError} If `name` is not a string or is empty.
   */
  unregister(name: string = this.name): boolean {
    return coroutineNames.at(this.loop).unregister(name, this as Coro);
  }

  /**
   * Finds the coroutine that is registered under a name, waiting for a registration if there is none.
   *
   * A scheduler that has joined a network looks among its own coroutines, then asks its peers, also those that it meets
   * while it waits. Other schedulers of a process have their names in common.
   *
   * @param name The name.
   * @param limit How long to wait at most; zero or less does not wait, and asks no peer.
   * @param location Where to look only.
   * @returns The coroutine, or `null` after a timeout. An error is thrown at the `yield` if a location is given and the
   * scheduler has joined no network.
   * @throws {TypeError} If `name` is not a string or is empty, or `limit` is not a valid limit.
   */
  static locate(name: string, limit?: Limit, location?: PeerLocation | null): Operation<Coro | null> {
    return coroutineNames.locate(name, limit, location);
  }

  // --- exceptions and the end ---------------------------------------------------------------------------------

  /**
   * Throws an error in it, at the point where it waits. The wait is cancelled, and nothing that it was granted is lost.
   *
   * A coroutine that has not started fails at its first line. Several errors are thrown in order, one in each step.
   *
   * @param error The error.
   * @returns `false` if it has ended, or is the coroutine that runs: use a `throw` statement there.
   * @throws {TypeError} If `error` is not an error.
   */
  throw(error: unknown): boolean {
    if (!isError(error)) {
      throw new TypeError(
        `Cannot throw in ${this} as 'error' must be an Error: current value is ${describe(error)}, wrap it in one`,
      );
    }
    if (!this.isAlive() || context.fiber?.owner === this) return false;
    this.requestThrow(error);
    return true;
  }

  /**
   * Ends it: its wait is cancelled; `finally` blocks run, innermost frame first, and may wait. A coroutine that
   * terminates itself stops at its next `yield`. Its result is the value of its last `yield`.
   *
   * If an error is being thrown through a `finally` block that waits, termination replaces the error, as `return()` of a
   * generator does, and so does a deadline: that error is lost and not reported. Where it must not be lost, catch it
   * before the cleanup.
   *
   * @param grace Seconds (or a duration) that `finally` blocks may take, 5 by default; after that every further wait is
   * cut short.
   * @returns `false` if it has ended already.
   * @throws {TypeError} If `grace` is not a valid duration.
   */
  terminate(grace: Timeout = GRACE_SECONDS): boolean {
    const seconds = toSeconds(grace, "terminate", "grace");
    if (!this.isAlive()) return false;
    this.requestUnwind(-1, Math.max(0, seconds), null);
    return true;
  }

  /** @internal */
  protected override announce(unwinding: Unwinding): void {
    super.announce(unwinding);
    if (unwinding.depth < 0) this.abortSignal("is being terminated");
  }

  /**
   * Waits for its end, for code outside coroutines.
   *
   * @param limit How long to wait at most.
   * @returns A promise of its result. A promise that the coroutine returns is awaited; a promise that is only the value
   * of its last `yield` is not, and the result is `undefined` instead. It is rejected with the error that ended the
   * coroutine, with `TimeoutError` after a timeout, with the reason of a signal that is aborted, or with `DeadlockError`
   * if the coroutine can never end.
   * @throws {TypeError} If `limit` is not a valid limit.
   */
  value(limit?: Limit): Promise<R> {
    const seconds = limitSeconds(limit, "wait for a coroutine");
    const signal = limitSignal(limit);
    return new Promise((resolve, reject) => {
      const settle = (value: unknown): void =>
        resolve((this.flags & Flag.RESULT_IS_LAST_VALUE && isAdopted(value) ? undefined : value) as R);
      new PromiseWaiter(settle, reject).waitFor(this as Coro, seconds, signal);
    });
  }

  /**
   * Waits for its end, for coroutines.
   *
   * @param limit How long to wait at most.
   * @returns Its result. The error that ended it is thrown at the `yield`; `TimeoutError` after a timeout;
   * `DeadlockError` if it can never end.
   * @throws {TypeError} If `limit` is not a valid limit.
   */
  finish(limit?: Limit): Operation<R> {
    // Most have no limit, and V8 inlines this where what has a limit is elsewhere.
    return limit === undefined ? new Finish<R>(this as Coro, Infinity) : this.finishWithin(limit);
  }

  /** @internal */
  private finishWithin(limit: Limit): Operation<R> {
    return limited(new Finish<R>(this as Coro, limitSeconds(limit, "wait for a coroutine")), limit);
  }

  // --- monitors -----------------------------------------------------------------------------------------------

  /**
   * Makes this coroutine a monitor of another one: when that ends, a {@linkcode MonitorException} is sent to this one.
   *
   * If it has ended already, the message is sent at once. Adding a monitor again has no effect.
   *
   * @param observe The coroutine to observe.
   * @returns `true`, or `false` if this coroutine has ended.
   * @throws {TypeError} If `observe` is not a coroutine, or is this one.
   */
  monitor(observe: Coro): Operation<boolean> {
    checkMonitor("observe", observe, this);
    return new Immediate("monitor", () => observe.notify(this as Coro));
  }

  /**
   * Adds a monitor to this coroutine, as {@linkcode Coro.monitor} of the other one does.
   *
   * @param monitor The coroutine that gets the message.
   * @returns `true`, or `false` if `monitor` has ended.
   * @throws {TypeError} If `monitor` is not a coroutine, or is this one.
   */
  notify(monitor: Coro): boolean {
    checkMonitor("monitor", monitor, this);
    return monitor.observe(this as Coro);
  }

  /** @internal Begins to monitor a coroutine, at its own home: one of another peer asks that peer. */
  observe(coro: Coro): boolean {
    return this.isAlive() && coro.takeMonitor(this as Coro);
  }

  /** @internal Adds a monitor that is in this process and lives. */
  takeMonitor(monitor: Coro): boolean {
    if (!this.isAlive()) {
      this.tellMonitor(monitor);
      // A coroutine that failed may be restarted and end again.
      if ((this.flags & Flag.THREW) === 0) return true;
    }
    addMonitor(this as Coro, monitor);
    this.flags |= Flag.MONITORED;
    return true;
  }

  /** @internal A monitor of this coroutine has ended. */
  onEnd(monitor: Owner): void {
    dropMonitor(this as Coro, monitor as Coro);
    if (this.acceptsMessages) return;
    this.release();
    if (!this.unhandled) this.hostContext = undefined;
  }

  // --- hot swap -----------------------------------------------------------------------------------------------

  /**
   * Allows or forbids replacing its generator by {@linkcode Coro.hotSwap}.
   *
   * @param flag Whether it is allowed.
   * @throws {Error} If it is not called by the coroutine itself.
   */
  hotSwappable(flag: boolean): void {
    mustBeCurrent(this as Coro, "set hotSwappable");
    this.flags = flag ? this.flags | Flag.SWAPPABLE : this.flags & ~Flag.SWAPPABLE;
    this.swapSoon();
  }

  /**
   * Asks to replace its generator by another one; it keeps its id, mailbox, monitors and the waiters for its end.
   *
   * When the coroutine is `hotSwappable`, is in its outermost generator and waits neither for I/O nor for a worker, a
   * `HotSwapException` is thrown in it. Throwing that exception again (or not catching it) accepts the swap:
   * the new generator starts from its beginning. Until then the request stays pending; a newer request replaces it.
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
      this.requestSwap(new HotSwapProposal(target(this, ...args), target));
      return true;
    }
    if (!this.restartable()) return false;
    const body = target(this, ...args);
    // This may throw; nothing has changed then.
    this.loop.register(this as Coro);
    this.beginWith(body, target);
    this.flags &= ~(Flag.ENDED | Flag.HANDLED | Flag.SWAPPABLE | Flag.HAS_SIGNAL);
    forgetEndSignal(this);
    this.last = undefined;
    forgetExitMessages(this as Coro);
    return true;
  }

  /** @internal */
  protected override canSwap(): boolean {
    if ((this.flags & Flag.SWAPPABLE) === 0 || inSubroutine(this.frames)) return false;
    // A coroutine that is being terminated only runs its cleanup.
    if (this.control?.unwinding) return false;
    return this.wait === null || this.wait.swappable();
  }

  /** @internal */
  private beginWith(body: Body, target: Named): void {
    this.top = body;
    // Messages that the old generator has categorized and not received are left to the new one.
    this.mailbox?.uncategorize();
    if (typeof this.nameSource !== "string") this.nameSource = target;
  }

  /** @internal Whether it has failed and has a living monitor, which may restart it. */
  private restartable(): boolean {
    return (this.flags & (Flag.THREW | Flag.MONITORED | Flag.IN_GROUP)) === (Flag.THREW | Flag.MONITORED) &&
      hasLivingMonitor(this as Coro);
  }

  // --- the end ------------------------------------------------------------------------------------------------

  /** @internal Gives `waiter` the outcome if it has ended, and returns whether it has. */
  giveOutcome(waiter: OutcomeReceiver): boolean {
    if (this.isAlive()) return false;
    this.markHandled(waiter);
    if (this.flags & Flag.THREW) waiter.fail(this.last);
    else waiter.give(this.last);
    return true;
  }

  /** @internal What its function has returned: without the rule that `undefined` stands for the last value. */
  get returned(): unknown {
    return (this.flags & Flag.RESULT_IS_LAST_VALUE) === 0 ? this.last : undefined;
  }

  /** @internal Adds a waiter for the end. */
  addCompletionWaiter(waiter: CompletionWaiter): void {
    this.firstWaiter = addCompletionWaiter(this.firstWaiter, waiter);
  }

  /** @internal Adds it to a group. From then on its failure is also a failure of the group, even if others handle it. */
  joinGroup(entry: CompletionWaiter): void {
    this.flags |= Flag.IN_GROUP;
    this.addCompletionWaiter(entry);
  }

  /** @internal Whether a deadline or a signal may end the group that it belongs to, and so terminate it. */
  get underDeadline(): boolean {
    return (this.flags & Flag.IN_GROUP) !== 0 && this.completionWaiters.some((waiter) => waiter.underDeadline === true);
  }

  /** @internal */
  override isDeadlocked(dead: (owner: Owner) => boolean): boolean {
    return super.isDeadlocked(dead) && !this.underDeadline;
  }

  /** @internal Removes a waiter for the end. */
  removeCompletionWaiter(waiter: CompletionWaiter): void {
    this.firstWaiter = removeCompletionWaiter(this.firstWaiter, waiter);
  }

  /** @internal The waiters for the end. */
  get completionWaiters(): readonly CompletionWaiter[] {
    return this.isAlive() ? listCompletionWaiters(this.firstWaiter) : [];
  }

  /** @internal Whether it has failed and nothing but monitors received the error. */
  get unhandled(): boolean {
    return (this.flags & (Flag.THREW | Flag.HANDLED)) === Flag.THREW;
  }

  /** @internal Its failure is handled or reported: unless it may be restarted, it no longer needs its context. */
  failureSettled(): void {
    if (!this.acceptsMessages) this.hostContext = undefined;
  }

  /** @internal Called when its failure is about to be reported: whether a monitor handles it. */
  handledByMonitor(): boolean {
    const handled = isFailureMonitored(this as Coro);
    if (handled) this.markHandled(null);
    return handled;
  }

  /** @internal */
  private markHandled(handler: unknown): void {
    if ((this.flags & Flag.THREW) === 0) return;
    addHandler(this, handler, (this.flags & Flag.HANDLED) === 0);
    this.flags |= Flag.HANDLED;
  }

  /** @internal A wait that was given the failure was cut short before it passed it on: the failure may be unhandled now. */
  markUnhandled(wait: CompletionWaiter): void {
    // The error may be one of the wait's own, or that of a generator before a restart.
    if ((this.flags & Flag.HANDLED) === 0 || !removeHandler(this, wait)) return;
    this.flags &= ~Flag.HANDLED;
    if (this.unhandled) this.loop.failedUnhandled(this as Coro);
  }

  /** @internal Ends it as its scheduler broke down or was killed. No cleanup runs. */
  abandon(reason: Error): void {
    this.loop.freeSlot(this);
    this.ended("throw", reason, []);
  }

  /** @internal Whether it ends with the program, or as its scheduler broke down or was killed. */
  get endsWithLoop(): boolean {
    return this.loop.abandoned || (this.daemon && this.loop.ending);
  }

  /** @internal */
  protected override report(error: unknown): void {
    // The program ends, and what its cleanup uses was closed before.
    if (this.endsWithLoop && isInstance(error, ClosedError)) return;
    this.loop.reportError(error, this as Coro);
  }

  /** @internal */
  protected override ended(kind: Ending, value: unknown, undelivered: readonly unknown[]): void {
    // V8 inlines this into the step that ends as long as it is short, so what is rare has functions of its own.
    if (kind === "return") {
      if (value !== undefined) this.last = value;
      this.flags |= value === undefined ? Flag.RETURNED | Flag.RESULT_IS_LAST_VALUE : Flag.RETURNED;
    } else if (!this.brokeOff(kind, value)) {
      return;
    }
    this.top = NO_BODY;
    this.frames = null;
    this.wait = null;
    if (this.mailbox !== null || (this.flags & Flag.MONITORED) !== 0) this.endMessages();
    if (this.firstWaiter !== null) this.settleCompletionWaiters();
    if ((this.flags & Flag.HAS_SIGNAL) !== 0) this.abortSignal("has ended");
    // From here on code of the program may run and ask for the outcome: hooks.
    this.loop.unregister(this as Coro);
    if (this.unhandled) this.loop.failedUnhandled(this as Coro);
    else if ((this.flags & Flag.MONITORED) === 0) this.hostContext = undefined;
    if (this.ownedResource !== null) ownership.end!(this as Coro);
    if (undelivered.length > 0) this.reportUndelivered(undelivered, value);
  }

  /** @internal It threw or was terminated. Returns `false` if it accepted a hot swap with that, and goes on. */
  private brokeOff(kind: "throw" | "terminate", value: unknown): boolean {
    if (kind === "terminate") {
      this.last = value;
      this.flags |= Flag.TERMINATED | Flag.RESULT_IS_LAST_VALUE;
      return true;
    }
    if (isInstance(value, HotSwapProposal) && value.generator !== this.top) {
      this.beginWith(value.generator, value.target);
      this.wait = null;
      this.loop.makeReady(this);
      return false;
    }
    labelStack(value, this as Coro);
    this.last = value;
    this.flags |= Flag.THREW;
    return true;
  }

  /** @internal */
  private reportUndelivered(errors: readonly unknown[], failure: unknown): void {
    for (const error of errors) if (error !== failure) this.report(error);
  }

  /** @internal Tells its monitors, and drops what would let it receive more, unless it may be restarted. */
  private endMessages(): void {
    if ((this.flags & Flag.MONITORED) !== 0) {
      for (const monitor of monitorsOf(this as Coro)) {
        this.tellMonitor(monitor);
      }
    }
    if (!this.acceptsMessages) this.release();
    else if (this.mailbox !== null) endListeners.notifyOfFailure(this.mailbox.endListeners, this.mailbox);
  }

  /** @internal Sends a monitor the message that this coroutine has ended. */
  private tellMonitor(monitor: Monitor): void {
    const message = withoutStack(new MonitorException(this as Coro, this.outcome()));
    sendExitMessage(this as Coro, monitor, message, (this.flags & Flag.THREW) !== 0);
  }

  /** @internal How it ended. */
  outcome(): Outcome {
    if (this.flags & Flag.THREW) return { kind: "throw", error: this.last };
    return (this.flags & Flag.RETURNED) !== 0 ? { kind: "return", value: this.last } : { kind: "terminate" };
  }

  /** @internal It can receive no more: drops its monitors, and has everything that refers to it as a recipient drop it. */
  private release(): void {
    const { mailbox } = this;
    this.mailbox = null;
    if (this.flags & Flag.MONITORED) {
      this.flags &= ~Flag.MONITORED;
      removeMonitors(this as Coro);
    }
    if (mailbox !== null) notifyEndListeners(mailbox.endListeners, this as Coro);
  }

  /** @internal Adds what refers to it as a recipient and must be notified when it can receive no more. */
  addEndListener(listener: EndListener): void {
    (this.mailbox ??= new Mailbox()).addEndListener(listener);
  }

  /** @internal Removes it. */
  removeEndListener(listener: EndListener): void {
    this.mailbox?.removeEndListener(listener);
  }

  /** @internal */
  private settleCompletionWaiters(): void {
    const failed = (this.flags & Flag.THREW) !== 0;
    // What is settled may run code of the program, such as listeners of signals, which may ask for the outcome.
    for (let waiter = this.firstWaiter; waiter !== null; waiter = this.firstWaiter) {
      this.firstWaiter = removeCompletionWaiter(waiter, waiter);
      if (failed) {
        this.markHandled(waiter);
        waiter.reject(this.last);
      } else {
        waiter.resolve(this.last);
      }
    }
  }
}

function checkMonitor(role: "monitor" | "observe", coro: unknown, self: Coro): void {
  if (!(coro instanceof Coro)) {
    throw new TypeError(`Cannot monitor as '${role}' must be a coroutine: current value is ${describe(coro)}`);
  }
  if (coro === self) {
    throw new TypeError(`Cannot monitor ${describe(`${self}`)} by itself: its end could not be received`);
  }
}

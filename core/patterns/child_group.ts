/**
 * Coroutines that end together with a body of code: what `scope` and `map` have in common.
 *
 * The group runs on the fiber of the coroutine that waits for it, as a subroutine, with the body as a subroutine of that.
 * It is open until something ends it early (a failure, a cancellation, an interruption of the coroutine) or until the
 * body and the children have ended. From then on all that are left are being terminated, and the group waits for their
 * cleanup. That wait is shielded (the `last` one of `children_wait.ts`), so that no child is left behind whatever happens
 * to the coroutine meanwhile: `preempt()` in `fiber/interrupts.ts` keeps interrupts for the next wait.
 */
import type { Body } from "../base/generator.ts";
import { DepthFirst } from "../base/depth_first.ts";
import type { Coro, CoroFunction } from "../coroutine/coro.ts";
import { coroOf } from "../coroutine/coro_of.ts";
import { setNextSpawn } from "../coroutine/spawn_options.ts";
import type { SpawnOptions } from "../coroutine/scheduler.ts";
import { context } from "../fiber/context.ts";
import type { Fiber } from "../fiber/fiber.ts";
import type { CompletionWaiter } from "../fiber/completion_waiter.ts";
import { type QueueLinks, WaitQueue } from "../fiber/wait_queue.ts";
import { Call, call } from "../operations/call.ts";
import { GRACE_SECONDS } from "../fiber/unwinding.ts";
import { ChildrenWait } from "./children_wait.ts";

/** A child that has not ended. Its failure is the group's from the moment of its creation on. */
export class Child implements CompletionWaiter, QueueLinks {
  declare nextCompletionWaiter: CompletionWaiter | null;
  declare prevCompletionWaiter: CompletionWaiter | null;
  declare nextWaiter: Child | null;
  declare prevWaiter: Child | null;
  declare readonly coro: Coro;
  declare readonly group: ChildGroup;
  declare readonly queue: WaitQueue<Child>;

  // As in `Operation`, fields are set here and not where they are declared.
  constructor(coro: Coro, group: ChildGroup, queue: WaitQueue<Child>) {
    this.nextCompletionWaiter = null;
    this.prevCompletionWaiter = null;
    this.nextWaiter = null;
    this.prevWaiter = null;
    this.coro = coro;
    this.group = group;
    this.queue = queue;
  }

  resolve(): void {
    this.group.childEnded(this);
  }

  reject(error: unknown): void {
    this.group.childFailed(this, error);
  }

  deadlocked(error: Error): boolean {
    return this.group.deadlocked(error);
  }

  get underDeadline(): boolean {
    return this.group.underDeadline;
  }
}

/** Open: children may be added, and run. */
const OPEN = 0;
/** All that are left are being terminated. */
const ENDING = 1;
/** Everything has ended. */
const ENDED = 2;

// What ends the body when the group ends early. It is thrown and caught by the group itself. It is no Error: for the stack
// of one that is made while a module loads, V8 compiles the whole module again, which in a bundle takes 9 ms.
const BODY_CLOSED = /* @__PURE__ */ Symbol("The body of the scope was closed");

// Groups may be nested deeper than the engine's stack.
const terminating = /* @__PURE__ */ new DepthFirst<Child>(({ coro, group }) => coro.terminate(group.grace()));

/** See above. */
export class ChildGroup {
  /** The children that it waits for. */
  readonly children: WaitQueue<Child> = new WaitQueue();
  /** The children that are terminated when the others have ended. */
  readonly services: WaitQueue<Child> = new WaitQueue();
  /** What it waits for children with, while it does. */
  wait: ChildrenWait | null = null;
  /** What failed, in that order; an error object counts once. */
  protected readonly failures: Set<unknown> = new Set();
  /** Its name in messages. */
  readonly kind: string;
  /** Whether a deadline or a signal may end it, so that children which wait for each other are not certainly deadlocked. */
  underDeadline = false;
  #state = OPEN;
  #cancelled = false;
  #fiber: Fiber | null = null;
  // The height of the stack beneath the body while the body runs, else -1.
  #bodyDepth = -1;
  // `undefined` as long as it has not begun to end early.
  #reason: { readonly reason: unknown } | undefined = undefined;
  #controller: AbortController | null = null;

  /** `kind` names it in messages. */
  constructor(kind: string) {
    this.kind = kind;
  }

  /** How many children have not ended. */
  get size(): number {
    return this.children.length + this.services.length;
  }

  /** Aborted when it begins to end early. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason.reason);
    }
    return this.#controller.signal;
  }

  /** In words, for messages. */
  toString(): string {
    return `the ${this.kind}`;
  }

  // --- its children -------------------------------------------------------------------------------------------

  /**
   * Prepares for a child with default options: `new Coro()` must follow, and `add()` of that. The caller makes it, as V8
   * copies no arguments only where they are passed on at once.
   */
  beginSpawn(): void {
    this.#mustNotHaveEnded();
    setNextSpawn(coroOf(this.#fiber!).loop.defaultSpawn);
  }

  /** Creates a child with options. */
  spawnWith<A extends readonly unknown[], R>(options: SpawnOptions, target: CoroFunction<A, R>, args: A): Coro<R> {
    this.#mustNotHaveEnded();
    return this.add(this.children, coroOf(this.#fiber!).scheduler.spawnWith(options, target, ...args));
  }

  #mustNotHaveEnded(): void {
    if (this.#state === ENDED) throw new Error(`Cannot spawn in ${this} as it has ended: spawn before its end`);
  }

  /** Adds a new coroutine to a queue of children. */
  add<R>(queue: WaitQueue<Child>, coro: Coro<R>): Coro<R> {
    const child = this.createChild(coro as Coro, queue);
    queue.push(child);
    coro.joinGroup(child);
    // Nothing of it runs: it is terminated before its first step.
    if (this.#state !== OPEN) coro.terminate(this.grace());
    return coro;
  }

  /** Makes the entry of a child. */
  protected createChild(coro: Coro, queue: WaitQueue<Child>): Child {
    return new Child(coro, this, queue);
  }

  /** A child has returned or was terminated. */
  childEnded(child: Child): void {
    child.queue.remove(child);
    this.wait?.look();
  }

  /** A child has failed. */
  childFailed(child: Child, error: unknown): void {
    child.queue.remove(child);
    // It was abandoned: its scheduler broke down, and nothing of the others runs any more.
    if (child.coro.slot < 0) return;
    this.fail(error);
    this.wait?.look();
  }

  /** A child can never end. Returns whether the group waits for it. */
  deadlocked(error: Error): boolean {
    if (this.wait === null) return false;
    this.wait.reject(error);
    return true;
  }

  /** How long the cleanup of children may take, in seconds: no longer than that of the coroutine. */
  grace(): number {
    return this.#fiber!.graceLeft() ?? GRACE_SECONDS;
  }

  /** Terminates all children. Doing so again may shorten their grace. */
  terminateAll(): void {
    // Taken from the last to the first: services after the others.
    for (const queue of [this.services, this.children]) {
      for (let child = queue.head; child !== null; child = child.nextWaiter) terminating.add(child);
    }
    terminating.run();
  }

  // --- its end ------------------------------------------------------------------------------------------------

  /** Ends it early, without a failure. */
  cancel(reason: unknown): void {
    if (this.#state !== OPEN) return;
    this.#cancelled = true;
    this.#endEarly(reason === undefined ? new Error(`Cannot go on in ${this} as it was cancelled`) : reason);
  }

  /** Its coroutine is being terminated, or it is out of time, or it lost a race. */
  cutShort(): void {
    this.#bodyDepth = -1;
    if (this.#state === OPEN) this.#endEarly(new Error(`Cannot go on in ${this} as its coroutine was cut short`));
  }

  /** The body or a child has failed. */
  protected fail(error: unknown): void {
    this.failures.add(error);
    if (this.#state === OPEN) this.#endEarly(error);
  }

  #endEarly(reason: unknown): void {
    this.#state = ENDING;
    this.#reason = { reason };
    // The unwinding of the body comes first: it sets the grace that `grace()` then gives to the children.
    if (this.#bodyDepth >= 0) this.#fiber!.requestUnwind(this.#bodyDepth, GRACE_SECONDS, BODY_CLOSED);
    this.terminateAll();
    this.wait?.look();
    this.#controller?.abort(reason);
  }

  /** What is thrown in the end, if there are failures. */
  protected failure(): unknown {
    const errors = [...this.failures];
    return errors.length === 1
      ? errors[0]
      : new AggregateError(errors, `There were ${errors.length} failures in ${this}`);
  }

  /** Whether it has begun to end: a wait for children to end normally is over. */
  get ending(): boolean {
    return this.#state !== OPEN;
  }

  // --- its run ------------------------------------------------------------------------------------------------

  /** Runs the body, which `start` makes, and waits for everything to end. Called once. */
  *run<T>(start: () => Generator<unknown, T, unknown>): Generator<unknown, T | undefined, unknown> {
    const fiber = this.#fiber = context.fiber as Fiber;
    this.#bodyDepth = fiber.height;
    this.underDeadline = isUnderDeadline(fiber);
    let interrupted = true;
    let bodyEnded = false;
    let value: T | undefined;
    try {
      value = yield* call(this.#guard(start));
      bodyEnded = true;
      while (!this.ending && this.children.length > 0) yield* new ChildrenWait(this, 0, false);
      interrupted = false;
    } catch (error) {
      interrupted = false;
      if (bodyEnded) this.fail(error);
      else if (error !== BODY_CLOSED) this.#reportCleanup(error);
    } finally {
      if (interrupted) this.cutShort();
      yield* this.#conclude();
    }
    return this.#cancelled ? undefined : value;
  }

  /** The body, which is not unwound if it fails by itself: then the failure is the group's. */
  *#guard<T>(start: () => Generator<unknown, T, unknown>): Generator<unknown, T | undefined, unknown> {
    try {
      return yield* call(start());
    } catch (error) {
      this.#bodyDepth = -1;
      this.fail(error);
    } finally {
      this.#bodyDepth = -1;
    }
  }

  #reportCleanup(error: unknown): void {
    const { owner } = this.#fiber!;
    owner.loop.reportError(error, owner);
  }

  /** Waits for the cleanup of all that are left, then throws the failures. */
  *#conclude(): Body {
    if (this.#state === OPEN) {
      this.#state = ENDING;
      this.terminateAll();
    }
    while (this.size > 0) {
      try {
        yield* new ChildrenWait(this, 0, true);
      } catch (error) {
        // Their cleanup can never end.
        this.fail(error);
        for (const queue of [this.children, this.services]) {
          for (let child = queue.head; child !== null; child = child.nextWaiter) child.coro.terminate(0);
        }
      }
    }
    this.#state = ENDED;
    if (this.failures.size > 0) throw this.failure();
    return undefined;
  }
}

/** Whether a deadline or a signal may end what a fiber runs, or the coroutine it belongs to. */
function isUnderDeadline(fiber: Fiber): boolean {
  for (let at: Fiber | null = fiber; at !== null; at = at.parentFiber as Fiber | null) {
    // A shield holds back the deadlines outside it.
    if (at.wait?.uninterruptible) return false;
    if (at.frames?.some(({ via }) => via?.mayBeCutShort)) return true;
  }
  return coroOf(fiber).underDeadline;
}

/** Runs a group as a subroutine. */
export class GroupCall<T> extends Call<T> {
  readonly #group: ChildGroup;

  constructor(group: ChildGroup, run: Generator<unknown, T, unknown>) {
    super(run);
    this.#group = group;
  }

  override get label(): string {
    return this.#group.kind;
  }

  override unwindingBegins(): void {
    this.#group.cutShort();
  }
}

import { isInstance } from "../../base/describe.ts";
import type { CompletionWaiter } from "../../fiber/completion_waiter.ts";
import { captureContext, type HostContext, withinContext } from "../../host/async_context.ts";
import { type Awaitable, type AwaitedValue, isAwaitable } from "../loop/coroutine.ts";
import { ensureFuture, mustBeAwaitable } from "../loop/ensure_future.ts";
import { CancelledError } from "../errors.ts";
import type { EventLoop } from "../loop/event_loop.ts";
import { Future } from "../loop/future.ts";
import type { QueuedCallback } from "../loop/loop_services.ts";
import { getEventLoop } from "../loop/policy.ts";

/** Options of {@linkcode gather}. */
export interface GatherOptions {
  /** Whether errors are returned among the results, instead of making the whole fail; `false` by default. */
  readonly returnExceptions?: boolean;
}

/** The awaitables that {@linkcode gather} takes. */
// deno-lint-ignore no-explicit-any -- any type of result
export type Awaitables = readonly Awaitable<any>[];

/** The results of {@linkcode gather}, in the order of the awaitables. */
export type Gathered<W extends Awaitables> = { -readonly [K in keyof W]: AwaitedValue<W[K]> };

/** The same with `returnExceptions`. */
export type GatheredOrFailed<W extends Awaitables> = { -readonly [K in keyof W]: AwaitedValue<W[K]> | Error };

/** The wait for one of several futures: first a completion waiter, then a callback. */
class ChildWait implements CompletionWaiter, QueuedCallback {
  declare nextCompletionWaiter: CompletionWaiter | null;
  declare prevCompletionWaiter: CompletionWaiter | null;
  declare private readonly gathering: Gathering;
  declare private readonly child: Future;

  // A gathering of many has as many of these, so a field is set here and not where it is declared, as in `Operation`.
  constructor(gathering: Gathering, child: Future) {
    this.nextCompletionWaiter = null;
    this.prevCompletionWaiter = null;
    this.gathering = gathering;
    this.child = child;
  }

  resolve(): void {
    this.gathering.loop.enqueue(this);
  }

  reject(): void {
    this.gathering.loop.enqueue(this);
  }

  run(): void {
    this.gathering.childDone(this.child);
  }
}

/** The future of several futures. */
class Gathering extends Future<unknown[]> {
  readonly #children: readonly Future[];
  readonly #returnExceptions: boolean;
  // That of the program, in which a failure is reported if it is never retrieved.
  readonly #hostContext: HostContext = captureContext();
  #unfinished: number;
  #cancelRequested = false;

  /** `children` are distinct; `all` are the futures of the results, in order, where one may occur twice. */
  constructor(loop: EventLoop, children: readonly Future[], all: readonly Future[], returnExceptions: boolean) {
    super({ loop });
    this.#children = all;
    this.#returnExceptions = returnExceptions;
    this.#unfinished = children.length;
    for (const child of children) {
      if (child.done()) this.childDone(child);
      else child.addWaiter(new ChildWait(this, child));
    }
  }

  /** Cancels all that are not done. It is cancelled when they have ended. */
  override cancel(message?: string): boolean {
    if (this.done()) return false;
    let any = false;
    for (const child of this.#children) if (child.cancel(message)) any = true;
    if (any) this.#cancelRequested = true;
    return any;
  }

  /** One of them is done. */
  childDone(child: Future): void {
    this.#unfinished--;
    // Also after the first failure: a later error counts as retrieved and is not reported.
    const failed = child.endedWithoutResult();
    if (this.done()) return;
    // As in CPython, the whole fails if a child was cancelled, as with any other error, and also if it is cancelled itself.
    if (failed && !this.#returnExceptions) this.#fail(outcome(child));
    else if (this.#unfinished === 0) this.#settle();
  }

  #settle(): void {
    const outcomes = this.#children.map(outcome);
    if (!this.#cancelRequested) return this.succeed(outcomes);
    this.#fail(outcomes.find((each) => isInstance(each, CancelledError)) ?? new CancelledError());
  }

  #fail(error: unknown): void {
    withinContext(this.#hostContext, () => this.fail(error));
  }
}

function outcome(future: Future): unknown {
  try {
    return future.result();
  } catch (error) {
    return error;
  }
}

/**
 * Runs several awaitables at once and collects their results, in the order of the arguments.
 *
 * It fails with the first error, and the others go on. Cancelling it cancels those that are not done. An awaitable that
 * occurs twice is awaited once.
 *
 * @param awaitables The awaitables, as an array or one by one. Of coroutines, tasks are made.
 * @param options See {@linkcode GatherOptions}.
 * @returns A future of the results.
 * @throws {TypeError} If one cannot be awaited; then no task is made.
 * @throws {RangeError} If the futures among them belong to different loops.
 *
 * @example
 * ```ts
 * import { gather, run, sleep } from "@asyncoro/asyncoro/asyncio";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const [one, two] = yield* gather(sleep(0.02, "one"), sleep(0.01, 2));
 *   assertEquals([one, two], ["one", 2]);
 * });
 * ```
 */
export function gather<const W extends Awaitables>(
  awaitables: W,
  options: { readonly returnExceptions: true },
): Future<GatheredOrFailed<W>>;
/** The same, failing with the first error. */
export function gather<const W extends Awaitables>(awaitables: W, options?: GatherOptions): Future<Gathered<W>>;
/** The same with the awaitables one by one. */
export function gather<const W extends Awaitables>(...awaitables: W): Future<Gathered<W>>;
export function gather(...args: unknown[]): Future<unknown> {
  const { awaitables, returnExceptions = false } = argumentsOf(args);
  for (const each of awaitables) mustBeAwaitable(each);
  const loop = loopOf(awaitables);
  if (awaitables.length === 0) return nothing(loop);
  const options = { loop };
  const futureOf = (each: unknown) => ensureFuture(each as Awaitable, options);
  const distinct = new Set(awaitables);
  if (distinct.size === awaitables.length) {
    const children = awaitables.map(futureOf);
    return new Gathering(loop, children, children, returnExceptions);
  }
  // One that occurs twice has one future.
  const futures = new Map([...distinct].map((each) => [each, futureOf(each)]));
  return new Gathering(loop, [...futures.values()], awaitables.map((each) => futures.get(each)!), returnExceptions);
}

function nothing(loop: EventLoop): Future<unknown[]> {
  const future = new Future<unknown[]>({ loop });
  future.setResult([]);
  return future;
}

function argumentsOf(args: unknown[]): GatherOptions & { readonly awaitables: readonly unknown[] } {
  const [first, second] = args;
  // An array cannot be awaited itself, so there is no doubt which form it is.
  if (args.length > 0 && args.length <= 2 && !isAwaitable(first) && isIterable(first)) {
    return { ...second as GatherOptions, awaitables: Array.isArray(first) ? first : [...first] };
  }
  const last = args.at(-1);
  const options = typeof last === "object" && last !== null && "returnExceptions" in last && !isAwaitable(last);
  return options ? { ...last as GatherOptions, awaitables: args.slice(0, -1) } : { awaitables: args };
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** The loop of the first future among them, or else the current loop. */
function loopOf(awaitables: readonly unknown[]): EventLoop {
  const future = awaitables.find((each) => each instanceof Future);
  return future === undefined ? getEventLoop() : future.loop;
}

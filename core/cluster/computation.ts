import { checkCount } from "../base/count.ts";
import { describe } from "../base/describe.ts";
import { type Timeout, toSeconds } from "../base/duration.ts";
import { type Limit, limitSeconds } from "../base/limit.ts";
import { checkOptions } from "../base/options.ts";
import type { Coro } from "../coroutine/coro.ts";
import type { Outcome } from "../coroutine/errors.ts";
import type { PeerLocation } from "../coroutine/peer_location.ts";
import { Location } from "../distributed/location.ts";
import type { Operation } from "../fiber/operation.ts";
import { call } from "../operations/call.ts";
import { limited } from "../operations/limited.ts";
import { Cluster } from "./cluster.ts";
import {
  checkAttemptTimeout,
  checkComputationOptions,
  checkRetries,
  type ComputationOptions,
} from "./computation_options.ts";
import type { DeadJob } from "./durable/job_store.ts";
import { checkJobId } from "./jobs/durable_jobs.ts";
import type { JobRun } from "./jobs/job_run.ts";
import type { Target } from "./jobs/target.ts";
import type { ComputationSnapshot } from "./page/snapshot.ts";

/** Options of {@linkcode Computation.runResults} and {@linkcode Computation.results}. */
export interface RunOptions {
  /** How many jobs may be under way; by default a few more than the servers can begin at once. */
  readonly concurrency?: number;
  /** How often a job that was lost is run again; that of the computation by default. */
  readonly retries?: number;
  /** How long a job may take, see {@linkcode ComputationOptions.attemptTimeout}; that of the computation by default. */
  readonly attemptTimeout?: Timeout;
  /** Whether to draw a bar on stderr, if that is a terminal; `false` by default. */
  readonly progress?: boolean;
}

/** Options of {@linkcode Computation.submit}. */
export interface SubmitOptions {
  /** The id of the job; a random one by default. */
  readonly id?: string;
  /** How often the job is run again if it was lost; by default 10, or that of the computation if it is more. */
  readonly retries?: number;
}

/** How often a job of a store is run again by default: it is there to survive crashes, which are counted as well. */
const STORED_RETRIES = 10;

/** Options of {@linkcode Computation.close}. */
export interface CloseOptions {
  /** Whether to terminate what runs instead of waiting for it; `false` by default. */
  readonly terminate?: boolean;
  /** How long to wait for what runs; then it is terminated. No limit by default. */
  readonly timeout?: Timeout;
}

/** How the job of one item has ended. */
export interface JobResult<R = unknown> {
  /** The index of the item. */
  readonly index: number;
  /** How it has ended. That of a job that was lost is a `throw` of a {@linkcode JobLostError}. */
  readonly outcome: Outcome | { readonly kind: "return"; readonly value: R };
  /** How often it was run. */
  readonly attempts: number;
  /** Where it was run last; `null` if it was not. */
  readonly server: Location | null;
}

/** The state of a computation at one moment. */
export interface ComputationStats {
  /** Nodes that are ready. */
  readonly nodes: number;
  /** Servers that are ready. */
  readonly servers: number;
  /** Jobs that wait for a server. */
  readonly waiting: number;
  /** Jobs that run. */
  readonly running: number;
  /** Jobs that have returned, or were terminated. */
  readonly done: number;
  /** Jobs that have failed. */
  readonly failed: number;
  /** Jobs that were lost, after all retries. */
  readonly lost: number;
  /** How often a job was run again. */
  readonly retried: number;
}

/** The items of a run: each is the one argument of its job, or, if it is an array, all of them. */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export type Items<A extends readonly any[]> = Iterable<Readonly<A> | A[0]>;

/**
 * A computation: functions that run on the cores of other machines.
 *
 * The nodes of the network each run servers, a process for each core. A job is a coroutine in a server: its function is
 * sent as source, or is an export of a module, and its arguments are copied. Nodes may come and go. A job that is lost
 * with its server runs again elsewhere as often as `retries` allows.
 *
 * ```ts ignore
 * const computation = new Computation({ network, files: [new URL("./work.ts", import.meta.url)] });
 * const sizes = yield* computation.runResults({ module: "work.ts", name: "measure" }, urls);
 * const server = yield* computation.runAsync(function* (coro: Coro) {
 *   for (;;) (yield* coro.receive<Ask<number, number>>()).reply(42);
 * });
 * yield* server.ask(1);
 * yield* computation.close();
 * ```
 *
 * @example
 * ```ts
 * import { run, TimeoutError } from "@asyncoro/asyncoro";
 * import { Computation } from "@asyncoro/asyncoro/cluster";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * const late = await run(function* () {
 *   const network = yield* Network.join({ secret: "sixteen or more characters" });
 *   const computation = new Computation({ network });
 *   try {
 *     // No node is connected.
 *     yield* computation.schedule(0.01);
 *   } catch (error) {
 *     return error instanceof TimeoutError;
 *   } finally {
 *     yield* computation.close();
 *     yield* network.leave();
 *   }
 * });
 * assertEquals(late, true);
 * ```
 */
export class Computation {
  readonly #cluster: Cluster;

  /**
   * Makes a computation. It looks for nodes from the first use on.
   *
   * @param options At the least the network.
   * @throws {TypeError} If an option is not valid, two files have the same base name, or a function has no source.
   * @throws {RangeError} If an option is out of range.
   */
  constructor(options: ComputationOptions) {
    this.#cluster = new Cluster(checkComputationOptions(options));
  }

  /** The name. */
  get name(): string {
    return this.#cluster.options.name;
  }

  /**
   * Looks for nodes, and waits until the first server is ready. The search goes on when time is up, and if a setup fails.
   *
   * @param limit How long to wait at most.
   * @throws {TimeoutError} At the yield, when time is up.
   * @throws {FileTransferError} At the yield, if one of the files of this machine cannot be read.
   */
  schedule(limit?: Limit): Operation<void> {
    return limited(this.#cluster.schedule(limitSeconds(limit, "schedule a computation")), limit);
  }

  // --- jobs -------------------------------------------------------------------------------------------------------

  /**
   * Creates a coroutine in a server in which no other one of `run()`, `runResult()` and the like runs, as soon as there is
   * one. If this is cut short, it is terminated.
   *
   * @param target What it runs.
   * @param args Its arguments after the coroutine, copied now.
   * @returns A handle to it. If its server is lost, so is the coroutine: its outcome is `lost`, and it is not run again.
   * Thrown at the `yield`: {@linkcode JobLostError} if the server is lost before the coroutine is created.
   * @throws {TypeError} If `target` is neither a self-contained generator function nor a module of the computation.
   * @throws {SerializationError} If an argument is not sendable.
   * @throws {Error} If the computation is closed.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  run<A extends readonly any[], R>(target: Target<A, R>, ...args: A): Operation<Coro<R>> {
    return this.#cluster.requests.run({ target, args, where: null, exclusive: true, action: "run" }) as Operation<
      Coro<R>
    >;
  }

  /**
   * The same in one server, or in any server of one node.
   *
   * @param where The location of the node or of the server.
   * @param target What it runs.
   * @param args Its arguments after the coroutine, copied now.
   * @returns A handle to it. Thrown at the `yield`: {@linkcode NoServerError} if there is no such place, or not any more.
   * @throws {TypeError} If `where` is not a Location; and as {@linkcode Computation.run}.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  runAt<A extends readonly any[], R>(where: PeerLocation, target: Target<A, R>, ...args: A): Operation<Coro<R>> {
    const place = checkWhere(where, "run a job");
    return this.#cluster.requests.run({ target, args, where: place, exclusive: true, action: "runAt" }) as Operation<
      Coro<R>
    >;
  }

  /**
   * Creates a coroutine in the least loaded server, whatever runs there: for what mostly waits.
   *
   * @param target What it runs.
   * @param args Its arguments after the coroutine, copied now.
   * @returns A handle to it, as {@linkcode Computation.run}.
   * @throws as {@linkcode Computation.run}.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  runAsync<A extends readonly any[], R>(target: Target<A, R>, ...args: A): Operation<Coro<R>> {
    return this.#cluster.requests.run({ target, args, where: null, exclusive: false, action: "runAsync" }) as Operation<
      Coro<R>
    >;
  }

  /**
   * The same in one server, or in the least loaded server of one node.
   *
   * @param where The location of the node or of the server.
   * @param target What it runs.
   * @param args Its arguments after the coroutine, copied now.
   * @returns A handle to it, as {@linkcode Computation.runAt}.
   * @throws as {@linkcode Computation.runAt}.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  runAsyncAt<A extends readonly any[], R>(where: PeerLocation, target: Target<A, R>, ...args: A): Operation<Coro<R>> {
    const place = checkWhere(where, "run a job");
    return this.#cluster.requests.run({
      target,
      args,
      where: place,
      exclusive: false,
      action: "runAsyncAt",
    }) as Operation<
      Coro<R>
    >;
  }

  /**
   * Runs a function in a server in which no other one of `run()`, `runResult()` and the like runs, and waits for its result.
   * If this is cut short, the job is terminated.
   *
   * @param target What to run.
   * @param args Its arguments after the coroutine, copied now.
   * @returns What it returns. What it throws is thrown at the `yield`, and {@linkcode JobLostError} if the job was lost and
   * not to be run again.
   * @throws as {@linkcode Computation.run}.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  runResult<A extends readonly any[], R>(target: Target<A, R>, ...args: A): Operation<R> {
    return this.#cluster.requests.runResult({
      target,
      args,
      where: null,
      exclusive: true,
      action: "runResult",
    }) as Operation<R>;
  }

  /**
   * The same in one server, or in any server of one node.
   *
   * @param where The location of the node or of the server.
   * @param target What to run.
   * @param args Its arguments after the coroutine, copied now.
   * @returns As {@linkcode Computation.runResult}, and {@linkcode NoServerError} is thrown at the `yield` if there is no such
   * place, or not any more.
   * @throws as {@linkcode Computation.runAt}.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  runResultAt<A extends readonly any[], R>(where: PeerLocation, target: Target<A, R>, ...args: A): Operation<R> {
    const place = checkWhere(where, "run a job");
    return this.#cluster.requests.runResult({
      target,
      args,
      where: place,
      exclusive: true,
      action: "runResultAt",
    }) as Operation<
      R
    >;
  }

  /**
   * Runs a function for each of many items, on all servers, and waits for the results. If a job fails or is lost, or this is
   * cut short, the others are terminated.
   *
   * @param target What to run.
   * @param items Its arguments after the coroutine: an item that is an array is all of them, any other is the only one. They
   * are taken as jobs can run.
   * @param options See {@linkcode RunOptions}.
   * @returns The results, in the order of the items. The first error is thrown at the `yield`.
   * @throws {TypeError} If `items` is not iterable, an option is not valid, or `target` is none.
   * @throws {RangeError} If an option is out of range.
   * @throws {Error} If the computation is closed.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  runResults<A extends readonly any[], R>(
    target: Target<A, R>,
    items: Items<A>,
    options: RunOptions = {},
  ): Operation<R[]> {
    const run = this.#runOf(target as Target, items, options, "runResults");
    return call(this.#collect(run)) as Operation<R[]>;
  }

  *#collect(run: () => JobRun): Generator<unknown, unknown[], unknown> {
    const results: unknown[] = [];
    const jobs = run();
    try {
      for (let count = 0; jobs.has(count); count++) {
        const { index, end } = yield* jobs.next();
        const { outcome } = end;
        if (outcome.kind === "throw" || outcome.kind === "lost") throw outcome.error;
        results[index] = end.value;
      }
    } finally {
      jobs.stop();
    }
    return results;
  }

  /**
   * The same, but each result is there as soon as its job has ended:
   *
   * ```ts ignore
   * for (const next of computation.results(work, items)) {
   *   const { index, outcome } = yield* next;
   * }
   * ```
   *
   * Leaving the loop terminates the jobs that run. Results that are not taken count as jobs under way, so a slow loop slows
   * down the jobs.
   *
   * @param target What to run.
   * @param items Its arguments, as in {@linkcode Computation.runResults}.
   * @param options See {@linkcode RunOptions}.
   * @returns An operation for each item. Each waits for the next job that ends, whichever that is.
   * @throws as {@linkcode Computation.runResults}.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  results<A extends readonly any[], R>(
    target: Target<A, R>,
    items: Items<A>,
    options: RunOptions = {},
  ): Iterable<Operation<JobResult<R>>> {
    const run = this.#runOf(target as Target, items, options, "results");
    return { [Symbol.iterator]: () => nextResults(run()) as Iterator<Operation<JobResult<R>>> };
  }

  #runOf(target: Target, items: unknown, options: RunOptions, action: string): () => JobRun {
    checkOptions(options, ["concurrency", "retries", "attemptTimeout", "progress"], "run jobs");
    const { concurrency, progress = false } = options;
    if (typeof (items as Iterable<unknown> | null)?.[Symbol.iterator] !== "function") {
      throw new TypeError(`Cannot run jobs as 'items' must be iterable: current value is ${describe(items)}`);
    }
    if (typeof progress !== "boolean") {
      throw new TypeError(`Cannot run jobs as 'progress' must be a boolean: current value is ${describe(progress)}`);
    }
    const defaults = this.#cluster.options;
    return this.#cluster.requests.runsOf({
      target,
      items: items as Iterable<unknown>,
      action,
      progress,
      concurrency: concurrency === undefined
        ? null
        : concurrency === Infinity
        ? Infinity
        : checkCount(concurrency, 1, "run jobs as 'concurrency'"),
      retries: checkRetries(options.retries, defaults.retries),
      attemptTimeout: checkAttemptTimeout(options.attemptTimeout, defaults.attemptTimeout),
    });
  }

  // --- jobs that survive ------------------------------------------------------------------------------------------

  /**
   * Stores a job in the `store` of the computation. It is run at least once, by this or any later computation of this name,
   * even if the client, the nodes and the store itself crash meanwhile, and its result is recorded once.
   *
   * @param target What to run.
   * @param args Its arguments after the coroutine, copied now.
   * @param options Its id, and how often it is run again if it was lost.
   * @returns Its id, once it is stored. Of several jobs with the same id the first is the only one.
   * @throws {TypeError} If `target` is none, or an argument is not sendable.
   * @throws {RangeError} If `retries` is out of range.
   * @throws {Error} If the computation has no store, or is closed.
   */
  // deno-lint-ignore no-explicit-any -- as in CoroFunction
  submit<A extends readonly any[]>(target: Target<A>, args: A, options: SubmitOptions = {}): Operation<string> {
    checkOptions(options, ["id", "retries"], "submit a job");
    if (!Array.isArray(args)) {
      throw new TypeError(`Cannot submit a job as 'args' must be an array: current value is ${describe(args)}`);
    }
    const standard = Math.max(STORED_RETRIES, this.#cluster.options.retries);
    return this.#cluster.submit(target, args, options.id, checkRetries(options.retries, standard));
  }

  /**
   * Waits for the result of a job of the store. It may have been submitted by another client, or not yet.
   *
   * @param id Its id.
   * @param limit How long to wait at most; zero or less does not wait.
   * @returns What it has returned. What it has thrown is thrown at the `yield`; {@linkcode JobLostError} if it has used up its
   * retries; `TimeoutError` when time is up.
   * @throws {TypeError} If `id` is not a string, or `limit` is not a valid limit.
   * @throws {Error} If the computation has no store, or is closed.
   */
  result<R = unknown>(id: string, limit?: Limit): Operation<R> {
    return this.#cluster.mustHaveStore("wait for a result").result(checkJobId(id ?? null), limit) as Operation<R>;
  }

  /**
   * Lists the jobs of the store that have used up their retries.
   *
   * @returns Their ids, and why they are not run any more.
   * @throws {Error} If the computation has no store, or is closed.
   */
  deadJobs(): Operation<DeadJob[]> {
    return this.#cluster.mustHaveStore("list dead jobs").dead();
  }

  /**
   * Has a job run again that has used up its retries.
   *
   * @param id Its id.
   * @returns Whether there is such a one.
   * @throws {TypeError} If `id` is not a string.
   * @throws {Error} If the computation has no store, or is closed.
   */
  rerun(id: string): Operation<boolean> {
    return this.#cluster.mustHaveStore("run a dead job again").rerun(checkJobId(id ?? null));
  }

  // --- nodes and servers ------------------------------------------------------------------------------------------

  /** The nodes that are ready. */
  nodes(): Location[] {
    return this.#cluster.readyNodes();
  }

  /** The servers that are ready. */
  servers(): Location[] {
    return this.#cluster.readyServers();
  }

  /** How many nodes, servers and jobs there are. */
  stats(): ComputationStats {
    const { waiting, running, done, failed, lost, retried } = this.#cluster.counts;
    const [nodes, servers] = [this.nodes().length, this.servers().length];
    return { nodes, servers, waiting, running, done, failed, lost, retried };
  }

  /**
   * Has a node prepared that waits for this, see `disableNodes` in {@linkcode ComputationOptions}.
   *
   * @param location The node.
   * @param setupArgs The arguments of `nodeSetup` after the coroutine, copied now.
   * @returns Whether it has waited for this.
   * @throws {TypeError} If `location` is not a Location.
   * @throws {SerializationError} If an argument is not sendable.
   */
  enableNode(location: PeerLocation, ...setupArgs: unknown[]): Operation<boolean> {
    return this.#cluster.control.enableNode(checkWhere(location, "enable a node"), setupArgs);
  }

  /**
   * Has a server prepared that waits for this, see `disableServers` in {@linkcode ComputationOptions}.
   *
   * @param location The server.
   * @param setupArgs The arguments of `serverSetup` after the coroutine, copied now.
   * @returns Whether it has waited for this.
   * @throws {TypeError} If `location` is not a Location.
   * @throws {SerializationError} If an argument is not sendable.
   */
  enableServer(location: PeerLocation, ...setupArgs: unknown[]): Operation<boolean> {
    return this.#cluster.control.enableServer(checkWhere(location, "enable a server"), setupArgs);
  }

  /**
   * Sends no more jobs to a node or server. What runs there goes on.
   *
   * @param where The node or server.
   * @returns Whether there is such a one.
   * @throws {TypeError} If `where` is not a Location.
   */
  suspend(where: PeerLocation): Operation<boolean> {
    return this.#cluster.control.suspend(checkWhere(where, "suspend"), true);
  }

  /**
   * Sends jobs again to a node or server that was suspended.
   *
   * @param where The node or server.
   * @returns Whether there is such a one.
   * @throws {TypeError} If `where` is not a Location.
   */
  resume(where: PeerLocation): Operation<boolean> {
    return this.#cluster.control.suspend(checkWhere(where, "resume"), false);
  }

  /**
   * Replaces a server, or all servers of a node, by new ones. A server takes no more jobs, and when its job of `run()` and
   * the like has ended, it is killed, with all others that run there.
   *
   * @param where The node or server.
   * @returns `true` when the replacement is ready; `false` if there is no such place, or the replacement fails.
   * @throws {TypeError} If `where` is not a Location.
   */
  restart(where: PeerLocation): Operation<boolean> {
    return this.#cluster.control.restart(checkWhere(where, "restart"));
  }

  /**
   * Ends the computation: no more jobs can be made; waits for the jobs of `run()`, `runResult()` and the like; terminates
   * all others, and gives the nodes back. Servers run `serverCleanup`, and the files are removed.
   *
   * @param options Whether and how long to wait for jobs. Jobs that are terminated are lost.
   * @throws {TypeError} If an option is not valid.
   */
  close(options: CloseOptions = {}): Operation<void> {
    checkOptions(options, ["terminate", "timeout"], "close a computation");
    const { terminate = false, timeout } = options;
    if (typeof terminate !== "boolean") {
      throw new TypeError(
        `Cannot close a computation as 'terminate' must be a boolean: current value is ${describe(terminate)}`,
      );
    }
    return call(this.#cluster.close(terminate ? 0 : toSeconds(timeout, "close a computation")));
  }

  /** @internal What there is to see of it now. */
  snapshot(): ComputationSnapshot {
    return this.#cluster.snapshot();
  }

  /** How it reads in messages. */
  toString(): string {
    return `Computation ${this.name}`;
  }
}

function* nextResults(run: JobRun): Generator<Operation<JobResult>, void, unknown> {
  let isLeft = true;
  try {
    for (let count = 0; run.has(count); count++) yield call(nextResult(run));
    isLeft = false;
  } finally {
    if (isLeft) run.stop();
  }
}

function* nextResult(run: JobRun): Generator<unknown, JobResult, unknown> {
  const { index, end } = yield* run.next();
  const { outcome, attempts, server } = end;
  return { index, outcome, attempts, server };
}

function checkWhere(where: unknown, action: string): Location {
  if (where instanceof Location) return where;
  throw new TypeError(
    `Cannot ${action} as 'where' must be the Location of a node or server: current value is ${describe(where)}`,
  );
}

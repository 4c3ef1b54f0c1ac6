/** What the program asks for: one job, or the same function for many items. */
import type { Coro } from "../../coroutine/coro.ts";
import type { Outcome } from "../../coroutine/errors.ts";
import type { Location } from "../../distributed/location.ts";
import type { Peers } from "../../distributed/peers/peers.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { sleep } from "../../operations/sleep.ts";
import { ClusterWait } from "../cluster_wait.ts";
import type { CheckedComputationOptions } from "../computation_options.ts";
import { progressBar } from "../progress.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { StoredJob } from "./durable_jobs.ts";
import type { Job, JobEnd, JobListener, JobOptions } from "./job.ts";
import { JobRun } from "./job_run.ts";
import { checkTarget } from "./target.ts";

/** Seconds in which a peer that is named as a place for a job must turn out to be a node. */
const FIND_SECONDS = 2;
/** Seconds between two looks whether it has. */
const LOOK_SECONDS = 0.05;

/** One job, as the program asks for it. */
export interface JobRequest {
  readonly target: unknown;
  readonly args: readonly unknown[];
  readonly where: Location | null;
  readonly exclusive: boolean;
  /** The method that asks for it. */
  readonly action: string;
}

/** The same function for many items. */
export interface RunRequest {
  readonly target: unknown;
  readonly items: Iterable<unknown>;
  readonly action: string;
  readonly progress: boolean;
  readonly concurrency: number | null;
  readonly retries: number;
  readonly attemptTimeout: number;
}

/** What a job is besides its function and its arguments. */
type How = Omit<JobOptions, "name" | "target" | "args">;

/** What requests need of the computation. */
export interface JobRequestsHost {
  readonly peers: Peers;
  readonly dispatcher: Dispatcher;
  /** The files, and how often a job is run again and how long it may take, where the request does not say. */
  readonly options: Pick<CheckedComputationOptions, "files" | "retries" | "attemptTimeout">;
  /** Begins to look for nodes. Throws an error if the computation is closed. */
  begin(action: string): void;
  /** Throws an error if the computation is closed. */
  mustBeOpen(action: string): void;
  /** Whether there is a place where a job may run, now or later. */
  isPlace(where: Location): boolean;
  /** Since when it has been looked for a node at a peer; `null`: it is not, or one was found. */
  lookedForSince(where: Location): number | null;
}

/** How a wait is settled by what becomes of its job. */
interface Settling<T> {
  created(wait: ClusterWait<T>, coro: Coro): void;
  settled(wait: ClusterWait<T>, end: JobEnd): void;
  reclaim?(value: T): void;
}

const BY_COROUTINE: Settling<Coro> = {
  created: (wait, coro) => wait.settle(coro),
  settled: (wait, { outcome }) => {
    if (outcome.kind === "throw" || outcome.kind === "lost") wait.settleError(outcome.error);
  },
  reclaim: (coro) => void coro.terminate(),
};

const BY_RESULT: Settling<unknown> = {
  created: () => {},
  settled: (wait, { outcome, value }) => {
    if (outcome.kind === "throw" || outcome.kind === "lost") wait.settleError(outcome.error);
    else wait.settle(value);
  },
};

/** See the head of this file. */
export class JobRequests {
  /** The runs of many items that are under way. */
  readonly runs: Set<JobRun> = new Set();
  readonly #host: JobRequestsHost;

  constructor(host: JobRequestsHost) {
    this.#host = host;
  }

  /** Waits for the coroutine of a job. */
  run(request: JobRequest): Operation<Coro> {
    return this.#wait(request, true, BY_COROUTINE);
  }

  /** Waits for the result of a job. */
  runResult(request: JobRequest): Operation<unknown> {
    return this.#wait(request, false, BY_RESULT);
  }

  #wait<T>({ target, args, where, exclusive, action }: JobRequest, isHandle: boolean, by: Settling<T>): Operation<T> {
    const host = this.#host;
    host.mustBeOpen(action);
    const { retries, attemptTimeout } = host.options;
    const job = this.#job(target, args, { where, exclusive, isHandle, retries, attemptTimeout, mayWait: false }, {
      created: (coro) => by.created(wait, coro),
      // The end of a coroutine that was given to the caller is the caller's.
      settled: (end) => {
        if (!job.isGiven) by.settled(wait, end);
      },
    });
    const wait: ClusterWait<T> = new ClusterWait<T>({
      label: action,
      waitsFor: `${isHandle ? "the coroutine" : "the result"} of job ${job.options.name}`,
      begin: () => {
        host.begin(action);
        host.dispatcher.add(job);
      },
      stop: () => host.dispatcher.cancel(job),
      reclaim: by.reclaim,
    });
    return where === null || host.isPlace(where) ? wait : call(this.#placeFirst(where, wait, action));
  }

  /** A peer where it is still looked for a node may be the place of a job. */
  *#placeFirst<T>(where: Location, wait: ClusterWait<T>, action: string): Generator<unknown, T, unknown> {
    const { peers } = this.#host;
    this.#host.begin(action);
    // What peers there are is told by messages, which are under way at first.
    yield* sleep(0);
    for (;;) {
      const since = this.#host.lookedForSince(where);
      if (since === null || peers.now() - since > FIND_SECONDS) break;
      yield* sleep(LOOK_SECONDS);
    }
    return yield* wait;
  }

  #job(target: unknown, args: readonly unknown[], how: How, listener: JobListener): Job {
    const checked = checkTarget(target, this.#host.options.files);
    return this.#host.dispatcher.job({ ...how, ...checked, args: this.#host.peers.pack(args, "args") }, listener);
  }

  /** A function that begins the run of many items. */
  runsOf({ target, items, action, retries, attemptTimeout, concurrency, progress }: RunRequest): () => JobRun {
    const { dispatcher } = this.#host;
    this.#host.mustBeOpen(action);
    const { name } = checkTarget(target, this.#host.options.files);
    const how: How = { where: null, exclusive: true, isHandle: false, retries, attemptTimeout, mayWait: true };
    return () => {
      this.#host.begin(action);
      const draw = progress ? progressBar(name) : null;
      const run: JobRun = new JobRun({
        dispatcher,
        items,
        concurrency,
        jobFor: (item, settled) => this.#job(target, Array.isArray(item) ? item : [item], how, { settled }),
        progress: (done, total, isOver) => {
          if (isOver) this.runs.delete(run);
          draw?.(done, total, isOver);
        },
      });
      this.runs.add(run);
      return run;
    };
  }

  /** Runs a job of a store once, and waits for its end. A loss is thrown as a `JobLostError`. */
  runOnce({ name, target, args }: StoredJob): Operation<Outcome> {
    const { dispatcher, options: { attemptTimeout } } = this.#host;
    const how: How = { where: null, exclusive: true, isHandle: false, retries: 0, attemptTimeout, mayWait: false };
    const job = dispatcher.job({ ...how, name, target, args }, {
      settled: ({ outcome, value, isLost }) => {
        if (isLost && outcome.kind === "throw") wait.settleError(outcome.error);
        else wait.settle(outcome.kind === "terminate" ? { kind: "return", value } : outcome);
      },
    });
    const wait: ClusterWait<Outcome> = new ClusterWait<Outcome>({
      label: "stored job",
      waitsFor: `the end of job ${name}`,
      begin: () => dispatcher.add(job),
      stop: () => dispatcher.cancel(job),
    });
    return wait;
  }
}

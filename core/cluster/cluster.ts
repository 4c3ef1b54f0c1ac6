/** What a computation is inside: it connects the nodes with the dispatcher of jobs, and tells the program what happens. */
import type { Coro } from "../coroutine/coro.ts";
import type { CoroLoop } from "../coroutine/coro_loop.ts";
import { all } from "../coroutine/all.ts";
import type { Outcome } from "../coroutine/errors.ts";
import type { Location } from "../distributed/location.ts";
import type { Peers } from "../distributed/peers/peers.ts";
import type { Operation } from "../fiber/operation.ts";
import { call } from "../operations/call.ts";
import { Immediate } from "../operations/immediate.ts";
import { sleep } from "../operations/sleep.ts";
import { ClusterWait } from "./cluster_wait.ts";
import type { CheckedComputationOptions } from "./computation_options.ts";
import type { Attempt, AttemptEnd, JobServer } from "./jobs/attempt.ts";
import type { Counts } from "./jobs/counts.ts";
import { checkJobId, type DurableHost, DurableJobs, type StoredJob } from "./jobs/durable_jobs.ts";
import { Dispatcher, type DispatcherHost } from "./jobs/dispatcher.ts";
import type { Job, JobEnd, JobListener } from "./jobs/job.ts";
import { JobRun } from "./jobs/job_run.ts";
import { checkTarget } from "./jobs/target.ts";
import type { NodeAllocate } from "./nodes/allocation.ts";
import { checkReadable, type JobFile } from "./nodes/files.ts";
import type { ManagerHost } from "./nodes/manager.ts";
import type { ClusterNode } from "./nodes/node.ts";
import { Nodes } from "./nodes/nodes.ts";
import { ClusterStatus, type StatusInfo, type StatusName } from "./nodes/status.ts";
import type { ComputationSnapshot } from "./page/snapshot.ts";
import { progressOf, snapshotOf } from "./page/take_snapshot.ts";
import { progressBar } from "./progress.ts";
import type { JobTarget } from "./protocol.ts";

/** Seconds in which a peer that is named as a place for a job must turn out to be a node. */
const FIND_SECONDS = 2;

/** Seconds in which the store must have taken what has become of the last jobs. */
const SETTLE_SECONDS = 5;

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

type State = "new" | "running" | "closing" | "closed";

/** See the head of this file. */
export class Cluster implements ManagerHost, DispatcherHost, DurableHost {
  readonly options: CheckedComputationOptions;
  readonly loop: CoroLoop;
  readonly dispatcher: Dispatcher;
  readonly nodes: Nodes;
  /** The jobs of the store, if there is one. */
  readonly durable: DurableJobs | null;
  state: State = "new";
  /** The runs of many items that are under way. */
  readonly runs: Set<JobRun> = new Set();
  readonly #scheduling: Set<ClusterWait<void>> = new Set();
  #hasServers = false;
  #closing: Coro | null = null;

  constructor(options: CheckedComputationOptions) {
    this.options = options;
    this.loop = options.network.peerTable.loop;
    this.dispatcher = new Dispatcher(this);
    this.nodes = new Nodes(options.network, this);
    this.durable = options.store === null ? null : new DurableJobs(options.store, options.name, this);
  }

  get counts(): Counts {
    return this.dispatcher.counts;
  }

  get progress(): ComputationSnapshot["progress"] {
    return progressOf(this.runs);
  }

  get wantsCoros(): boolean {
    return this.options.statusCoro !== null;
  }

  // --- what managers need to know -----------------------------------------------------------------------------------

  get name(): string {
    return this.options.name;
  }

  get files(): readonly JobFile[] {
    return this.options.files;
  }

  get allocation(): readonly NodeAllocate[] | null {
    return this.options.allocation;
  }

  get nodeSetup(): JobTarget | null {
    return this.options.nodeSetup;
  }

  get serverSetup(): JobTarget | null {
    return this.options.serverSetup;
  }

  get serverCleanup(): JobTarget | null {
    return this.options.serverCleanup;
  }

  get disableNodes(): boolean {
    return this.options.disableNodes;
  }

  get disableServers(): boolean {
    return this.options.disableServers;
  }

  // --- beginning ----------------------------------------------------------------------------------------------------

  /** Looks for nodes, from the first use on. */
  begin(action: string): void {
    if (this.state === "closing" || this.state === "closed") {
      throw new Error(`Cannot ${action} as computation '${this.name}' is closed: make a new one`);
    }
    if (this.state === "running") return;
    this.state = "running";
    this.nodes.open();
    this.durable?.begin();
  }

  schedule(seconds: number): Operation<void> {
    this.#mustBeOpen("schedule");
    return call(this.#schedule(seconds));
  }

  *#schedule(seconds: number): Generator<unknown, void, unknown> {
    const end = this.loop.now() + seconds;
    yield* checkReadable(this.files);
    const wait: ClusterWait<void> = new ClusterWait<void>({
      label: "schedule",
      waitsFor: `a server for computation '${this.name}'`,
      seconds: seconds === Infinity ? Infinity : end - this.loop.now(),
      begin: () => {
        this.begin("schedule");
        if (this.readyServers().length > 0) wait.settle(undefined);
        else this.#scheduling.add(wait);
      },
      stop: () => void this.#scheduling.delete(wait),
    });
    yield* wait;
  }

  #mustBeOpen(action: string): void {
    if (this.state === "closing" || this.state === "closed") this.begin(action);
  }

  // --- jobs ---------------------------------------------------------------------------------------------------------

  run(request: JobRequest): Operation<Coro> {
    return this.#jobWait<Coro>(request, true, {
      created: (wait, coro) => wait.settle(coro),
      settled: (wait, { outcome }) => {
        if (outcome.kind === "throw" || outcome.kind === "lost") wait.settleError(outcome.error);
      },
    }, (coro) => void coro.terminate());
  }

  runResult(request: JobRequest): Operation<unknown> {
    return this.#jobWait<unknown>(request, false, {
      created: () => {},
      settled: (wait, { outcome, value }) => {
        if (outcome.kind === "throw" || outcome.kind === "lost") wait.settleError(outcome.error);
        else wait.settle(value);
      },
    });
  }

  #jobWait<T>(
    { target, args, where, exclusive, action }: JobRequest,
    isHandle: boolean,
    listener: {
      readonly created: (wait: ClusterWait<T>, coro: Coro) => void;
      readonly settled: (wait: ClusterWait<T>, end: JobEnd) => void;
    },
    reclaim?: (value: T) => void,
  ): Operation<T> {
    this.#mustBeOpen(action);
    const { retries, attemptTimeout } = this.options;
    let isGiven = false;
    const job = this.#job(target, args, { where, exclusive, isHandle, retries, attemptTimeout, mayWait: false }, {
      created: (coro) => {
        isGiven = true;
        listener.created(wait, coro);
      },
      settled: (end) => {
        if (!isGiven) listener.settled(wait, end);
      },
    });
    const wait: ClusterWait<T> = new ClusterWait<T>({
      label: action,
      waitsFor: isHandle ? `the coroutine of job ${job.options.name}` : `the result of job ${job.options.name}`,
      begin: () => {
        this.begin(action);
        this.dispatcher.add(job);
      },
      stop: () => this.dispatcher.cancel(job),
      reclaim,
    });
    if (where === null || this.isPlace(where)) return wait;
    return call(this.#placeFirst(where, wait));
  }

  /** A peer where it is still looked for a node may be the place of a job. */
  *#placeFirst<T>(where: Location, wait: ClusterWait<T>): Generator<unknown, T, unknown> {
    this.begin("run a job");
    // What peers there are is told by messages, which are under way at first.
    yield* sleep(0);
    for (;;) {
      const since = this.nodes.lookedForSince(where);
      if (since === null || this.loop.now() - since > FIND_SECONDS) break;
      yield* sleep(0.05);
    }
    return yield* wait;
  }

  #job(
    target: unknown,
    args: readonly unknown[],
    how: {
      readonly where: Location | null;
      readonly exclusive: boolean;
      readonly isHandle: boolean;
      readonly retries: number;
      readonly attemptTimeout: number;
      readonly mayWait: boolean;
    },
    listener: JobListener,
  ): Job {
    const checked = checkTarget(target, this.files);
    const packed = this.options.network.peerTable.pack(args, "args");
    return this.dispatcher.job({ ...how, ...checked, args: packed }, listener);
  }

  /** A function that begins the run of many items. */
  runsOf(request: RunRequest): () => JobRun {
    this.#mustBeOpen(request.action);
    const { target, items, action, retries, attemptTimeout, concurrency } = request;
    const { name } = checkTarget(target, this.files);
    const how = { where: null, exclusive: true, isHandle: false, retries, attemptTimeout, mayWait: true };
    return () => {
      this.begin(action);
      const draw = request.progress ? progressBar(name) : null;
      const run: JobRun = new JobRun({
        dispatcher: this.dispatcher,
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

  // --- jobs of the store --------------------------------------------------------------------------------------------

  get peers(): Peers {
    return this.options.network.peerTable;
  }

  get available(): number {
    return this.dispatcher.available;
  }

  get isClosing(): boolean {
    return this.state === "closing" || this.state === "closed";
  }

  submit(target: unknown, args: readonly unknown[], id: unknown, retries: number): Operation<string> {
    const durable = this.mustHaveStore("submit a job");
    const { name, target: checked } = checkTarget(target, this.files);
    const job: StoredJob = { name, target: checked, args, retries };
    const packed = this.peers.pack(job, "job");
    return call(durable.submit(checkJobId(id), packed));
  }

  /** The jobs of the store. Throws an error if there is none. */
  mustHaveStore(action: string): DurableJobs {
    if (this.durable === null) {
      throw new Error(`Cannot ${action} as computation '${this.name}' has no store: set 'store'`);
    }
    this.begin(action);
    return this.durable;
  }

  runOnce({ name, target, args }: StoredJob): Operation<Outcome> {
    const { attemptTimeout } = this.options;
    const options = { name, target, args: this.peers.pack(args, "args"), where: null, exclusive: true };
    const job = this.dispatcher.job({ ...options, isHandle: false, retries: 0, attemptTimeout, mayWait: false }, {
      settled: ({ outcome, value, isLost }) => {
        if (isLost) wait.settleError((outcome as { readonly error: unknown }).error);
        else wait.settle(outcome.kind === "terminate" ? { kind: "return", value } : outcome);
      },
    });
    const wait: ClusterWait<Outcome> = new ClusterWait<Outcome>({
      label: "stored job",
      waitsFor: `the end of job ${name}`,
      begin: () => this.dispatcher.add(job),
      stop: () => this.dispatcher.cancel(job),
    });
    return wait;
  }

  // --- nodes and servers --------------------------------------------------------------------------------------------

  readyNodes(): Location[] {
    return [...this.nodes.all()].filter(({ state }) => state === "ready").map(({ location }) => location);
  }

  readyServers(): JobServer[] {
    return [...this.nodes.all()].flatMap(({ servers }) =>
      [...servers.values()].filter(({ state }) => state === "ready")
    );
  }

  enableNode(location: Location, args: readonly unknown[]): Operation<boolean> {
    return new Immediate("enableNode", () => {
      return enable(this.nodes.find(location), args);
    });
  }

  enableServer(location: Location, args: readonly unknown[]): Operation<boolean> {
    return new Immediate("enableServer", () => {
      return enable(this.nodes.findServer(location), args);
    });
  }

  suspend(where: Location, isSuspended: boolean): Operation<boolean> {
    return new Immediate(isSuspended ? "suspend" : "resume", () => {
      const place = this.nodes.find(where) ?? this.nodes.findServer(where);
      if (place === null) return false;
      place.isSuspended = isSuspended;
      for (const server of this.readyServers()) this.dispatcher.serverChanged(server);
      return true;
    });
  }

  restart(where: Location): Operation<boolean> {
    return call(this.#restart(where));
  }

  *#restart(where: Location): Generator<unknown, boolean, unknown> {
    const node = this.nodes.find(where);
    const server = this.nodes.findServer(where);
    const servers = server !== null ? [server] : node !== null ? [...node.servers.values()] : [];
    if (servers.length === 0) return false;
    const ready = yield* all(...servers.map((each) => this.#restartServer(each)));
    return ready.every((isReady) => isReady);
  }

  #restartServer(server: JobServer): Operation<boolean> {
    const manager = this.nodes.managerOf(server);
    let told: (isReady: boolean) => void;
    const wait: ClusterWait<boolean> = new ClusterWait<boolean>({
      label: "restart",
      waitsFor: `the replacement of server ${server.location}`,
      begin: () => {
        told = (isReady) => wait.settle(isReady);
        if (manager === null) told(false);
        else manager.restart(server, told);
      },
      stop: () => {
        manager!.cancelRestart(server, told);
        this.dispatcher.serverChanged(server);
      },
    });
    return wait;
  }

  // --- what managers tell -------------------------------------------------------------------------------------------

  status(status: StatusName, info: StatusInfo): void {
    const { statusCoro } = this.options;
    if (statusCoro === null) return;
    try {
      statusCoro.send(new ClusterStatus(status, info));
    } catch (error) {
      this.loop.reportError(error, statusCoro);
    }
  }

  serverReady(server: JobServer): void {
    if (!this.#hasServers) {
      this.#hasServers = true;
      this.status("ComputationScheduled", {});
    }
    for (const wait of this.#scheduling) wait.settle(undefined);
    this.#scheduling.clear();
    this.dispatcher.serverReady(server);
    this.durable?.changed();
  }

  serverEnded(server: JobServer): void {
    this.dispatcher.serverEnded(server);
  }

  nodeEnded(node: ClusterNode): void {
    this.dispatcher.placeEnded(node.location);
    for (const server of node.servers.values()) this.dispatcher.placeEnded(server.location);
  }

  // --- what the dispatcher needs ------------------------------------------------------------------------------------

  isPlace(where: Location): boolean {
    return this.nodes.find(where)?.hasFuture ?? this.nodes.findServer(where)?.hasFuture ?? false;
  }

  replace(server: JobServer): void {
    this.nodes.managerOf(server)?.replace(server);
  }

  coroCreated({ server }: Attempt, coro: Coro): void {
    this.status("CoroCreated", { location: server.node.location, server: server.location, coro });
  }

  attemptEnded({ server, coro }: Attempt, end: AttemptEnd): void {
    if (coro !== null && end.kind !== "not begun") {
      this.status("MonitorException", { location: server.node.location, server: server.location, coro, outcome: end });
    }
    this.nodes.managerOf(server)?.jobEnded(server);
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  *close(seconds: number): Generator<unknown, void, unknown> {
    if (this.#closing === null) {
      // deno-lint-ignore no-this-alias
      const cluster = this;
      this.#closing = this.loop.scheduler.spawn(function* close() {
        yield* cluster.#close();
      });
    }
    if (this.state === "new") this.state = "closing";
    const end = this.loop.now() + seconds;
    this.#closeBy = Math.min(this.#closeBy, end);
    yield* this.#closing.finish();
  }

  #closeBy = Infinity;

  *#close(): Generator<unknown, void, unknown> {
    this.state = "closing";
    for (const wait of this.#scheduling) wait.settleError(new Error(`Computation '${this.name}' was closed`));
    this.#scheduling.clear();
    this.durable?.stopTaking();
    while (this.dispatcher.pendingExclusive > 0 && this.loop.now() < this.#closeBy) yield* sleep(0.01);
    this.dispatcher.cancelAll(`computation '${this.name}' was closed`);
    if (this.durable !== null) yield* this.durable.end(SETTLE_SECONDS);
    yield* this.nodes.close();
    this.state = "closed";
    this.status("ComputationClosed", {});
  }

  snapshot(): ComputationSnapshot {
    return snapshotOf(this);
  }
}

/** Has a node or server prepared that waits for this. Returns whether it has waited. */
function enable(place: ClusterNode | JobServer | null, args: readonly unknown[]): boolean {
  if (place === null || !place.isDisabled) return false;
  place.isDisabled = false;
  return place.enabled.tryPut(args);
}

/** What a computation is inside: it connects the nodes with the dispatcher of jobs, and tells the program what happens. */
import type { Coro } from "../coroutine/coro.ts";
import type { CoroLoop } from "../coroutine/coro_loop.ts";
import { runningCoro } from "../coroutine/coro_of.ts";
import type { Outcome } from "../coroutine/errors.ts";
import type { Location } from "../distributed/location.ts";
import type { Peers } from "../distributed/peers/peers.ts";
import type { Operation } from "../fiber/operation.ts";
import { call } from "../operations/call.ts";
import { sleep } from "../operations/sleep.ts";
import { SetupError } from "./errors.ts";
import { ClusterWait } from "./cluster_wait.ts";
import type { CheckedComputationOptions } from "./computation_options.ts";
import type { Attempt, AttemptEnd, JobServer } from "./jobs/attempt.ts";
import type { Counts } from "./jobs/counts.ts";
import { checkJobId, type DurableHost, DurableJobs, type StoredJob } from "./jobs/durable_jobs.ts";
import { Dispatcher, type DispatcherHost } from "./jobs/dispatcher.ts";
import { JobRequests, type JobRequestsHost } from "./jobs/job_requests.ts";
import type { JobRun } from "./jobs/job_run.ts";
import { NodeControl } from "./nodes/control.ts";
import { checkTarget } from "./jobs/target.ts";
import { checkReadable } from "./nodes/files.ts";
import type { ManagerHost } from "./nodes/manager.ts";
import type { ClusterNode } from "./nodes/node.ts";
import { Nodes } from "./nodes/nodes.ts";
import { ClusterStatus, type StatusInfo, type StatusName } from "./nodes/status.ts";
import type { ComputationSnapshot } from "./page/snapshot.ts";
import { progressOf, snapshotOf } from "./page/take_snapshot.ts";

/** Seconds in which the store must have taken what has become of the last jobs. */
const SETTLE_SECONDS = 5;

type State = "new" | "running" | "closing" | "closed";

/** See the head of this file. */
export class Cluster implements ManagerHost, DispatcherHost, DurableHost, JobRequestsHost {
  readonly options: CheckedComputationOptions;
  readonly loop: CoroLoop;
  readonly dispatcher: Dispatcher;
  readonly nodes: Nodes;
  /** The jobs of the store, if there is one. */
  readonly durable: DurableJobs | null;
  readonly requests: JobRequests;
  readonly control: NodeControl;
  state: State = "new";
  readonly #scheduling: Set<ClusterWait<void>> = new Set();
  #hasServers = false;
  #closing: Coro | null = null;

  constructor(options: CheckedComputationOptions) {
    this.options = options;
    this.loop = options.network.peerTable.loop;
    this.dispatcher = new Dispatcher(this);
    this.nodes = new Nodes(options.network, this);
    this.requests = new JobRequests(this);
    this.control = new NodeControl(this.nodes, this.peers, (server) => this.dispatcher.serverChanged(server));
    this.durable = options.store === null ? null : new DurableJobs(options.store, options.name, this);
  }

  get runs(): Iterable<JobRun> {
    return this.requests.runs;
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

  get name(): string {
    return this.options.name;
  }

  // --- beginning ----------------------------------------------------------------------------------------------------

  /** Looks for nodes, from the first use on. */
  begin(action: string): void {
    this.mustBeOpen(action);
    if (this.state === "running") return;
    this.state = "running";
    this.nodes.open();
    this.durable?.begin();
  }

  schedule(seconds: number): Operation<void> {
    this.mustBeOpen("schedule");
    return call(this.#schedule(seconds));
  }

  *#schedule(seconds: number): Generator<unknown, void, unknown> {
    const end = this.loop.now() + seconds;
    yield* checkReadable(this.options.files);
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

  /** Throws an error if the computation is closed. */
  mustBeOpen(action: string): void {
    if (!this.isClosing) return;
    throw new Error(`Cannot ${action} as computation '${this.name}' is closed: make a new one`);
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
    const { name, target: checked } = checkTarget(target, this.options.files);
    const job: StoredJob = { name, target: checked, args: this.peers.pack(args, "args"), retries };
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

  runOnce(job: StoredJob): Operation<Outcome> {
    return this.requests.runOnce(job);
  }

  // --- nodes and servers --------------------------------------------------------------------------------------------

  readyNodes(): Location[] {
    return [...this.nodes.all()].filter(({ state }) => state === "ready").map(({ location }) => location);
  }

  readyServers(): Location[] {
    return [...this.nodes.readyServers()].map(({ location }) => location);
  }

  lookedForSince(where: Location): number | null {
    return this.nodes.lookedForSince(where);
  }

  // --- what managers tell -------------------------------------------------------------------------------------------

  status(status: StatusName, info: StatusInfo): void {
    const { statusCoro } = this.options;
    if (statusCoro === null) {
      // A setup that fails must not go unseen: `schedule()` waits for another server then.
      if (info.error instanceof SetupError && this.#closing === null) this.loop.reportError(info.error, runningCoro()!);
      return;
    }
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

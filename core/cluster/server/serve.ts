/**
 * What runs in a server: it prepares itself as the client says, runs the jobs of the client, tells how busy it is, and
 * ends when its node tells it to.
 */
import type { Coro, CoroFunction } from "../../coroutine/coro.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import { PermissionError } from "../../distributed/errors.ts";
import type { Location } from "../../distributed/location.ts";
import type { Network } from "../../distributed/network.ts";
import { Watch } from "../../distributed/coros/watch.ts";
import { creatorOf } from "../../distributed/rci/creators.ts";
import { RCI } from "../../distributed/rci/rci.ts";
import { sleep } from "../../operations/sleep.ts";
import { until } from "../../operations/until.ts";
import {
  type FromServer,
  GIVEN_BACK,
  JOB_RCI,
  type JobCall,
  type JobTarget,
  SERVER_NAME,
  type ServerSetup,
  SETUP_RCI,
  type ToServer,
} from "../protocol.ts";
import { Functions, type Resolve } from "./functions.ts";
import { type LoadMeter, processLoad } from "./load.ts";
import { Turns } from "./turns.ts";

/** Seconds between two reports of the load. */
const REPORT_SECONDS = 1;
/** Seconds that jobs may take to end when they are terminated. */
const GRACE_SECONDS = 5;
/** How many numbers are kept of jobs that are not to begin: many more than are under way between client and server. */
const MAX_REFUSED = 1000;
/** A job that has run for so many seconds may have kept the server from reading what was sent to it. */
const LONG_SECONDS = 0.05;
/** Seconds in which it is read then. */
const READING_SECONDS = 0.002;

/** How a server runs. */
export interface ServeOptions {
  /** The network that it has joined. */
  readonly network: Network;
  /** The joining of the client, which alone may run jobs here. */
  readonly client: Location;
  /** Makes the function of a target. */
  readonly resolve: Resolve;
  /** Measures how busy the process is. */
  readonly load?: LoadMeter;
  /** Fulfilled once the host has sent all that was written to the link. */
  readonly sent?: () => Promise<void>;
}

/** Serves until the node tells the running coroutine to end, and then ends the jobs and runs the cleanup. */
export function* serve(options: ServeOptions): Generator<unknown, void, unknown> {
  yield* new Server(options).run(runningCoro()!);
}

class Server {
  readonly #options: ServeOptions;
  readonly #functions: Functions;
  readonly #turns: Turns = new Turns();
  readonly #jobs: Map<number, Coro> = new Map();
  /** Jobs that are not to begin and were not known when that was said. */
  readonly #refused: Set<number> = new Set();
  readonly #rcis: readonly RCI[];
  #cleanup: JobTarget | null = null;
  #reporter: Coro | null = null;
  /** When the last exclusive job has begun. */
  #begun = 0;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.#functions = new Functions(options.resolve);
    // deno-lint-ignore no-this-alias
    const server = this;
    this.#rcis = [
      new RCI(function* setup(coro: Coro, setup: ServerSetup) {
        yield* server.#setup(coro, setup);
      }, SETUP_RCI),
      // The default value is made with the coroutine, so that its handle is told the name.
      new RCI(function* job(coro: Coro, call: JobCall, _name = (coro.name = call.name)) {
        return yield* server.#job(coro, call);
      }, JOB_RCI),
    ];
  }

  *run(coro: Coro): Generator<unknown, void, unknown> {
    coro.register(SERVER_NAME);
    for (const rci of this.#rcis) rci.register({ limit: Number.MAX_SAFE_INTEGER });
    try {
      for (;;) {
        const message = yield* coro.receive<ToServer>();
        if (message.kind === "end") break;
        this.#withdraw(message.job, message.kind === "cancel");
      }
    } finally {
      for (const rci of this.#rcis) rci.unregister();
      yield* this.#end(coro);
    }
  }

  *#end(coro: Coro): Generator<unknown, void, unknown> {
    this.#reporter?.terminate();
    const jobs = [...this.#jobs.values()];
    // Jobs that end with the server are lost for the client, and not terminated by someone who wants that.
    if (jobs.length > 0) this.#options.network.closePeer(this.#options.client);
    for (const job of jobs) job.terminate(GRACE_SECONDS);
    for (const job of jobs) {
      try {
        yield* job.finish();
      } catch {
        // An error of its cleanup is told to the client.
      }
    }
    try {
      if (this.#cleanup !== null) yield* this.#call(coro, this.#cleanup, []);
    } catch (error) {
      coro.loop.reportError(error, coro);
    }
  }

  // --- preparation ----------------------------------------------------------------------------------------------

  *#setup(coro: Coro, { manager, setups, cleanup }: ServerSetup): Generator<unknown, void, unknown> {
    this.#mustBeClient(coro);
    for (const { target, args } of setups) yield* this.#call(coro, target, args);
    this.#cleanup = cleanup ?? this.#cleanup;
    this.#reporter ??= this.#report(manager);
  }

  *#call(coro: Coro, target: JobTarget, args: readonly unknown[]): Generator<unknown, unknown, unknown> {
    const body = this.#functions.find(target) ?? (yield* this.#functions.make(target));
    return yield* body(coro, ...args);
  }

  #report(manager: Coro): Coro {
    const { network: { location }, load = processLoad() } = this.#options;
    return manager.scheduler.spawnWith({ daemon: true }, function* load_reports() {
      for (;;) {
        yield* sleep(REPORT_SECONDS);
        manager.send({ kind: "load", location, busy: load() } satisfies FromServer);
      }
    });
  }

  // --- jobs -------------------------------------------------------------------------------------------------------

  *#job(coro: Coro, call: JobCall): Generator<unknown, unknown, unknown> {
    this.#mustBeClient(coro);
    if (this.#refused.delete(call.id)) return GIVEN_BACK;
    this.#jobs.set(call.id, coro);
    // The client waits for its end, though that may be told here only after it has failed.
    new Watch(coro, () => {}).begin();
    try {
      return yield* call.exclusive ? this.#exclusive(coro, call) : this.#run(coro, call);
    } finally {
      this.#jobs.delete(call.id);
    }
  }

  /** The client does not want a job here. The job may have ended, and its coroutine may not have made its first step. */
  #withdraw(id: number, terminate: boolean): void {
    const job = this.#jobs.get(id);
    if (job === undefined) {
      this.#refused.add(id);
      if (this.#refused.size > MAX_REFUSED) {
        for (const oldest of this.#refused) return void this.#refused.delete(oldest);
      }
    } else if (terminate) {
      job.terminate(GRACE_SECONDS);
    } else {
      this.#turns.withdraw(id);
    }
  }

  *#exclusive(coro: Coro, call: JobCall): Generator<unknown, unknown, unknown> {
    const turns = this.#turns;
    const hasWaited = turns.isTaken;
    if (!(yield* turns.take(call.id))) return GIVEN_BACK;
    try {
      if (hasWaited) yield* this.#catchUp();
      if (turns.isWithdrawn) return GIVEN_BACK;
      this.#begun = coro.scheduler.now();
      return yield* this.#run(coro, call);
    } finally {
      this.#turns.pass();
    }
  }

  /** Between two jobs: what the first has returned is sent, and if it was long, what has come meanwhile is read. */
  *#catchUp(): Generator<unknown, void, unknown> {
    yield;
    const { scheduler } = runningCoro()!;
    if (scheduler.now() - this.#begun > LONG_SECONDS) yield* sleep(READING_SECONDS);
  }

  /** What was written in this turn, the handle of a job above all, is sent: a job may compute without giving way. */
  *#send(): Generator<unknown, void, unknown> {
    yield;
    const { sent } = this.#options;
    if (sent !== undefined) yield* until(sent());
  }

  *#run(coro: Coro, { target, args, isHandleWanted }: JobCall): Generator<unknown, unknown, unknown> {
    if (isHandleWanted) yield* this.#send();
    const body: CoroFunction = this.#functions.find(target) ?? (yield* this.#functions.make(target));
    const values = this.#options.network.peerTable.unpack(args) as unknown[];
    // What was waited for so far is not to become the result of a job that returns nothing.
    coro.last = undefined;
    return yield* body(coro, ...values);
  }

  #mustBeClient(coro: Coro): void {
    if (this.#options.client.equals(creatorOf(coro))) return;
    throw new PermissionError(`Cannot run this as only ${this.#options.client} may, whose computation is served`);
  }
}

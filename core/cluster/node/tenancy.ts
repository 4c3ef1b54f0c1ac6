/**
 * What a node does for clients: it registers an RCI, whose coroutine is the tenancy of one client. One tenancy at a time
 * has servers; others wait, first come, first served.
 */
import type { Ask } from "../../coroutine/ask.ts";
import { Coro } from "../../coroutine/coro.ts";
import { creatorOf } from "../../distributed/rci/creators.ts";
import type { Network } from "../../distributed/network.ts";
import { RCI } from "../../distributed/rci/rci.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { Semaphore } from "../../sync/semaphore.ts";
import { type FromNode, NODE_RCI, type NodeInfo, type NodeRequest, type Progress, type ToNode } from "../protocol.ts";
import type { JobFolder, JobFolders } from "./job_folder.ts";
import { NodeServers } from "./node_servers.ts";
import type { ServerLauncher } from "./server_launcher.ts";

/** What a node is made of. */
export interface TenanciesOptions {
  /** The network that it has joined. */
  readonly network: Network;
  /** Starts servers. */
  readonly launcher: ServerLauncher;
  /** Makes folders for the files of clients. */
  readonly folders: JobFolders;
  /** Describes the node, as it is now. */
  readonly info: () => NodeInfo;
  /** Called when a tenancy that had its turn has ended, and all is cleaned up. */
  readonly ended?: () => void;
}

/** A computation that is served. */
export interface ServedComputation {
  /** Its name. */
  readonly computation: string;
  /** How many servers it has. */
  readonly servers: number;
  /** How far it is; `null` as long as its client has not told. */
  readonly progress: Progress | null;
}

/** The same, while it is served. */
interface Current {
  readonly coro: Coro;
  readonly computation: string;
  readonly servers: NodeServers;
  progress: Progress | null;
}

type FileMessage = Extract<ToNode, { readonly kind: "file" }>;

/** See the head of this file. */
export class Tenancies {
  readonly #options: TenanciesOptions;
  readonly #rci: RCI;
  readonly #turn: Semaphore = new Semaphore(1, "node");
  /** The tenancies that have not ended, those that wait included, with what tells their clients. */
  readonly #all: Map<Coro, (message: FromNode) => void> = new Map();
  /** What ends the servers of the last tenancy. */
  #ending: Coro | null = null;
  #current: Current | null = null;

  constructor(options: TenanciesOptions) {
    this.#options = options;
    // deno-lint-ignore no-this-alias
    const tenancies = this;
    this.#rci = new RCI(function* tenancy(coro: Coro, request: NodeRequest) {
      yield* tenancies.#serve(coro, request);
    }, NODE_RCI);
  }

  /** The computation that is served; `null` if there is none. */
  get current(): ServedComputation | null {
    if (this.#current === null) return null;
    const { computation, servers, progress } = this.#current;
    return { computation, servers: servers.size, progress };
  }

  /** How many clients wait. */
  get waiting(): number {
    return this.#all.size - (this.#current === null ? 0 : 1);
  }

  /** Begins to serve clients, at the scheduler of the running coroutine. `false`: it has a node already. */
  register(): boolean {
    return this.#rci.register();
  }

  /** Serves no more clients, lets the one that is served end what it runs, and waits for that. */
  drain(): Operation<void> {
    return call(this.#drain());
  }

  *#drain(): Generator<unknown, void, unknown> {
    this.#rci.unregister();
    for (const [tenancy, tell] of this.#all) {
      tell({ kind: "draining" });
      if (tenancy !== this.#current?.coro) tenancy.terminate();
    }
    yield* this.#allEnded();
  }

  /** Ends the tenancies at once, and waits until their servers have ended and their files are gone. */
  close(): Operation<void> {
    return call(this.#close());
  }

  *#close(): Generator<unknown, void, unknown> {
    this.#rci.unregister();
    for (const tenancy of this.#all.keys()) tenancy.terminate();
    yield* this.#allEnded();
  }

  *#allEnded(): Generator<unknown, void, unknown> {
    for (const tenancy of [...this.#all.keys()]) {
      try {
        yield* tenancy.finish();
      } catch {
        // Its client is told of its failure.
      }
    }
    yield* this.#ending?.finish() ?? [];
  }

  // --- one tenancy ------------------------------------------------------------------------------------------------

  *#serve(coro: Coro, request: NodeRequest): Generator<unknown, void, unknown> {
    const tell = (message: FromNode) => void request.manager.send(message);
    this.#all.set(coro, tell);
    try {
      yield* this.#turn.acquire();
      yield* this.#served(coro, request, tell);
    } finally {
      this.#all.delete(coro);
    }
  }

  /** It has the turn, and passes it on when all is cleaned up, which the end of the coroutine does not wait for for ever. */
  *#served(
    coro: Coro,
    { computation }: NodeRequest,
    tell: (message: FromNode) => void,
  ): Generator<unknown, void, unknown> {
    let [folder, servers]: [JobFolder | null, NodeServers | null] = [null, null];
    try {
      folder = yield* this.#options.folders.create();
      servers = new NodeServers({
        launcher: this.#options.launcher,
        folder: folder.path,
        client: creatorOf(coro)!,
        prefix: this.#options.network.location.name,
        tell,
      });
      this.#current = { coro, computation, servers, progress: null };
      tell({ kind: "reserved", info: this.#options.info() });
      yield* this.#obey(coro, folder, servers);
    } finally {
      const ending = this.#ending = this.#cleanUp(coro, folder, servers);
      yield* ending.finish();
    }
  }

  *#obey(coro: Coro, folder: JobFolder, servers: NodeServers): Generator<unknown, void, unknown> {
    for (;;) {
      const message = yield* coro.receive<Exclude<ToNode, FileMessage> | Ask<FileMessage, boolean>>();
      if ("reply" in message) {
        yield* write(folder, message);
        continue;
      }
      switch (message.kind) {
        case "start":
          for (let i = 0; i < message.servers; i++) servers.start();
          break;
        case "restart":
          servers.restart(message.location);
          break;
        case "progress":
          this.#current!.progress = message.progress;
          break;
        case "end server":
          new Coro(function* end_server() {
            yield* servers.end(message.location);
          });
          break;
        case "end":
          return;
      }
    }
  }

  #cleanUp(coro: Coro, folder: JobFolder | null, servers: NodeServers | null): Coro {
    // deno-lint-ignore no-this-alias
    const tenancies = this;
    return coro.scheduler.spawn(function* end_tenancy() {
      try {
        if (servers !== null) yield* servers.endAll();
        if (folder !== null) yield* folder.remove();
      } finally {
        tenancies.#current = null;
        tenancies.#turn.release();
        tenancies.#options.ended?.();
      }
    });
  }
}

function* write(folder: JobFolder, ask: Ask<FileMessage, boolean>): Generator<unknown, void, unknown> {
  const { name, bytes, last } = ask.message;
  try {
    yield* folder.write(name, bytes, last);
    ask.reply(true);
  } catch (error) {
    ask.fail(error);
  }
}

/** Clusters of real processes: nodes that are programs of their own, and the client in the process of the test. */
import { type Coro, Scheduler, sleep, until } from "@asyncoro/asyncoro";
import type { Computation } from "@asyncoro/asyncoro/cluster";
import { type Location, Network } from "@asyncoro/asyncoro/distributed";
import { assertEquals } from "@std/assert";

/** What all peers know. */
export const SECRET = "the secret of the acceptance tests";

/** So that what is lost is noticed soon. */
export const TIMES = { heartbeat: 0.3, peerTimeout: 2 } as const;

const ROOT = new URL("../../../", import.meta.url);
const NODE = new URL("core/cluster/node_main.ts", ROOT).href;

/** The processes of which `pid` is the parent. */
export function childrenOf(pid: number): number[] {
  const children: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid) children.push(Number(name));
    } catch {
      // It has ended.
    }
  }
  return children;
}

/** Whether a process runs. */
export function runs(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

/** A program in a process of its own, with what it has printed. */
export class Process {
  readonly child: Deno.ChildProcess;
  printed = "";
  readonly #read: Promise<unknown>;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", "--config", new URL("deno.json", ROOT).pathname, ...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = Promise.all([this.#collect(this.child.stdout), this.#collect(this.child.stderr)]);
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.printed += decoder.decode(chunk, { stream: true });
  }

  /** Sends a signal, if it still runs. */
  kill(signal: Deno.Signal = "SIGKILL"): void {
    try {
      this.child.kill(signal);
    } catch {
      // It has ended.
    }
  }

  /** Waits for its end. Returns its exit code. */
  async ended(): Promise<number> {
    const { code } = await this.child.status;
    await this.#read;
    return code;
  }
}

/** A node, started by the program for that. */
export class NodeProcess extends Process {
  readonly directory: string;
  #isDiscarded = false;

  constructor(name: string, ...flags: string[]) {
    const directory = Deno.makeTempDirSync({ prefix: "asyncoro-acceptance-" });
    const times = ["--heartbeat", `${TIMES.heartbeat}`, "--peer-timeout", `${TIMES.peerTimeout}`];
    super(["-A", NODE, "--name", name, "--directory", directory, ...times, ...flags], { ASYNCORO_SECRET: SECRET });
    this.directory = directory;
  }

  /** The processes of its servers. */
  get servers(): number[] {
    return childrenOf(this.child.pid).filter((pid) => {
      return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("server_main");
    });
  }

  /** What is in its directory. */
  get files(): string[] {
    return [...Deno.readDirSync(this.directory)].map(({ name }) => name);
  }

  /** It was killed: only its directory is left. */
  async discard(): Promise<void> {
    await this.ended();
    this.#isDiscarded = true;
    Deno.removeSync(this.directory, { recursive: true });
  }

  /** Ends it, and checks that nothing is left of it. */
  async stop(): Promise<void> {
    if (this.#isDiscarded) return;
    const servers = this.servers;
    this.kill("SIGTERM");
    const code = await this.ended();
    try {
      assertEquals(
        { code, left: servers.filter(runs), files: this.files },
        { code: 0, left: [], files: [] },
        this.printed,
      );
    } finally {
      Deno.removeSync(this.directory, { recursive: true });
    }
  }
}

/** What a test gets. */
export interface Cluster {
  readonly network: Network;
  /** Starts a node that connects to the client. */
  start(name: string, ...flags: string[]): NodeProcess;
}

/** Joins a network as a client, with one node called `node` if `cpus` is not zero, and ends all at the end. */
export function withCluster(
  cpus: number,
  body: (coro: Coro, cluster: Cluster, node: NodeProcess) => Generator<unknown, unknown, unknown>,
): () => Promise<void> {
  return async () => {
    const scheduler = new Scheduler();
    const main = scheduler.spawn(function* (coro: Coro) {
      const network = yield* Network.join({ name: "client", secret: SECRET, ...TIMES });
      const nodes: NodeProcess[] = [];
      const start = (name: string, ...flags: string[]) => {
        const node = new NodeProcess(name, "--peer", network.location.address.replace("tcp://", ""), ...flags);
        nodes.push(node);
        return node;
      };
      let failed = true;
      try {
        yield* body(
          coro,
          { network, start },
          cpus === 0 ? null as unknown as NodeProcess : start("node", "--cpus", `${cpus}`),
        );
        failed = false;
      } finally {
        for (const node of nodes) {
          if (failed) {
            console.error(node.printed);
            node.kill();
            yield* until(node.ended());
          } else yield* until(node.stop());
        }
        yield* network.leave();
      }
    });
    await main.value();
    await scheduler.terminate();
  };
}

/** The error that `body` throws. */
export function* thrown(
  body: Generator<unknown, unknown, unknown> | Iterable<unknown>,
): Generator<unknown, Error, unknown> {
  let value: unknown;
  try {
    value = yield* body as Generator<unknown, unknown, unknown>;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`Nothing was thrown, the value is ${Deno.inspect(value)}`);
}

/** Waits until something holds that is looked at from outside. */
export function* eventually(what: string, holds: () => boolean): Generator<unknown, void, unknown> {
  for (let i = 0; !holds(); i++) {
    if (i === 2000) throw new Error(`Waited too long until ${what}`);
    yield* sleep(0.01);
  }
}

/** Waits until a computation has so many servers. */
export function* servers(computation: Computation, count: number): Generator<unknown, Location[], unknown> {
  yield* eventually(`there are ${count} servers`, () => computation.servers().length === count);
  return computation.servers();
}

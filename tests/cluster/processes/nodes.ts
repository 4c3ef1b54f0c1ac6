/** Nodes in processes of their own, as a shell starts them, and a client in the process of the test. */
import { type Coro, type Operation, Scheduler } from "@asyncoro/asyncoro";
import { Computation, type ComputationOptions } from "@asyncoro/asyncoro/cluster";
import { Network, tcp } from "@asyncoro/asyncoro/distributed";
import type { Steps } from "./servers.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const PROGRAM = `${ROOT}core/cluster/node_main.ts`;
const CLIENT = new URL("./client.ts", import.meta.url).pathname;
const SECRET = "the secret of the tests";

/** Peers are lost after so many seconds of silence. */
export const PEER_SECONDS = 1.5;

const QUICK = { heartbeat: PEER_SECONDS / 5, peerTimeout: PEER_SECONDS };
const QUICK_FLAGS = ["--heartbeat", String(QUICK.heartbeat), "--peer-timeout", String(QUICK.peerTimeout)];

/** A program. */
export interface Program {
  readonly pid: number;
  /** What it has written to standard error. */
  readonly lines: readonly string[];
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** Resolved when a line has come that contains the text, or it has ended. */
  printed(text: string): Promise<void>;
  kill(signal: Deno.Signal): void;
}

/** Starts a program, by default that of a node, with a secret in its environment. */
export function startProgram(
  args: readonly string[],
  { program = PROGRAM, secret = SECRET }: { program?: string; secret?: string | null } = {},
): Program {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", "--config", `${ROOT}deno.json`, program, ...args],
    env: { ASYNCORO_SECRET: secret ?? "", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const tell = () => {
    for (const watcher of watchers) watcher();
  };
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const all = (rest + text).split("\n");
      rest = all.pop()!;
      lines.push(...all);
      tell();
    }
  };
  const ended = Promise.all([child.status, collect(child.stdout), collect(child.stderr)]);
  let hasEnded = false;
  ended.then(() => {
    hasEnded = true;
    tell();
  });
  return {
    pid: child.pid,
    lines,
    status: ended.then(([status]) => status),
    printed: (text) =>
      new Promise((resolve) => {
        const look = () => {
          if (!hasEnded && !lines.some((line) => line.includes(text))) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    kill(signal) {
      try {
        child.kill(signal);
      } catch {
        // It has ended.
      }
    },
  };
}

/** What a test gets. */
export interface Here {
  readonly network: Network;
  /** An empty directory. */
  readonly directory: string;
  /** Starts a node that connects to the client, with one server unless the flags say otherwise. */
  node(...flags: string[]): Program;
  /** Starts a client that gives its one job to a node and never ends: it prints its address, and the process of the job. */
  client(): Program;
  /** Makes a computation. */
  computation(options?: Partial<ComputationOptions>): Computation;
}

/** Runs a test in a coroutine of a client, for 30 seconds at most. Ends what it has started. */
export async function withNodes(body: (coro: Coro, here: Here) => Steps<unknown> | Operation<unknown>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "asyncoro-nodes-" });
  const programs: Program[] = [];
  const scheduler = new Scheduler({ name: "test" });
  try {
    await scheduler.spawn(function* (coro: Coro) {
      const network = yield* Network.join({
        name: "client",
        secret: SECRET,
        engines: [tcp()],
        ...QUICK,
      });
      const peer = network.location.address.slice("tcp://".length);
      try {
        yield* body(coro, {
          network,
          directory,
          node(...flags) {
            const node = startProgram([
              ...QUICK_FLAGS,
              "--peer",
              peer,
              ...flags.includes("--cpus") ? [] : ["--cpus", "1"],
              ...flags,
            ]);
            programs.push(node);
            return node;
          },
          client() {
            const client = startProgram([JSON.stringify(QUICK)], { program: CLIENT });
            programs.push(client);
            return client;
          },
          computation: (options) => new Computation({ network, ...options }),
        });
      } finally {
        yield* network.leave();
      }
    }).value(30);
  } finally {
    await scheduler.terminate();
    for (const program of programs) {
      program.kill("SIGKILL");
      await program.status;
    }
    await Deno.remove(directory, { recursive: true });
  }
}

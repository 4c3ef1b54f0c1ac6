/** Starts peers in processes of their own, and ends them with the test. */
import { type Coro, Scheduler } from "@asyncoro/asyncoro";
import { Network, type NetworkOptions, tcp, type TcpOptions } from "@asyncoro/asyncoro/distributed";

const PROGRAM = new URL("./peer_process.ts", import.meta.url).pathname;
const ROOT = new URL("../../../", import.meta.url).pathname;

/** The options of all peers: they notice a loss after one and a half seconds. */
export const QUICK: NetworkOptions = { secret: "the secret of the tests", heartbeat: 0.3, peerTimeout: 1.5 };

/** A peer in a process. */
export interface PeerProcess {
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  kill(signal: Deno.Signal): void;
  /** Resolved when it has ended. */
  readonly status: Promise<Deno.CommandStatus>;
}

/** What a test gets. */
export interface Here {
  readonly network: Network;
  /** Starts a peer. */
  start(name: string, port?: number, options?: NetworkOptions & { engine?: TcpOptions }): Promise<PeerProcess>;
  /** What was reported. */
  readonly reported: unknown[];
}

/** Runs a coroutine that has joined the network of the test, for at most 60 seconds. */
export async function withPeers(
  body: (coro: Coro, here: Here) => Generator<unknown, unknown, unknown>,
  options: NetworkOptions = {},
): Promise<void> {
  const children: Deno.ChildProcess[] = [];
  const reported: unknown[] = [];
  const start = async (
    name: string,
    port = 0,
    options: NetworkOptions & { engine?: TcpOptions } = {},
  ): Promise<PeerProcess> => {
    const args = ["run", "-A", "--no-check", "--quiet", "--config", `${ROOT}deno.json`, PROGRAM];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args, name, String(port), JSON.stringify(options)],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    children.push(child);
    const address = await firstLine(child.stdout);
    const kill = (signal: Deno.Signal) => child.kill(signal);
    return { address, port: Number(new URL(address).port), pid: child.pid, kill, status: child.status };
  };
  const scheduler = new Scheduler({ name: "test" });
  scheduler.onError = (error) => reported.push(error);
  try {
    await scheduler.spawn(function* (coro: Coro) {
      const network = yield* Network.join({ name: "test", engines: [tcp()], ...QUICK, ...options });
      yield* body(coro, { network, start, reported });
    }).value(60);
  } finally {
    await scheduler.terminate();
    for (const child of children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
    }
  }
}

async function firstLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The process has ended: ${text}`);
    text += value;
  }
  await reader.cancel();
  return text.trim();
}

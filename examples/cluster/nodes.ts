/**
 * Gives an example its network. With the addresses of nodes as arguments, it connects to these; without any, it starts
 * nodes on this machine, as `deno task node` does, and ends them afterwards.
 */
import { until } from "@asyncoro/asyncoro";
import { Network } from "@asyncoro/asyncoro/distributed";

/** What all peers of an example know. Real networks have a secret that is random, and not in the source. */
export const SECRET: string = Deno.env.get("ASYNCORO_SECRET") ?? "for examples on this machine";

/** So that a node that is killed is noticed soon. */
export const TIMES = { heartbeat: 0.5, peerTimeout: 2 } as const;

const NODE = new URL("../../core/cluster/node_main.ts", import.meta.url).href;

/** A node that an example has started, with two servers. */
export class NodeProcess {
  readonly #child: Deno.ChildProcess;

  /** Starts it, with these flags of the program beside its name. */
  constructor(name: string, ...flags: string[]) {
    const times = ["--heartbeat", `${TIMES.heartbeat}`, "--peer-timeout", `${TIMES.peerTimeout}`];
    const args = ["run", "-A", NODE, "--name", name, "--cpus", "2", ...times, ...flags];
    this.#child = new Deno.Command(Deno.execPath(), {
      args,
      env: { ASYNCORO_SECRET: SECRET },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Ends it as a crash of the machine would. */
  kill(): void {
    this.#end("SIGKILL");
  }

  /** Ends it, and waits for that. */
  *end(): Generator<unknown, void, unknown> {
    this.#end("SIGTERM");
    yield* until(this.#child.status);
  }

  #end(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended.
    }
  }
}

/** The address by which a node of this machine finds the client: `host:port`. */
export function clientAddress(network: Network): string {
  return network.location.address.replace("tcp://", "");
}

/**
 * Joins a network and runs `body` with it.
 *
 * @param count How many nodes to start, if no addresses are given.
 * @param addresses Of nodes that run: the arguments of the program that begin with a host and a port.
 */
export function* withNodes<T>(
  count: number,
  addresses: readonly string[],
  body: (network: Network, nodes: NodeProcess[]) => Generator<unknown, T, unknown>,
): Generator<unknown, T, unknown> {
  const network = yield* Network.join({ name: "client", secret: SECRET, ...TIMES });
  const nodes: NodeProcess[] = [];
  try {
    for (const address of addresses) yield* network.peer(address);
    for (let i = 1; addresses.length === 0 && i <= count; i++) {
      nodes.push(new NodeProcess(`node-${i}`, "--peer", clientAddress(network)));
    }
    return yield* body(network, nodes);
  } finally {
    for (const node of nodes) yield* node.end();
    yield* network.leave();
  }
}

/** Which nodes a computation uses, and how many servers on each. */
import { describe } from "../../base/describe.ts";
import { checkOptions } from "../../base/options.ts";
import type { NodeInfo } from "../protocol.ts";

/**
 * A kind of nodes that a computation uses. What is left out matches any node.
 *
 * The first entry that matches a node decides. A node that none matches is ignored.
 */
export interface NodeAllocate {
  /** The name of the node in the network. */
  readonly name?: string;
  /** A regular expression that its platform, such as `linux-x86_64`, has to match; upper and lower case are the same. */
  readonly platform?: string;
  /** How many servers to use. The node needs to have so many. Negative: as many as it has, without so many. */
  readonly cpus?: number;
  /** The bytes of memory that it needs to have free. */
  readonly memory?: number;
}

/** Checks the entries. */
export function checkAllocation(nodes: unknown): readonly NodeAllocate[] | null {
  if (nodes === undefined) return null;
  if (!Array.isArray(nodes)) throw wrong("'nodes' must be an array", nodes);
  return nodes.map((entry: NodeAllocate) => {
    checkOptions(entry, ["name", "platform", "cpus", "memory"], "allocate nodes");
    const { name, platform, cpus, memory } = entry;
    if (name !== undefined && typeof name !== "string") throw wrong("'name' must be a string", name);
    if (platform !== undefined) checkExpression(platform);
    if (cpus !== undefined && (!Number.isSafeInteger(cpus) || cpus === 0)) {
      throw wrong("'cpus' must be an integer other than 0", cpus, typeof cpus === "number");
    }
    if (memory !== undefined && !(typeof memory === "number" && memory >= 0)) {
      throw wrong("'memory' must be a number of bytes", memory, typeof memory === "number");
    }
    return { ...entry };
  });
}

/** How many servers to use on a node; 0: it is ignored. */
export function serversOn(node: NodeInfo, nodes: readonly NodeAllocate[] | null): number {
  if (nodes === null) return node.cpus;
  for (const { name, platform, cpus = node.cpus, memory = 0 } of nodes) {
    const servers = cpus < 0 ? node.cpus + cpus : cpus;
    if (name !== undefined && name !== node.name) continue;
    if (platform !== undefined && !new RegExp(platform, "i").test(node.platform)) continue;
    if (servers > 0 && servers <= node.cpus && memory <= node.memory) return servers;
  }
  return 0;
}

function checkExpression(platform: unknown): void {
  if (typeof platform !== "string") throw wrong("'platform' must be a regular expression as a string", platform);
  try {
    new RegExp(platform, "i");
  } catch (cause) {
    throw new TypeError(
      `Cannot allocate nodes as 'platform' must be a regular expression: current value is ${describe(platform)}`,
      { cause },
    );
  }
}

function wrong(reason: string, value: unknown, isRange = false): Error {
  const text = `Cannot allocate nodes as ${reason}: current value is ${describe(value)}`;
  return isRange ? new RangeError(text) : new TypeError(text);
}

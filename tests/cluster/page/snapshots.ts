/** States of computations that do not run, for tests of the page. */
import type { ComputationSnapshot, NodeSnapshot } from "../../../core/cluster/page/snapshot.ts";

const NOTHING: ComputationSnapshot = {
  name: "primes",
  state: "new",
  age: 0,
  nodes: [],
  jobs: { waiting: 0, running: 0, done: 0, failed: 0, lost: 0, retried: 0 },
  rate: 0,
  failures: [],
  progress: null,
  stored: null,
};

/** A node with ready servers. */
export function aNode(number: number, servers: number, changes: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return {
    id: `node-${number}`,
    name: `node ${number}`,
    address: `192.168.1.${number}:9705`,
    state: "ready",
    platform: "linux-x86_64",
    cpus: 8,
    memory: 12.5 * 2 ** 30,
    servers: Array.from({ length: servers }, (_, index) => ({
      id: `server-${number}-${index}`,
      name: `server ${number}.${index + 1}`,
      state: "ready",
      busy: index / 10,
      running: 1,
      done: 10 * index,
    })),
    ...changes,
  };
}

/** A computation, of which a test can change what there is to see. */
export class ShownComputation {
  readonly state: ComputationSnapshot;

  constructor(changes: Partial<ComputationSnapshot> = {}) {
    this.state = { ...NOTHING, ...changes };
  }

  /** Shows something else from now on. */
  change(changes: Partial<ComputationSnapshot>): void {
    Object.assign(this.state, changes);
  }

  snapshot(): ComputationSnapshot {
    return this.state;
  }
}

/** Takes the snapshot of a computation. */
import type { Counts } from "../jobs/counts.ts";
import type { JobServer } from "../jobs/attempt.ts";
import type { ClusterNode } from "../nodes/node.ts";
import type { ComputationSnapshot, NodeSnapshot, ServerSnapshot } from "./snapshot.ts";

/** What a snapshot is taken of. */
export interface SnapshotSource {
  readonly name: string;
  readonly state: ComputationSnapshot["state"];
  readonly counts: Counts;
  readonly nodes: { all(): Iterable<ClusterNode> };
  /** The jobs of the store, if there is one. */
  readonly durable: { readonly counts: NonNullable<ComputationSnapshot["stored"]> } | null;
  readonly runs: Iterable<{ readonly progress: { readonly done: number; readonly total: number } }>;
}

/** See the head of this file. */
export function snapshotOf({ name, state, counts, nodes, runs, durable }: SnapshotSource): ComputationSnapshot {
  const { waiting, running, done, failed, lost, retried } = counts;
  return {
    name,
    state,
    age: counts.age,
    nodes: [...nodes.all()].map(nodeSnapshot),
    jobs: { waiting, running, done, failed, lost, retried },
    rate: counts.rate,
    failures: counts.failures,
    progress: progressOf(runs),
    stored: durable?.counts ?? null,
  };
}

function nodeSnapshot(node: ClusterNode): NodeSnapshot {
  const { location, info, isDraining, isSuspended, state } = node;
  const isInUse = state === "preparing" || state === "ready";
  return {
    id: location.id,
    name: location.name,
    address: location.address,
    state: isInUse && isDraining ? "draining" : isInUse && isSuspended ? "suspended" : state,
    platform: info?.platform ?? "",
    cpus: info?.cpus ?? 0,
    memory: info?.memory ?? 0,
    servers: [...node.servers.values()].map(serverSnapshot),
  };
}

function serverSnapshot(server: JobServer): ServerSnapshot {
  const { location: { id, name }, state, isSuspended, busy, running, done } = server;
  return { id, name, state: state === "ready" && isSuspended ? "suspended" : state, busy, running, done };
}

/** How far runs of many items are; `null` if there are none. */
export function progressOf(runs: SnapshotSource["runs"]): ComputationSnapshot["progress"] {
  const all = [...runs].map(({ progress }) => progress);
  if (all.length === 0) return null;
  return {
    done: all.reduce((sum, { done }) => sum + done, 0),
    total: all.reduce((sum, { total }) => sum + total, 0),
  };
}

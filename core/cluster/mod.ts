/**
 * Functions on the cores of other machines: computations, and the nodes that serve them.
 *
 * A {@linkcode Computation} looks for nodes among the peers of a network. Each node runs servers, a process for each core,
 * and each job is a coroutine in one of them.
 *
 * ```ts ignore
 * function* factor(_coro: Coro, n: number) {
 *   const factors = [];
 *   for (let divisor = 2; n > 1; divisor++) {
 *     for (; n % divisor === 0; n /= divisor) factors.push(divisor);
 *   }
 *   return factors;
 * }
 *
 * const computation = new Computation({ network, retries: 2 });
 * yield* computation.schedule();
 * const all = yield* computation.runResults(factor, [91, 97, 360]);
 * yield* computation.close();
 * ```
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { Computation } from "@asyncoro/asyncoro/cluster";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   const network = yield* Network.join({ secret: "sixteen or more characters" });
 *   const computation = new Computation({ network });
 *   assertEquals(computation.servers(), []);
 *   yield* computation.close();
 *   yield* network.leave();
 * });
 * ```
 *
 * @module
 */
export { Computation } from "./computation.ts";
export type { CloseOptions, ComputationStats, Items, JobResult, RunOptions, SubmitOptions } from "./computation.ts";
export type { ComputationOptions } from "./computation_options.ts";
export type { DeadJob, JobState, JobStore, Lease, SettledJob } from "./durable/job_store.ts";
export { JobLostError, NoServerError, SetupError } from "./errors.ts";
export type { ServerPermissions } from "./node/permissions.ts";
export type { ModuleTarget, Target } from "./jobs/target.ts";
export { Node, type NodeOptions } from "./node.ts";
export type { NodeAllocate } from "./nodes/allocation.ts";
export { ClusterStatus, type StatusInfo, type StatusName } from "./nodes/status.ts";

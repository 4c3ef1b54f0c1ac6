/**
 * Functions on the cores of other machines: computations, and the nodes that serve them.
 *
 * @module
 */
export { Computation } from "./computation.ts";
export type { CloseOptions, ComputationStats, Items, JobResult, RunOptions, SubmitOptions } from "./computation.ts";
export type { ComputationOptions } from "./computation_options.ts";
export type { DeadJob, JobState, JobStore, Lease, SettledJob } from "./durable/job_store.ts";
export { JobLostError, NoServerError, SetupError } from "./errors.ts";
export type { ModuleTarget, Target } from "./jobs/target.ts";
export type { NodeAllocate } from "./nodes/allocation.ts";
export { monitorPage } from "./page/monitor_page.ts";
export type { MonitorPage, MonitorPageOptions } from "./page/open_page.ts";
export { ClusterStatus, type StatusInfo, type StatusName } from "./nodes/status.ts";

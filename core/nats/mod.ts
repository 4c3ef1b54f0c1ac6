/**
 * A NATS server for networks of peers: it carries what peers send to each other.
 *
 * Nothing here imports a package: you pass a connection of your own.
 *
 * @module
 */
export type { DeadJob, JobState, JobStore, Lease, SettledJob } from "../cluster/durable/job_store.ts";
export type { Engine, Link } from "../distributed/engine.ts";
export type { NatsConnectionLike, NatsMessageLike, NatsSubscriptionLike } from "./connection.ts";
export type {
  JetStreamConfigLike,
  JetStreamConsumerConfigLike,
  JetStreamLike,
  JetStreamManagerLike,
} from "./jetstream.ts";
export { nats, type NatsOptions } from "./nats.ts";
export { natsJobs } from "./nats_jobs.ts";
export type { NatsJobsOptions } from "./nats_jobs_options.ts";

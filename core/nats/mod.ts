/**
 * A NATS server for networks of peers and for jobs: it carries what peers send to each other, and JetStream keeps jobs that
 * must survive the end of every process.
 *
 * Nothing here imports a package: you pass a connection of your own, and the functions of @nats-io/jetstream.
 *
 * @example
 * ```ts
 * import { run } from "@asyncoro/asyncoro";
 * import { Network } from "@asyncoro/asyncoro/distributed";
 * import { nats, type NatsConnectionLike, type NatsMessageLike } from "@asyncoro/asyncoro/nats";
 * import { assert } from "@std/assert";
 *
 * // In a program: const connection = await connect({ servers: "127.0.0.1:4222" }), of @nats-io/transport-node.
 * const subscribers = new Map<string, (error: null, message: NatsMessageLike) => void>();
 * const connection: NatsConnectionLike = {
 *   publish(subject, data, options) {
 *     const message = { subject, data: data as Uint8Array, reply: options?.reply };
 *     queueMicrotask(() => subscribers.get(subject)?.(null, message));
 *   },
 *   subscribe(subject, options) {
 *     subscribers.set(subject, options!.callback!);
 *     const unsubscribe = () => void subscribers.delete(subject);
 *     return { unsubscribe, drain: () => Promise.resolve(unsubscribe()) };
 *   },
 *   flush: () => Promise.resolve(),
 *   status: () => new ReadableStream(),
 *   isClosed: () => false,
 * };
 *
 * await run(function* () {
 *   const engines = [nats({ connection, prefix: "shop" })];
 *   const network = yield* Network.join({ secret: "at least 16 characters", engines });
 *   assert(network.location.address.startsWith("nats:shop/"));
 *   yield* network.leave();
 * });
 * ```
 *
 * @example Keeping jobs
 * ```ts ignore
 * import { run } from "@asyncoro/asyncoro";
 * import { natsJobs } from "@asyncoro/asyncoro/nats";
 * import { jetstream, jetstreamManager } from "@nats-io/jetstream";
 * import { connect } from "@nats-io/transport-node";
 *
 * const connection = await connect({ servers: "127.0.0.1:4222", maxReconnectAttempts: -1, noAsyncTraces: true });
 * const store = natsJobs({ connection, jetstream, jetstreamManager });
 * await run(function* () {
 *   yield* store.submit("mails", "order 17", new TextEncoder().encode("Thank you"));
 * });
 * await connection.close();
 * ```
 *
 * @module
 */
export type { DeadJob, JobState, JobStore, Lease, SettledJob } from "../cluster/durable/job_store.ts";
export type { Engine, Link } from "../distributed/engine.ts";
export type { NatsConnectionLike, NatsMessageLike, NatsSubscriptionLike } from "./connection.ts";
export type {
  JetStreamConfigLike,
  JetStreamConsumerConfigLike,
  JetStreamInfoLike,
  JetStreamLike,
  JetStreamManagerLike,
  JetStreamMessageLike,
} from "./jetstream.ts";
export { nats, type NatsOptions } from "./nats.ts";
export { natsJobs } from "./nats_jobs.ts";
export type { NatsJobsOptions } from "./nats_jobs_options.ts";

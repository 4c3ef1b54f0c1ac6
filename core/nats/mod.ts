/**
 * A NATS server for networks of peers: it carries what peers send to each other.
 *
 * Nothing here imports a package: you pass a connection of your own.
 *
 * @module
 */
export type { Engine, Link } from "../distributed/engine.ts";
export type { NatsConnectionLike, NatsMessageLike, NatsSubscriptionLike } from "./connection.ts";
export { nats, type NatsOptions } from "./nats.ts";

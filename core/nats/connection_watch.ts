/**
 * Tells when a connection to a NATS server was restored, and when it was closed for good.
 *
 * There is one watch a connection, which lasts as long as the connection: the client has no means to end one early.
 */
import type { NatsConnectionLike } from "./connection.ts";

/** What is told. */
export interface ConnectionListener {
  /** The connection broke and is there again. What was published meanwhile is lost, and what others sent. */
  restored(): void;
  /** The connection was closed. */
  closed(): void;
}

const listenersOf = new WeakMap<NatsConnectionLike, Set<ConnectionListener>>();

/** Begins to tell a listener. Returns a function that ends it. The connection must not be closed yet. */
export function watchConnection(connection: NatsConnectionLike, listener: ConnectionListener): () => void {
  let listeners = listenersOf.get(connection);
  if (listeners === undefined) {
    listeners = new Set();
    listenersOf.set(connection, listeners);
    void watch(connection, listeners);
  }
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

async function watch(connection: NatsConnectionLike, listeners: Set<ConnectionListener>): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type !== "reconnect") continue;
    for (const listener of [...listeners]) listener.restored();
  }
  for (const listener of [...listeners]) listener.closed();
}

import { WorkerError } from "../errors.ts";
import { type DatabaseConnection, resultOf } from "./connection.ts";

/** Which locks are acquired when a transaction begins: none, the one to write, or one that excludes all others. */
export type TransactionMode = "deferred" | "immediate" | "exclusive";

/**
 * Runs a body in a transaction. The running fiber has exclusive use of the database. When this ends, the transaction is over: committed if
 * the body returns, otherwise rolled back.
 *
 * If the wait for its beginning is cut short, only the worker knows whether it has begun; a request to roll it back
 * follows. Whether it is committed must be known here, so that wait is not cut short.
 */
export function* transaction<T>(
  connection: DatabaseConnection,
  cursor: number,
  body: () => Generator<unknown, T>,
  mode: TransactionMode,
): Generator<unknown, T> {
  const number = connection.newTransaction();
  let begun = false;
  let over = false;
  try {
    yield* connection.requestUncancelled("begin", cursor, number, mode);
    begun = true;
    const result = yield* connection.turns.within(body);
    const commit = connection.decisiveTask("commit", cursor, number);
    try {
      yield* resultOf(commit);
    } finally {
      // If it fails, the worker has rolled everything back.
      over = commit.submitted;
    }
    return result;
  } finally {
    // A coroutine that was cut short while it waited for a lock does not wait for it here.
    if (!begun) connection.runDetached("rollback", cursor, number);
    else if (!over) yield* rollBack(connection, cursor, number);
  }
}

function* rollBack(connection: DatabaseConnection, cursor: number, number: number): Generator<unknown, void> {
  if (!connection.alive) return;
  try {
    yield* connection.requestUncancelled("rollback", cursor, number);
  } catch (error) {
    // Then the connection is lost and SQLite rolls back. The error that ends the transaction is thrown, not this one;
    // the next use of the connection throws.
    if (!(error instanceof WorkerError)) throw error;
  }
}

import { WorkerError } from "../../base/errors.ts";
import { type DatabaseConnection, told } from "./connection.ts";

/** What the cursor does when a transaction begins. */
export type TransactionMode = "deferred" | "immediate" | "exclusive";

/**
 * A transaction on a connection, at the turn of the running fiber. It is over at the end, however that comes:
 * committed if it returns, otherwise undone.
 *
 * Who gives up waiting for its beginning does not know whether it begins; the worker does, which is asked after that to
 * undo it if so. Whether it is committed must be known here, so nothing cuts that wait short.
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
    yield* connection.insist("begin", cursor, number, mode);
    begun = true;
    const result = yield* connection.turns.within(body);
    const commit = connection.decide("commit", cursor, number);
    try {
      yield* told(commit);
    } finally {
      // If it fails, the worker has undone it all.
      over = commit.submitted;
    }
    return result;
  } finally {
    // Who gave up waiting for a lock is not to wait for it now.
    if (!begun) connection.submit("rollback", cursor, number);
    else if (!over) yield* rollBack(connection, cursor, number);
  }
}

function* rollBack(connection: DatabaseConnection, cursor: number, number: number): Generator<unknown, void> {
  if (!connection.alive) return;
  try {
    yield* connection.insist("rollback", cursor, number);
  } catch (error) {
    // Then the connection is lost, and SQLite rolls back; what failed before says why. Its next use tells of the loss.
    if (!(error instanceof WorkerError)) throw error;
  }
}

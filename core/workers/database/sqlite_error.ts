/** The errors of SQLite in a worker, as the cursor throws them. */
import { unsupported } from "../../host/capability.ts";
import { DatabaseError, WorkerError } from "../errors.ts";

// By the number of the result code: https://sqlite.org/rescode.html
const CODES = /* @__PURE__ */ (
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL " +
  "EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING"
).split(" ");

// Deno's error of a failure to open has no code; these are found by the message.
const CODES_BY_MESSAGE: readonly [RegExp, number][] = [[/unable to open/, 14], [/not a database/, 26], [
  /is locked/,
  5,
]];

/** A `DatabaseError` for SQLite's errors, an `UnsupportedError` if SQLite is missing; other errors as they are. */
export function sqliteError(error: unknown): unknown {
  if (error instanceof WorkerError && error.name === "UnsupportedError") {
    return unsupported("open a database", error.message);
  }
  if (!(error instanceof WorkerError) || error.code !== "ERR_SQLITE_ERROR") return error;
  const { errcode: extended } = error.data;
  const errcode = typeof extended === "number" ? extended : codeOf(error.message);
  const code = `SQLITE_${CODES[errcode & 0xff] ?? "ERROR"}`;
  return new DatabaseError(error.message, code, errcode, { stack: error.stack, data: error.data });
}

function codeOf(message: string): number {
  return CODES_BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? 1;
}

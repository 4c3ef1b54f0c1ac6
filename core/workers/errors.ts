/** The errors of workers. */

/**
 * A task in a worker failed: it threw, its worker ended while it ran, or its pool was terminated.
 *
 * If the task threw an error, this has its `name`, `message`, `stack`, `cause`, `code` and `errors`. Errors among these
 * are instances of the same built-in classes as in the worker, with their own properties. If the task threw a value
 * that is not an error, that is the `cause`.
 */
export class WorkerError extends Error {
  /** The name of the error that the task threw, otherwise `"WorkerError"`. */
  override name = "WorkerError";
  /** The `code` of the error that the task threw, or the exit code of a worker that ended. */
  readonly code?: unknown;
  /** Other properties of the error that the task threw; those that cannot be cloned, as text. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The errors of an `AggregateError` that the task threw. */
  declare readonly errors?: readonly unknown[];
  /** The `error` of a `SuppressedError` that the task threw; {@linkcode suppressed} is the error that it suppressed. */
  declare readonly error?: unknown;
  /** See {@linkcode error}. */
  declare readonly suppressed?: unknown;

  /**
   * Creates the error.
   *
   * @param message What happened.
   * @param original The properties of the original error: any of `name`, `stack`, `cause`, `code`, `data`.
   */
  constructor(message: string, original: WorkerErrorInit = {}) {
    super(message, "cause" in original ? { cause: original.cause } : undefined);
    if (original.name !== undefined) this.name = original.name;
    if (original.stack !== undefined) this.stack = original.stack;
    if (original.code !== undefined) this.code = original.code;
    this.data = original.data ?? {};
  }
}

/** SQLite failed to do what a database cursor requested. */
export class DatabaseError extends WorkerError {
  /** Always `"DatabaseError"`. */
  override name = "DatabaseError";
  /** The name of SQLite's primary result code: `"SQLITE_CONSTRAINT"`. */
  declare readonly code: string;
  /** SQLite's extended result code: 2067 for a value that is not unique. */
  readonly errcode: number;

  /**
   * Creates the error.
   *
   * @param message SQLite's message.
   * @param code The name of its primary result code.
   * @param errcode Its extended result code.
   * @param original The properties of the error in the worker.
   */
  constructor(message: string, code: string, errcode: number, original: WorkerErrorInit = {}) {
    super(message, { ...original, name: "DatabaseError", code });
    this.name = "DatabaseError";
    this.errcode = errcode;
  }
}

/** The properties of the original error that a {@linkcode WorkerError} has. */
export interface WorkerErrorInit {
  /** The name of the original error. */
  readonly name?: string;
  /** Its stack. */
  readonly stack?: string;
  /** Its cause. */
  readonly cause?: unknown;
  /** Its code. */
  readonly code?: unknown;
  /** Its other own properties. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What failed in a worker. */

/**
 * A task in a worker failed: it threw, its worker ended while it ran, or its pool was terminated.
 *
 * An error that the task threw is carried over: this has its `name`, `message`, `stack`, `cause`, `code` and `errors`.
 * The errors among these are instances of the built-in classes that they were, with their own properties. What the task
 * threw that was no error is the `cause`.
 */
export class WorkerError extends Error {
  /** The name of the error that the task threw; `"WorkerError"` if there was none. */
  override name = "WorkerError";
  /** The `code` of the error that the task threw, or the exit code of a worker that ended. */
  readonly code?: unknown;
  /** Other properties of the error that the task threw, as far as they can be cloned. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The errors of an `AggregateError` that the task threw. */
  declare readonly errors?: readonly unknown[];
  /** The error of a `SuppressedError` that the task threw, and {@linkcode suppressed} what it suppressed. */
  declare readonly error?: unknown;
  /** See {@linkcode error}. */
  declare readonly suppressed?: unknown;

  /**
   * Makes the error.
   *
   * @param message What happened.
   * @param original What is carried over: any of `name`, `stack`, `cause`, `code`, `data`.
   */
  constructor(message: string, original: WorkerErrorInit = {}) {
    super(message, "cause" in original ? { cause: original.cause } : undefined);
    if (original.name !== undefined) this.name = original.name;
    if (original.stack !== undefined) this.stack = original.stack;
    if (original.code !== undefined) this.code = original.code;
    this.data = original.data ?? {};
  }
}

/** SQLite refused something that a database cursor asked for. */
export class DatabaseError extends WorkerError {
  /** Always `"DatabaseError"`. */
  override name = "DatabaseError";
  /** SQLite's result code by name, without what extends it: `"SQLITE_CONSTRAINT"`. */
  declare readonly code: string;
  /** SQLite's extended result code: 2067 for a value that is not unique. */
  readonly errcode: number;

  /**
   * Makes the error.
   *
   * @param message What SQLite says.
   * @param code The name of its result code.
   * @param errcode Its extended result code.
   * @param original What is carried over of the error in the worker.
   */
  constructor(message: string, code: string, errcode: number, original: WorkerErrorInit = {}) {
    super(message, { ...original, name: "DatabaseError", code });
    this.name = "DatabaseError";
    this.errcode = errcode;
  }
}

/** What a {@linkcode WorkerError} carries over. */
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

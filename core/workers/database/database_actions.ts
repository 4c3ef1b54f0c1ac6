/** The actions that a connection requests from its worker, and their results. */

/** The result of a statement. */
export interface Executed {
  /** The names of the columns of its rows; `null` if it has none. */
  readonly columns: readonly string[] | null;
  /** How many rows it has. */
  readonly total: number;
  /** The first of them: the values in the order of the columns. */
  readonly rows: readonly (readonly unknown[])[];
  /** How many rows it changed; -1 if it is not a change. */
  readonly changes: number;
  /** The id of the row it inserted last; `null` if it inserted none. */
  readonly lastRowId: number | bigint | null;
}

/** How a connection is opened. */
export interface ConnectionSettings {
  readonly path: string;
  readonly readOnly: boolean;
  /** Milliseconds to wait for a lock that another connection holds. */
  readonly busyTimeout: number;
  readonly bigints: boolean;
}

/** The result of each action. */
export interface DatabaseResults {
  readonly open: void;
  readonly execute: Executed;
  readonly many: Executed;
  readonly script: void;
  readonly fetch: unknown[][];
  readonly drop: void;
  readonly begin: void;
  readonly commit: void;
  readonly rollback: void;
  readonly close: void;
}

/** The actions by name. */
export type DatabaseAction = keyof DatabaseResults;

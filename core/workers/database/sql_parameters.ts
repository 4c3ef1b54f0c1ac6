/**
 * Checks the values of a statement's parameters. Without that, missing values would be NULLs, a `Date` as the first
 * value would be an object of names, and texts would be cut at NUL: `node:sqlite` and SQLite do not refuse these.
 */
import { describe } from "../../base/describe.ts";
import { DatabaseError } from "../errors.ts";
import type { SqlStatement } from "./sql_statement.ts";

/** A value that SQLite stores. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** Values for the parameters of a statement: in order for `?`, or by name for `:name`, `@name` and `$name`. */
export type SqlParameters = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/** The arguments with which `node:sqlite` runs a statement: an object of the parameters with names, then the others. */
export type BoundValues = readonly unknown[];

/**
 * Gives each parameter its value.
 *
 * @throws {TypeError} If `parameters` is neither an array nor an object of names.
 * @throws {DatabaseError} If there are too few or too many, or SQLite cannot store one.
 */
export function bindParameters({ parameters: names }: SqlStatement, parameters: SqlParameters): BoundValues {
  const values = Array.isArray(parameters) ? inOrder(names, parameters) : byName(names, parameters);
  for (let i = 0; i < values.length; i++) checkValue(values[i], i, names);
  const bound: unknown[] = [];
  let named: Record<string, unknown> | null = null;
  names.forEach((name, i) => {
    if (isNamed(name)) (named ??= {})[name] = values[i];
    else bound.push(values[i]);
  });
  return named === null ? bound : [named, ...bound];
}

/**
 * Checks that SQLite reads the whole text.
 *
 * @throws {TypeError} If it is not a string.
 * @throws {DatabaseError} If it contains NUL or half of a surrogate pair.
 */
export function checkSql(sql: unknown): asserts sql is string {
  if (typeof sql !== "string") {
    throw new TypeError(`Cannot execute as 'sql' must be a string: current value is ${describe(sql)}`);
  }
  const fault = faultOfText(sql);
  if (fault !== null) throw misuse(`Cannot execute as 'sql' contains ${fault}: current value is ${describe(sql)}`);
}

/** The error for a statement that is used in a wrong way. */
export function misuse(message: string): DatabaseError {
  return new DatabaseError(message, "SQLITE_MISUSE", 21);
}

function isNamed(name: string | null): name is string {
  return name !== null && name[0] !== "?";
}

function inOrder(names: SqlStatement["parameters"], values: readonly unknown[]): readonly unknown[] {
  if (values.length === names.length) return values;
  throw new DatabaseError(
    `Cannot execute as the statement has ${names.length} parameters: current number of values is ${values.length}`,
    "SQLITE_RANGE",
    25,
  );
}

function byName(names: SqlStatement["parameters"], values: unknown): unknown[] {
  if (Object.prototype.toString.call(values) !== "[object Object]") {
    throw new TypeError(
      `Cannot execute as 'parameters' must be an array or an object: current value is ${describe(values)}`,
    );
  }
  const record = values as Record<string, unknown>;
  return names.map((name, index) => {
    if (name === null) {
      throw missing(`Cannot execute as parameter ${index + 1} has no name: give the values in an array`);
    }
    if (Object.hasOwn(record, name)) return record[name];
    if (Object.hasOwn(record, name.slice(1))) return record[name.slice(1)];
    const given = Object.keys(record).join(", ") || "none";
    throw missing(`Cannot execute as there is no value for parameter ${name}: current names are ${given}`);
  });
}

function missing(message: string): DatabaseError {
  return new DatabaseError(message, "SQLITE_RANGE", 25);
}

function checkValue(value: unknown, index: number, names: SqlStatement["parameters"]): void {
  const fault = faultOf(value);
  if (fault === null) return;
  const which = names[index] ?? index + 1;
  throw new DatabaseError(
    `Cannot bind parameter ${which} as ${fault}: current value is ${describe(value)}`,
    "SQLITE_MISMATCH",
    20,
  );
}

function faultOf(value: unknown): string | null {
  switch (typeof value) {
    case "number":
      return null;
    case "string": {
      const fault = faultOfText(value);
      return fault === null ? null : `it contains ${fault}, pass bytes`;
    }
    case "bigint":
      return BigInt.asIntN(64, value) === value ? null : "an integer in SQLite has 64 bits";
    default:
      if (value === null || value instanceof Uint8Array) return null;
      return "SQLite stores only null, numbers, bigints, strings and Uint8Arrays";
  }
}

// With the flag `u`, a whole pair is one character and not a surrogate.
const HALF_PAIR = /\p{Surrogate}/u;

/** SQLite ends a text at NUL, and half of a surrogate pair would be replaced. */
function faultOfText(text: string): string | null {
  if (text.includes("\0")) return "NUL, where SQLite ends a text";
  return HALF_PAIR.test(text) ? "half of a surrogate pair" : null;
}

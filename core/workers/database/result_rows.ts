/**
 * The rows of a statement that have arrived from the worker, and the number of those still to come.
 *
 * A row is removed only when it is handed over, and can be put back. Rows that arrive for a fetch that was cut short
 * stay.
 */
import { Fifo } from "../../base/fifo.ts";
import { Call } from "../../operations/call.ts";

/** Makes a row of the values of its columns. */
export type RowShape<R> = (values: readonly unknown[]) => R;

/** See the head of this file. */
export class ResultRows<R> {
  /** How many have arrived from the worker. */
  arrived = 0;
  readonly #total: number;
  readonly #shape: RowShape<R>;
  readonly #rows: Fifo<R> = new Fifo();

  constructor(total: number, shape: RowShape<R>) {
    this.#total = total;
    this.#shape = shape;
  }

  /** How many can be taken now. */
  get length(): number {
    return this.#rows.length;
  }

  /** Whether `count` of them can be taken, or all that are left. */
  has(count: number): boolean {
    return this.#rows.length >= count || this.arrived === this.#total;
  }

  /** Adds rows that have arrived. */
  add(rows: readonly (readonly unknown[])[]): void {
    for (const values of rows) this.#rows.push(this.#shape(values));
    this.arrived += rows.length;
  }

  /** Takes up to `count` of those that have arrived. */
  take(count: number): R[] {
    const rows: R[] = new Array(Math.min(count, this.#rows.length));
    for (let i = 0; i < rows.length; i++) rows[i] = this.#rows.shift()!;
    return rows;
  }

  /** Puts the rows that were taken last back to the front. */
  putBack(rows: readonly R[]): void {
    for (let i = rows.length - 1; i >= 0; i--) this.#rows.unshift(rows[i]);
  }
}

/** Rows as objects by the names of their columns. */
export function objectShape(columns: readonly string[]): RowShape<unknown> {
  // An assignment to it would set the prototype.
  if (columns.includes("__proto__")) return (values) => Object.fromEntries(columns.map((name, i) => [name, values[i]]));
  return (values) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) row[columns[i]] = values[i];
    return row;
  };
}

/** A subroutine that fetches rows. Rows that are not handed over are put back: a race was lost, or time ran out. */
export class Fetch<T> extends Call<T> {
  readonly #putBack: () => void;

  constructor(body: Generator<unknown, T, unknown>, putBack: () => void) {
    super(body);
    this.#putBack = putBack;
  }

  override get label(): string {
    return "fetch";
  }

  override reclaim(): void {
    this.#putBack();
  }
}

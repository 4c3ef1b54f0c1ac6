/** The results of a run, in the form in which they are stored. */
import { median, percentile } from "../harness.ts";
import type { Machine } from "../results.ts";
import type { Found } from "./turns.ts";
import type { Row } from "./works.ts";

/** One figure of one peer. */
export interface Cell {
  readonly median: number;
  /** The lower quartile. */
  readonly low: number;
  /** The upper quartile. */
  readonly high: number;
  /** How many times better ours is, the median of the rounds; 0 if ours has no figure. */
  readonly ratio: number;
}

/** Cells by the names of peers. */
export type Cells = Readonly<Record<string, Cell>>;

/** A peer that has no figure for a work. */
export interface Dropout {
  readonly peer: string;
  readonly work: string;
  readonly why: string;
}

/** All results. */
export interface Findings {
  readonly machine: Machine;
  readonly quick: boolean;
  readonly rounds: number;
  readonly seed: number;
  /** The number of sleepers. */
  readonly crowd: number;
  /** The versions of the peers that took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** The peers that were not installed. */
  readonly missing: readonly string[];
  /** By the names of works, then of figures. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, Cells>>>>;
  readonly dropouts: readonly Dropout[];
}

/** The cells of one row, from the results of the rounds. */
export function cellsOf({ figure, better }: Row, found: Found): Cells {
  const ours = (found.get("ours") ?? []).map((figures) => figures[figure]);
  const cells: Record<string, Cell> = {};
  for (const [peer, rounds] of found) {
    const values = rounds.map((figures) => figures[figure]).filter((value) => value !== undefined);
    if (values.length > 0) cells[peer] = cell(values, ours, better);
  }
  return cells;
}

function cell(values: readonly number[], ours: readonly number[], better: Row["better"]): Cell {
  const both = Math.min(values.length, ours.length);
  const ratios = values.slice(0, both).map((value, round) =>
    better === "less" ? value / ours[round] : ours[round] / value
  );
  return {
    median: digits(median(values)),
    low: digits(percentile(values, 25)),
    high: digits(percentile(values, 75)),
    ratio: both === 0 ? 0 : digits(median(ratios)),
  };
}

function digits(value: number): number {
  return Number(value.toPrecision(4));
}

/**
 * The rule by which a run has grown. The first fifth of the samples is warm-up and does not count. The minimum of the
 * first half of the others is compared with the minimum of the second half. A leak raises the minimum as well as the
 * maximum, the more the longer the run; noise raises only the maximum.
 */
import type { Usage } from "./usage.ts";
import { Violation } from "./violation.ts";

const MEGABYTE = 2 ** 20;

/** How much something may grow: by a factor, and by an amount. */
interface Bound {
  readonly of: Exclude<keyof Usage, "at">;
  readonly part: number;
  readonly amount: number;
  readonly why: string;
}

const BOUNDS: readonly Bound[] = [
  {
    of: "heap",
    part: 0.1,
    amount: 2 * MEGABYTE,
    why: "compiled code and its feedback level off, in a few megabytes",
  },
  {
    of: "rss",
    part: 0.1,
    amount: 24 * MEGABYTE,
    why: "allocators keep what they were given, in pieces",
  },
  {
    of: "kernel",
    part: 0,
    amount: 0.25 * MEGABYTE,
    why: "tables double when an epoch has more coroutines than any before",
  },
  {
    of: "descriptors",
    part: 0,
    amount: 3,
    why: "a socket may be about to close",
  },
  {
    of: "threads",
    part: 0,
    amount: 3,
    why: "a worker may be about to end",
  },
];
/** Fewer samples are not enough to tell. */
export const LEAST_SAMPLES = 10;

/** The quantities that have grown beyond their bound. */
export function findGrowth(samples: readonly Usage[]): Violation[] {
  if (samples.length < LEAST_SAMPLES) return [];
  const counting = samples.slice(Math.ceil(samples.length / 5));
  const early = counting.slice(0, Math.floor(counting.length / 2));
  const late = counting.slice(Math.floor(counting.length / 2));
  return BOUNDS.flatMap(({ of, part, amount, why }) => {
    const least = (usages: readonly Usage[]) => Math.min(...usages.map((usage) => usage[of]));
    const [before, after] = [least(early), least(late)];
    const bound = before * (1 + part) + amount;
    if (after <= bound) return [];
    const detail = `${of} went from ${before} to ${after}, at the least; up to ${
      Math.round(bound)
    } is allowed as ${why}`;
    return [new Violation("Nothing grows", detail)];
  });
}

/**
 * The rule by which a run has grown: of all samples the first fifth is warm-up and does not count; what the process
 * used at the least in the first half of the others is compared with what it used at the least in the second half.
 * A leak raises the least as well as the most, and does so the more the longer the run; noise raises only the most.
 */
import type { Usage } from "./usage.ts";
import { Violation } from "./violation.ts";

const MEGABYTE = 2 ** 20;

/** How much something may grow: so much of what it was, and so much besides. */
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
/** With fewer samples nothing can be said. */
export const LEAST_SAMPLES = 10;

/** What has grown beyond its bound. */
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

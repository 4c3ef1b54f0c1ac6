/** What ratios of pairs tell. */
/** The ratio above which a change is slower, and its counterpart. */
const [SLOWER, FASTER] = [1.03, 0.97];

/** What the pairs of one work tell. */
export interface Finding {
  /** The median of the ratios. */
  readonly ratio: number;
  /** The interval of the median, by 95 % confidence. */
  readonly low: number;
  readonly high: number;
  readonly verdict: "slower" | "faster" | "";
}

/** With fewer there is no interval of 95 %. */
export const LEAST_PAIRS = 6;

/** The finding from the ratios of this side to the other. Too few tell nothing, unless every pair gives the same. */
export function findingOf(ratios: readonly number[], exact = false): Finding {
  const [low, high] = medianInterval(ratios);
  const known = exact || ratios.length >= LEAST_PAIRS;
  const verdict = known && low > SLOWER ? "slower" : known && high < FASTER ? "faster" : "";
  return { ratio: middle(ratios), low, high, verdict };
}

/** The median. Of an even number of values, it is the geometric mean of the two in the middle, as suits ratios. */
function middle(ratios: readonly number[]): number {
  const sorted = ratios.toSorted((a, b) => a - b);
  return Math.sqrt(sorted[(sorted.length - 1) >> 1] * sorted[sorted.length >> 1]);
}

/**
 * The confidence interval of the median, by ranks, which holds for any distribution. With fewer values than
 * {@linkcode LEAST_PAIRS} it is their range, and holds for less than 95 %.
 */
export function medianInterval(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const cut = outermost(sorted.length);
  return [sorted[cut], sorted[sorted.length - 1 - cut]];
}

/** How many values at each end can be left out: so many or fewer are below the median in 2.5 % of cases at most. */
function outermost(count: number): number {
  let [cut, chance] = [0, 0.5 ** count];
  for (let ways = chance;; cut++) {
    ways *= (count - cut) / (cut + 1);
    chance += ways;
    if (chance > 0.025) return cut;
  }
}

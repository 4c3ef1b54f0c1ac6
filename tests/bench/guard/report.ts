/** The text of a comparison. */
import { markdownTable, median, ns } from "../harness.ts";
import type { Comparison, Pairs } from "./compare.ts";
import { type Finding, findingOf, LEAST_PAIRS } from "./interval.ts";

function finding({ work, here, other }: Pairs): Finding {
  return findingOf(here.map((value, pair) => value / other[pair]), work.exact);
}

/** The table, and what was left out. */
export function report({ pairs, leftOut }: Comparison): string {
  const rows = pairs.map((each) => {
    const { ratio, low, high, verdict } = finding(each);
    const interval = each.work.exact ? "" : `${low.toFixed(3)} to ${high.toFixed(3)}`;
    return [
      `${each.work.title}, ${each.work.unit}`,
      ns(median(each.other)),
      ns(median(each.here)),
      ratio.toFixed(3),
      interval,
      verdict,
    ];
  });
  const few = pairs.some(({ work, here }) => !work.exact && here.length < LEAST_PAIRS);
  const table = markdownTable(["what", "before", "here", "here / before", few ? "range" : "95 %", ""], rows);
  const notes = leftOut.map(({ work, why }) => `Left out, as the commit cannot do it: ${work.name} (${why})`);
  if (few) {
    notes.unshift(`Fewer than ${LEAST_PAIRS} pairs tell nothing for certain: no work is called slower or faster.`);
  }
  return [table, ...notes].join("\n\n");
}

/** The names of works that are slower, with their ratios. */
export function slowerOnes({ pairs }: Comparison): string[] {
  return pairs.map((each) => ({ name: each.work.name, ...finding(each) }))
    .filter(({ verdict }) => verdict === "slower")
    .map(({ name, ratio, low, high }) => `${name} (${ratio.toFixed(3)}, ${low.toFixed(3)} to ${high.toFixed(3)})`);
}

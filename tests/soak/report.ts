/** What the soak prints. */
import type { EpochResult } from "./epoch.ts";
import type { Tally } from "./tally.ts";
import type { Usage } from "./usage.ts";
import type { Violation } from "./violation.ts";

/** The state of the run, in one line. */
export function progressLine(usage: Usage, epochs: number, tally: Tally): string {
  const groups = [...tally.groups()].map(([group, count]) => `${group} ${short(count)}`).join(", ");
  const { heap, rss, descriptors, threads } = usage;
  return `${clock(usage.at)}  ${epochs} epochs  heap ${megabytes(heap)} MB  rss ${megabytes(rss)} MB  ` +
    `fds ${descriptors}  threads ${threads}  ${groups}`;
}

/** All counts, one kind a line. */
export function tallyTable(tally: Tally): string {
  const rows = tally.entries().map(([kind, count]) => [kind, count.toLocaleString("en")]);
  const width = Math.max(0, ...rows.map(([kind]) => kind.length));
  const countWidth = Math.max(0, ...rows.map(([, count]) => count.length));
  return rows.map(([kind, count]) => `  ${kind.padEnd(width)}  ${count.padStart(countWidth)}`).join("\n");
}

/** The violation of an epoch, how to reproduce it, and the coroutines that were alive. */
export function failureText({ plan, violations, dump, societies }: EpochResult): string {
  const only = plan.only === undefined ? "" : ` --only ${plan.only.join()}`;
  return [
    "FAILED",
    ...violations.slice(0, 5).map((violation) => `  ${violation.invariant}\n    ${violation.detail}`),
    `epoch with seed ${plan.seed}, ${plan.virtual ? "virtual" : "real"} time, societies ${societies.join(", ")}`,
    `again: deno task soak --seed ${plan.seed} --epochs 1 ${plan.virtual ? "--virtual" : "--real"}${only}`,
    `coroutines when it was seen: ${dump.length}`,
    ...dump.map(({ id, name, state, waitsFor, deadline, messages, age }) =>
      `  ${name}/${id} ${state}${waitsFor === null ? "" : ` for ${waitsFor}`}` +
      `${deadline === null ? "" : `, ${deadline.toFixed(3)} s left`}, ${messages} messages, age ${age.toFixed(1)} s`
    ),
  ].join("\n");
}

/** What has grown, with the samples that show it. */
export function growthText(
  violations: readonly Violation[],
  samples: readonly Usage[],
  again: string,
): string {
  return [
    "FAILED",
    ...violations.map(({ invariant, detail }) => `  ${invariant}\n    ${detail}`),
    `again: ${again}`,
    ...samples.map((usage) => `  ${JSON.stringify(usage)}`),
  ].join("\n");
}

/** Minutes and seconds. */
export function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function short(count: number): string {
  return count < 10_000 ? String(count) : count < 1e7 ? `${Math.round(count / 1000)}k` : `${(count / 1e6).toFixed(1)}M`;
}

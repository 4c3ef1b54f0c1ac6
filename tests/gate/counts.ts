/**
 * How many tests passed and failed, read from what a test runner printed.
 *
 * The last summary wins: a test may print the summary of a run of its own.
 */

/** The figures of one stage, or of the whole gate. */
export interface Counts {
  passed: number;
  failed: number;
}

/** Reads a runner's output; `undefined` when it holds no summary. */
export type CountParser = (output: string) => Counts | undefined;

// deno-lint-ignore no-control-regex -- an escape sequence begins with one
const ANSI = /\x1b\[[\d;]*[A-Za-z]/g;
const DENO = /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed\b/gm;
const PLAIN = /^[ \t]*(\d+) passed, (\d+) failed\b/gm;

/** Reads `ok | 3 passed (2 steps) | 0 failed (9ms)`, as `deno test` ends. */
export function denoTestCounts(output: string): Counts | undefined {
  return lastMatch(output, DENO);
}

/** Reads `3 passed, 0 failed`, the last line of `assembly/spec.ts`. */
export function plainCounts(output: string): Counts | undefined {
  return lastMatch(output, PLAIN);
}

/**
 * The figures of a finished stage. A failure always counts, even if no summary contains it (a type error, a crash), and
 * so does having run no test.
 */
export function stageCounts(
  ok: boolean,
  output: string,
  parse?: CountParser,
): Counts {
  if (!parse) return { passed: 0, failed: ok ? 0 : 1 };
  const counts = parse(output) ?? { passed: 0, failed: 0 };
  const unnoticed = !ok || counts.passed === 0;
  return counts.failed === 0 && unnoticed ? { ...counts, failed: 1 } : counts;
}

/** Sums the figures. */
export function sumCounts(all: Counts[]): Counts {
  const sum = { passed: 0, failed: 0 };
  for (const { passed, failed } of all) {
    sum.passed += passed;
    sum.failed += failed;
  }
  return sum;
}

/** `3 passed, 0 failed`. */
export function formatCounts({ passed, failed }: Counts): string {
  return `${passed} passed, ${failed} failed`;
}

function lastMatch(output: string, pattern: RegExp): Counts | undefined {
  const match = [...output.replaceAll(ANSI, "").matchAll(pattern)].at(-1);
  return match && { passed: Number(match[1]), failed: Number(match[2]) };
}

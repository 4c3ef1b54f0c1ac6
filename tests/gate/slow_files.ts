/** Which files of tests took the longest, read from what `deno test` printed, and when. */

/** A part of a command's output. */
export interface Printed {
  readonly text: string;
  /** When it was printed, in seconds since the command began. */
  readonly seconds: number;
}

/** How long the tests of a file took. */
export interface FileTime {
  readonly file: string;
  readonly seconds: number;
}

// deno-lint-ignore no-control-regex -- an escape sequence begins with one
const FILE = /(?:^|\x1b\[[\d;]*m)running \d+ tests? from ([^\s\x1b]+)/gm;

/** The files that took the longest, the longest first. One ends when the next begins; the last at `end`, in seconds. */
export function slowestFiles(printed: readonly Printed[], end: number, most: number): FileTime[] {
  const output = printed.map(({ text }) => text).join("");
  const begun = [...output.matchAll(FILE)].map(({ 1: file, index }) => ({ file, at: timeOf(index, printed) }));
  const times = begun.map(({ file, at }, index) => ({ file, seconds: (begun[index + 1]?.at ?? end) - at }));
  return times.sort((a, b) => b.seconds - a.seconds).slice(0, most);
}

/** When the part of the output that has this position was printed. */
function timeOf(position: number, printed: readonly Printed[]): number {
  let end = 0;
  return printed.find(({ text }) => position < (end += text.length))!.seconds;
}

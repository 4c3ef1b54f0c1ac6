/**
 * How old versions of a log are called, and how they move up.
 *
 * `app.log.1` is the newest, `app.log.1.gz` the same compressed; each version is there in one of the two forms.
 * `app.log.0` is what has just been taken aside and has not become version 1 yet.
 */

/** A file to be renamed, or removed if `to` is `null`. */
export interface Step {
  readonly from: string;
  readonly to: string | null;
}

/** Old versions, by number: the names of their files. */
export type Versions = ReadonlyMap<number, readonly string[]>;

/** The versions from 1 to `keep` of a log among the names of a folder. Higher numbers are not ours: left alone. */
export function versionsOf(log: string, names: Iterable<string>, keep: number): Versions {
  const versions = new Map<number, string[]>();
  for (const name of names) {
    const number = name.startsWith(`${log}.`) ? /^([1-9]\d*)(\.gz)?$/.exec(name.slice(log.length + 1))?.[1] : undefined;
    if (number === undefined || Number(number) > keep) continue;
    versions.set(Number(number), [...versions.get(Number(number)) ?? [], name]);
  }
  return versions;
}

/**
 * What makes version 0 version 1, step by step.
 *
 * Only versions below the first gap move, the highest of them first, so no step finds its target taken, and after a crash
 * between any two the rest is simply planned again: whatever gap the crash left is the one to be closed. Only if there
 * is no gap the oldest version has to go.
 */
export function shift(log: string, versions: Versions, keep: number): Step[] {
  const steps: Step[] = [];
  let gap = 1;
  while (versions.has(gap)) gap++;
  if (gap > keep) {
    for (const name of versions.get(keep) ?? []) steps.push({ from: name, to: null });
    gap = keep;
  }
  for (let number = gap - 1; number >= 1; number--) {
    for (const name of versions.get(number)!) {
      steps.push({ from: name, to: `${log}.${number + 1}${name.endsWith(".gz") ? ".gz" : ""}` });
    }
  }
  return [...steps, { from: `${log}.0`, to: keep === 0 ? null : `${log}.1` }];
}

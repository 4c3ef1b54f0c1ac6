/**
 * The names of old versions of a log, and how they move up.
 *
 * `app.log.1` is the newest version, and `app.log.1.gz` the same in compressed form; each version exists in one of the two
 * forms. `app.log.0` is a log that was set aside and has not become version 1 yet.
 */

/** A file to be renamed, or removed if `to` is `null`. */
export interface Step {
  readonly from: string;
  readonly to: string | null;
}

/** The names of the files of each old version, by its number. */
export type Versions = ReadonlyMap<number, readonly string[]>;

/** The versions 1 to `keep` of a log among the names in a folder. Files with higher numbers are ignored. */
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
 * The steps that make version 0 version 1.
 *
 * Only versions below the first gap move, the highest first, so the target of each step is free. After a crash between
 * two steps, the remaining steps are planned again, for the gap that the crash has left. The oldest version is removed
 * only if there is no gap.
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

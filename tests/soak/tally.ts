/** Counts by kind. */
export class Tally {
  readonly #counts: Map<string, number> = new Map();
  /** Counts something. */
  add(kind: string, times = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + times);
  }

  /** Adds the counts of another tally. */
  addAll(other: Tally): void {
    for (const [kind, times] of other.#counts) this.add(kind, times);
  }

  /** The count of a kind. */
  of(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** All kinds with their counts, by name. */
  entries(): [string, number][] {
    return [...this.#counts].sort(([a], [b]) => a < b ? -1 : 1);
  }

  /** The sum of all counts. */
  get total(): number {
    let total = 0;
    for (const times of this.#counts.values()) total += times;
    return total;
  }

  /** The kinds by the word before their colon, with their sums. */
  groups(): Map<string, number> {
    const groups = new Map<string, number>();
    for (const [kind, times] of this.entries()) {
      const group = kind.split(":")[0];
      groups.set(group, (groups.get(group) ?? 0) + times);
    }
    return groups;
  }
}

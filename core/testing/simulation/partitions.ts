/** Which names cannot reach each other. */
export class Partitions {
  readonly #separated: Map<string, Set<string>> = new Map();

  /** Whether what one sends reaches the other. */
  connects(a: string, b: string): boolean {
    return this.#separated.size === 0 || !(this.#separated.get(a)?.has(b) ?? false);
  }

  /** Separates each name of one side from each of the other. A name on both sides is not separated from itself. */
  separate(as: readonly string[], bs: readonly string[]): void {
    for (const a of as) {
      for (const b of bs) {
        if (a === b) continue;
        this.#add(a, b);
        this.#add(b, a);
      }
    }
  }

  /** Connects all. */
  heal(): void {
    this.#separated.clear();
  }

  #add(from: string, to: string): void {
    const others = this.#separated.get(from);
    if (others === undefined) this.#separated.set(from, new Set([to]));
    else others.add(to);
  }
}

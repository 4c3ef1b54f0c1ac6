/**
 * Acts on items and on those that an action adds, without recursion: operations are nested as deep as a program
 * likes, the engine's stack is not.
 */
export class DepthFirst<T extends object | null> {
  readonly #act: (item: T) => void;
  readonly #pending: T[] = [];
  #acting = false;

  /** `act` may call {@linkcode DepthFirst.lastFirst} again: what it adds comes right after it, before all others. */
  constructor(act: (item: T) => void) {
    this.#act = act;
  }

  /** Acts on the items, the last first. Called by an action, it returns before that is done. */
  lastFirst(items: Iterable<T>): void {
    const pending = this.#pending;
    for (const item of items) pending.push(item);
    if (this.#acting) return;
    this.#acting = true;
    try {
      for (let item = pending.pop(); item !== undefined; item = pending.pop()) this.#act(item);
    } finally {
      this.#acting = false;
      pending.length = 0;
    }
  }
}

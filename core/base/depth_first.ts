/**
 * Calls a function for each item, and for items that such a call adds, without recursion: operations may be nested
 * deeper than the engine's stack.
 */
export class DepthFirst<T extends object> {
  private readonly act: (item: T) => void;
  private readonly pending: T[] = [];
  private acting = false;

  /** @param act The function. It may add items and call `run()`: they come right after it, before all others. */
  constructor(act: (item: T) => void) {
    this.act = act;
  }

  /** Adds an item. */
  add(item: T): void {
    this.pending.push(item);
  }

  /** Takes the items that were added, the last first. Within a call of the function it leaves them to the outer run. */
  run(): void {
    if (this.acting) return;
    const pending = this.pending;
    this.acting = true;
    try {
      for (let item = pending.pop(); item !== undefined; item = pending.pop()) this.act(item);
    } finally {
      this.acting = false;
      // Only if needed: setting the length makes V8 release the array's memory even if it was 0 before.
      if (pending.length > 0) pending.length = 0;
    }
  }
}

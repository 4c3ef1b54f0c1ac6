/**
 * Acts on items and on those that an action adds, without recursion: operations are nested as deep as a program
 * likes, the engine's stack is not.
 */
export class DepthFirst<T extends object> {
  private readonly act: (item: T) => void;
  private readonly pending: T[] = [];
  private acting = false;

  /** `act` may add items and run again: they come right after it, before all others. */
  constructor(act: (item: T) => void) {
    this.act = act;
  }

  /** Adds an item. */
  add(item: T): void {
    this.pending.push(item);
  }

  /** Acts on what was added, the last first. Called by an action, it leaves that to the run that is under way. */
  run(): void {
    if (this.acting) return;
    const pending = this.pending;
    this.acting = true;
    try {
      for (let item = pending.pop(); item !== undefined; item = pending.pop()) this.act(item);
    } finally {
      this.acting = false;
      // Even where it changes nothing, setting the length would cost an array its memory.
      if (pending.length > 0) pending.length = 0;
    }
  }
}
